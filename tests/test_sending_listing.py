"""The queue as it is shown: each message, its lines, and what became of each mail."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import update

from davserver.alerts.sending import queue
from davserver.model import Recipient, RecipientState
from tests import mail_queue
from tests.mail_queue import NOON, MailServer, Site

server, site = mail_queue.server, mail_queue.site  # fixtures


def test_the_queue_shows_each_message_its_lines_and_what_became_of_each_mail(
    site: Site, server: MailServer
) -> None:
    site.person("Me", "ORTIE")
    site.announce("a.pdf", "b.pdf", to={"testard": "a.pdf b.pdf", "ortie": "b.pdf"})
    site.announce("c.pdf", to={"ortie": "c.pdf"}, due=NOON + timedelta(hours=1))
    server.inbox.to_rcpt["ortie@membres.example"] = ["450 plus tard"]
    site.send()

    with site.database.reading() as session:
        first, second = json.loads(json.dumps(queue(session)))

    assert first == {
        "id": 1,
        "dossier": "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle",
        "depositor": "testard",
        "kind": "dépôt",
        "opened_at": "2024-03-12T11:50:00+00:00",
        "due_at": "2024-03-12T12:00:00+00:00",
        "state": "partial",
        "lines": [
            {"number": 1, "name": "a.pdf", "folder": "2024-01/04 Boîtes", "size": 1000},
            {"number": 2, "name": "b.pdf", "folder": "2024-01/04 Boîtes", "size": 2000},
        ],
        "recipients": [
            {
                "login": "testard",
                "email": "testard@membres.example",
                "state": "sent",
                "attempts": 1,
                "next_try": None,
                "sent_at": "2024-03-12T12:00:00+00:00",
                "outcome": "250 2.0.0 pris en charge, n° 1",
            },
            {
                "login": "ortie",
                "email": "ortie@membres.example",
                "state": "queued",
                "attempts": 1,
                "next_try": "2024-03-12T12:01:00+00:00",
                "sent_at": None,
                "outcome": "450 plus tard",
            },
        ],
    }
    assert second["state"] == "queued"


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        (["queued", "queued"], "queued"),
        (["sent", "sent"], "sent"),
        (["failed", "failed"], "failed"),
        (["sending", "queued"], "sending"),
        (["sent", "failed"], "partial"),
        (["sent", "queued"], "partial"),
    ],
)
def test_a_message_has_the_state_of_its_recipients(
    site: Site, states: list[str], shown: str
) -> None:
    people = site.members(2)
    with site.database.writing() as session:
        for person, state in zip(people, states, strict=True):
            row = update(Recipient).where(Recipient.email == person)
            session.execute(row.values(state=RecipientState(state)))
    with site.database.reading() as session:
        assert [message["state"] for message in queue(session)] == [shown]
