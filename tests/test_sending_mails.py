"""What leaves the queue against a real mail server: to whom, when, and as what."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from davserver.model import Message, Recipient, RecipientState, User
from davserver.settings import BadSettings
from tests import mail_queue
from tests.mail_queue import NOON, MailServer, Site

server, site = mail_queue.server, mail_queue.site  # fixtures


def test_each_person_gets_one_mail_with_the_lines_meant_for_him(
    site: Site, server: MailServer
) -> None:
    for name in ("kalvé", "ortie"):
        site.person("Me", name)
    site.mail["sender"] = "Expertise Partage <alertes@serveur.example>"
    site.announce("un.pdf", "deux.pdf", to={"testard": "un.pdf deux.pdf", "ortie": "deux.pdf"})

    assert site.send() == 2

    (expert,) = server.inbox.mails("testard@membres.example")
    (lawyer,) = server.inbox.mails("ortie@membres.example")
    expert_text, lawyer_text = str(expert.get_body(("plain",))), str(lawyer.get_body(("plain",)))
    assert "un.pdf" in expert_text and "deux.pdf" in expert_text
    assert "un.pdf" not in lawyer_text and "deux.pdf" in lawyer_text
    assert "1 pièce déposée par Apolline TESTARD" in lawyer["Subject"]
    assert lawyer["From"] == "Expertise Partage <alertes@serveur.example>"
    assert lawyer["Date"].datetime == NOON
    sent = site.rows()["ortie@membres.example"]
    assert (sent.state, sent.attempts, sent.sent_at) == (RecipientState.SENT, 1, NOON)
    assert sent.outcome == "250 2.0.0 pris en charge, n° 2"


def test_a_message_id_names_the_message_the_recipient_and_the_site(
    site: Site, server: MailServer
) -> None:
    message_id = site.announce("a.pdf", to={"testard": "a.pdf"})
    with site.database.reading() as session:
        opened = session.get_one(Message, message_id).opened_at
    site.send()

    (mail,) = server.inbox.mails("testard@membres.example")
    row = site.rows()["testard@membres.example"]
    # By its time, not by its id alone: ids may begin again.
    assert mail["Message-ID"] == (f"<davserver-{opened:%Y%m%d%H%M%S%f}-{row.id}@dossiers.example>")


def test_nothing_leaves_before_its_window_is_over(site: Site, server: MailServer) -> None:
    site.announce("a.pdf", to={"testard": "a.pdf"}, due=NOON + timedelta(seconds=1))
    with site.database.writing() as session:
        session.execute(update(Recipient).values(retry_at=NOON))

    assert site.send() == 0
    site.clock.advance(timedelta(seconds=1))
    assert site.send() == 1
    assert site.send() == 0
    assert len(server.inbox.taken) == 1


def test_a_round_uses_one_connection(site: Site, server: MailServer) -> None:
    site.members(5)

    assert site.send() == 5
    assert server.inbox.greetings == 1


def test_accounts_closed_meanwhile_are_never_mailed(site: Site, server: MailServer) -> None:
    people = site.members(3)
    with site.database.writing() as session:
        session.execute(update(User).where(User.login == "membre00").values(disabled=True))
        session.execute(update(User).where(User.login == "membre01").values(login=None))

    assert site.send() == 1
    assert server.inbox.count() == Counter(people[2:])
    rows = site.rows()
    assert [rows[person].state for person in people] == ["failed", "failed", "sent"]
    assert rows[people[0]].outcome == "compte désactivé : rien n'a été envoyé"
    assert rows[people[1]].outcome == "compte supprimé : rien n'a été envoyé"


def test_what_is_no_address_fails_alone(site: Site, server: MailServer) -> None:
    people = site.members(2)
    with site.database.writing() as session:
        session.execute(
            update(Recipient)
            .where(Recipient.email == people[0])
            .values(email="x@x.example>\r\nRCPT TO:<evil@x.example")
        )

    assert site.send() == 2
    assert server.inbox.count() == Counter(people[1:])
    assert site.states() == {RecipientState.SENT: 1, RecipientState.FAILED: 1}


def test_a_sender_that_is_no_address_stops_before_anything_is_claimed(site: Site) -> None:
    site.members(1)
    site.mail["sender"] = "serveur"

    with pytest.raises(BadSettings, match=r"mail\.sender"):
        site.send()
    assert site.states() == {RecipientState.QUEUED: 1}


def test_an_accented_address_goes_to_a_server_that_takes_it(site: Site, server: MailServer) -> None:
    site.person("Me", "BRÛLÉ")
    site.announce("é.pdf", to={"brûlé": "é.pdf"})

    assert site.send() == 1
    ((to, content),) = server.inbox.taken
    assert to == "brûlé@membres.example"
    assert "<brûlé@membres.example>" in content.decode()


def test_an_accented_address_fails_where_the_server_does_not_take_it(tmp_path: Path) -> None:
    server = MailServer(enable_SMTPUTF8=False)
    server.start()
    site = Site(tmp_path, server.port)
    site.person("Me", "BRÛLÉ")
    site.announce("é.pdf", to={"brûlé": "é.pdf", "testard": "é.pdf"})

    assert site.send() == 2
    assert site.rows()["brûlé@membres.example"].state is RecipientState.FAILED
    assert server.inbox.count() == Counter(["testard@membres.example"])
    site.database.close()
    server.stop()
