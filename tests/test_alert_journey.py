"""Pieces arrive, members are told by mail: each of every piece, once, whatever breaks meanwhile."""

import asyncio
import email.policy
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email import message_from_bytes
from email.message import EmailMessage
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, Envelope, Session

from davserver.demo.history import BRUMAIRE, ORTIE
from tests.clients import (
    AWKWARD,
    DOSSIER,
    EXPERT,
    archive,
    await_names,
    box,
    composed,
    cut_power,
    deposits,
    paper,
    sha256,
)
from tests.conftest import Start
from tests.dav import Names, address
from tests.serving import Server, free_port, wait_for

LAWYER = "cabinet.brumaire-kalve"
BOX = box(BRUMAIRE)
PUBLIC = "https://dossiers.example"
SENDER = "alertes@dossiers.example"
# Names that a careless program would read as a header, a command or a tag.
TRICKY = (
    "=_UTF-8_Q_x=0ABcc=3A_evil@x.example_=.pdf",
    "x%0D%0ABcc%3A evil@x.example.pdf",
    "{{ 7 + 7 }} {% include 'settings' %} ${HOME}.pdf",
    "&lt;script&gt;alert(1)&lt;;script&gt;.pdf",
    "Bcc evil@x.example, autre@x.example; fin.pdf",
)
BURST = [*AWKWARD, *TRICKY, *(f"Pièce n°{number}.pdf" for number in range(60, 77))]


class Slow(Mailbox):
    """Keeps each mail in a maildir, after ``pace`` seconds."""

    pace = 0.0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.pace)
        return await super().handle_DATA(server, session, envelope)


class Post:
    """A real mail server on a port of its own. It may be down, and it may be slow."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.handler = Slow(folder)
        self._folder = folder / "new"
        self._controller = Controller(self.handler, hostname="127.0.0.1", port=self.port)
        self._up = False

    def start(self) -> None:
        self._controller.start()
        self._up = True

    def stop(self) -> None:
        if self._up:
            self._controller.stop()
        self._up = False

    def mails(self) -> list[EmailMessage]:
        """All mails that it has taken."""
        return [
            message_from_bytes(file.read_bytes(), EmailMessage, policy=email.policy.default)
            for file in self._folder.iterdir()
        ]

    def told(self) -> dict[str, Counter[str]]:
        """How often each address was told of each link: mails of one Message-ID are one mail."""
        once = {(str(mail["X-RcptTo"]), str(mail["Message-ID"])): mail for mail in self.mails()}
        found: dict[str, Counter[str]] = {}
        for (person, _), mail in once.items():
            found.setdefault(person, Counter()).update(links(mail))
        return found


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    post = Post(tmp_path / "maildir")
    yield post
    post.stop()


def settings(post: Post, *, window: float) -> dict[str, str]:
    """What a server is told of ``post``."""
    return {
        "DAVSERVER_MAIL__HOST": "127.0.0.1",
        "DAVSERVER_MAIL__PORT": str(post.port),
        "DAVSERVER_MAIL__SENDER": SENDER,
        "DAVSERVER_MAIL__GROUP_WINDOW": str(window),
        "DAVSERVER_MAIL__RETRY_FIRST": "1",
        "DAVSERVER_SERVER__ADDRESS": PUBLIC,
    }


def text(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def links(mail: EmailMessage) -> list[str]:
    """The addresses in a mail's text."""
    return re.findall(rf"^ +{PUBLIC}(/dav/\S+)$", text(mail), re.MULTILINE)


def members(server: Server) -> dict[str, str]:
    """The addresses of the members of the dossier, by login."""
    shown = server.json("dossier", "show", DOSSIER)
    logins = {person["login"] for person in shown["members"]}
    users = server.json("user", "list")
    return {user["login"]: user["email"] for user in users if user["login"] in logins}


def queue(server: Server) -> list[dict[str, Any]]:
    """The queue of mails, as the administrator sees it."""
    messages: list[dict[str, Any]] = server.json("alerts", "queue")
    return messages


def await_sent(server: Server, lines: int) -> list[dict[str, Any]]:
    """Wait until mails about ``lines`` pieces are in the queue and all have gone out."""

    def done() -> list[dict[str, Any]]:
        messages = queue(server)
        sent = all(message["state"] == "sent" for message in messages)
        return messages if sent and sum(len(m["lines"]) for m in messages) >= lines else []

    found: list[dict[str, Any]] = wait_for(done, 60, "all mails to be sent")
    return found


def put_all(server: Server, names: list[str]) -> None:
    """The lawyer drops all his files at once, and tries again whatever failed."""

    def put(name: str) -> None:
        wait_for(lambda: _put(server, (*BOX, name)), 60, name)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(put, names))


def _put(server: Server, path: Names) -> bool:
    try:
        return server.dav(LAWYER).put(path, paper(path[-1])).status in (201, 204)
    except (OSError, HTTPException):
        return False  # the server is down just now


def test_thirty_pieces_make_one_mail_to_each_member(start: Start, post: Post) -> None:
    post.start()
    server = start(settings(post, window=12))
    everybody = members(server)
    assert {EXPERT, LAWYER, "come.prototype", "theo.gabarit"} <= everybody.keys()
    assert len(everybody) == 9
    assert len(set(BURST)) == 30
    put_all(server, BURST)
    for forged in ("=?UTF-8?Q?x=0ABcc:_evil@x.example?=.pdf", "x\r\nBcc: evil@x.example.pdf"):
        assert server.dav(LAWYER).put((*BOX, forged), b"%PDF").status in (400, 403)
    (message,) = await_sent(server, len(BURST))
    assert {row["login"]: row["email"] for row in message["recipients"]} == everybody
    for row in message["recipients"]:
        assert (row["state"], row["attempts"], row["outcome"][:3]) == ("sent", 1, "250")

    mails = post.mails()
    assert sorted(str(mail["X-RcptTo"]) for mail in mails) == sorted(everybody.values())
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    expected = {address(*BOX, composed(name)) for name in BURST}
    hashes = {sha256(paper(name)) for name in BURST}
    for mail in mails:
        (to,) = mail["To"].addresses
        assert to.addr_spec == mail["X-RcptTo"]
        assert mail["From"].addresses[0].addr_spec == SENDER
        assert DOSSIER in mail["Subject"]
        assert not {"Cc", "Bcc", "Reply-To", "Sender"} & set(mail.keys())
        assert [part.get_content_type() for part in mail.walk()] == [
            "multipart/alternative", "text/plain", "text/html",
        ]  # fmt: skip
        assert "%PDF" not in mail.as_string()
        for name in BURST:
            assert composed(name) in text(mail)
        assert len(links(mail)) == len(BURST)
        assert set(links(mail)) == expected
    reader = server.dav("theo.gabarit")
    assert {sha256(reader.request("GET", link).body) for link in links(mails[0])} == hashes


def test_filing_by_the_expert_tells_nobody(start: Start, post: Post) -> None:
    post.start()
    server = start(settings(post, window=1))
    name = "Pièce n°80.pdf"
    put_all(server, [name])
    await_sent(server, 1)
    before = Counter(str(mail["X-RcptTo"]) for mail in post.mails())
    moved = server.dav(EXPERT).move((*BOX, name), (*archive(BRUMAIRE), name))
    assert moved.status == 201
    # A later piece shows that mails still go out, and that the filing sent none before it.
    put_all(server, ["Pièce n°81.pdf"])
    messages = await_sent(server, 2)
    assert [line["name"] for m in messages for line in m["lines"]] == [name, "Pièce n°81.pdf"]
    after = Counter(str(mail["X-RcptTo"]) for mail in post.mails())
    assert after == before + before


def test_each_is_told_once_when_the_mail_server_comes_back(start: Start, post: Post) -> None:
    server = start(settings(post, window=1))
    name = "Pièce n°82.pdf"
    put_all(server, [name])

    def tried() -> list[dict[str, Any]]:
        rows = [row for message in queue(server) for row in message["recipients"]]
        return [row for row in rows if row["attempts"]]

    waiting = wait_for(tried, 30, "a first attempt")
    assert {row["state"] for row in waiting} <= {"queued", "sending"}
    assert any("connexion refusée" in row["outcome"] for row in wait_for(tried))
    post.start()
    (message,) = await_sent(server, 1)
    assert {row["state"] for row in message["recipients"]} == {"sent"}
    link = address(*BOX, name)
    assert post.told() == {to: Counter({link: 1}) for to in members(server).values()}
    assert len(post.mails()) == len(members(server))


def test_nobody_misses_a_piece_or_hears_twice_of_it_after_a_power_cut(
    start: Start, post: Post
) -> None:
    post.handler.pace = 0.4
    post.start()
    server = start(settings(post, window=2))
    everybody = members(server)
    names = [f"Pièce n°{number}.pdf" for number in range(100, 116)]
    with ThreadPoolExecutor(1) as pool:
        burst = pool.submit(lambda: put_all(server, names[:8]))
        burst.result()
        wait_for(lambda: len(post.mails()) >= 3, 30, "the first mails")
        # The second half arrives while mails of the first go out, and the power fails in both.
        burst = pool.submit(lambda: put_all(server, names[8:]))
        wait_for(lambda: server.dav(LAWYER).get((*BOX, names[8])).status == 200, 10)
        cut_power(server)
        _let_leases_run_out(server)
        server.start()
        burst.result()
    await_names(server.dav("theo.gabarit"), BOX, names)
    await_sent(server, len(names))
    told = post.told()
    expected = Counter({address(*BOX, name): 1 for name in names})
    assert told == dict.fromkeys(everybody.values(), expected)
    assert {row["state"] for row in deposits(server, LAWYER).values()} == {"sealed"}


def _let_leases_run_out(server: Server) -> None:
    """The next try of a mail that was on its way is after five minutes: as if they had passed."""
    with closing(sqlite3.connect(server.data / "davserver.sqlite")) as database, database:
        past = "2024-01-01 00:00:00.000000"
        database.execute("UPDATE recipient SET retry_at = ? WHERE state = 'sending'", [past])


def test_what_the_expert_deposits_at_the_lawyers_is_told_to_all(start: Start, post: Post) -> None:
    """On behalf of a party, from paper: the lawyer and the expert himself get the mail too."""
    post.start()
    server = start(settings(post, window=1))
    name = "Pièce n°90 - Remise en main propre.pdf"
    assert server.dav(EXPERT).put((*box(ORTIE), name), paper(name)).status == 201
    (message,) = await_sent(server, 1)
    assert message["depositor"] == EXPERT
    link = address(*box(ORTIE), name)
    assert post.told() == {to: Counter({link: 1}) for to in members(server).values()}
