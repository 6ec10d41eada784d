"""Pieces arrive, members are told by mail: each of every piece, once, whatever breaks meanwhile."""

import time
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from davserver.demo.history import BRUMAIRE, ORTIE
from tests import rows
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
from tests.post import SENDER, Post, links, settings, text
from tests.serving import Server, wait_for

LAWYER = "cabinet.brumaire-kalve"
BOX = box(BRUMAIRE)
# Names that a careless program would read as a header, a command or a tag.
TRICKY = (
    "=_UTF-8_Q_x=0ABcc=3A_evil@x.example_=.pdf",
    "x%0D%0ABcc%3A evil@x.example.pdf",
    "{{ 7 + 7 }} {% include 'settings' %} ${HOME}.pdf",
    "&lt;script&gt;alert(1)&lt;;script&gt;.pdf",
    "Bcc evil@x.example, autre@x.example; fin.pdf",
)
BURST = [*AWKWARD, *TRICKY, *(f"Pièce n°{number}.pdf" for number in range(60, 77))]


@pytest.fixture(scope="module")
def everybody(site: tuple[Server, Post]) -> dict[str, str]:
    """The addresses of the members of the dossier, by login."""
    server, _ = site
    members = {person["login"] for person in server.json("dossier", "show", DOSSIER)["members"]}
    return {u["login"]: u["email"] for u in server.json("user", "list") if u["login"] in members}


@pytest.fixture(scope="module")
def site(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Post]]:
    """A server that mails after a second, and the mail server that it uses, up at first."""
    post = Post(tmp_path_factory.mktemp("post") / "maildir")
    post.start()
    yield start(settings(post, window=1)), post
    post.stop()


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    """A mail server for one test, down at first."""
    post = Post(tmp_path / "maildir")
    yield post
    post.stop()


def once(people: Collection[str], links: Collection[str]) -> Counter[tuple[str, str]]:
    """Each of ``people`` told once of each of ``links``."""
    return Counter(product(people, links))


def await_told(post: Post, wanted: Counter[tuple[str, str]]) -> None:
    """Wait until everybody is told of everything, then some more for what would be too much."""
    wait_for(lambda: wanted <= post.told(), 60, "all mails")
    time.sleep(1)
    assert {told: count for told, count in post.told().items() if told in wanted} == wanted


def queued(server: Server, name: str) -> dict[str, Any]:
    """The message about the piece ``name``, as the administrator sees it in the queue."""
    messages = server.json("alerts", "queue")
    (found,) = [m for m in messages if name in [line["name"] for line in m["lines"]]]
    assert isinstance(found, dict)
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


def test_thirty_pieces_make_one_mail_to_each_member(
    start: Start, post: Post, everybody: dict[str, str]
) -> None:
    assert {EXPERT, LAWYER, "come.prototype", "theo.gabarit"} <= everybody.keys()
    assert len(everybody) == 9
    assert len(set(BURST)) == 30
    post.start()
    server = start(settings(post, window=10))
    put_all(server, BURST)
    for forged in ("=?UTF-8?Q?x=0ABcc:_evil@x.example?=.pdf", "x\r\nBcc: evil@x.example.pdf"):
        assert server.dav(LAWYER).put((*BOX, forged), b"%PDF").status in (400, 403)
    expected = {address(*BOX, composed(name)) for name in BURST}
    await_told(post, once(everybody.values(), expected))

    mails = post.mails()
    assert sorted(str(mail["X-RcptTo"]) for mail in mails) == sorted(everybody.values())
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
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
    reader = server.dav("theo.gabarit")
    got = {sha256(reader.request("GET", link).body) for link in links(mails[0])}
    assert got == {sha256(paper(name)) for name in BURST}

    message = queued(server, BURST[0])
    assert {row["login"]: row["email"] for row in message["recipients"]} == everybody
    for row in message["recipients"]:
        assert (row["state"], row["attempts"], row["outcome"][:3]) == ("sent", 1, "250")


def test_filing_by_the_expert_tells_nobody(
    site: tuple[Server, Post], everybody: dict[str, str]
) -> None:
    server, post = site
    name, later = "Pièce n°80.pdf", "Pièce n°81.pdf"
    put_all(server, [name])
    await_told(post, once(everybody.values(), [address(*BOX, name)]))
    assert server.dav(EXPERT).move((*BOX, name), (*archive(BRUMAIRE), name)).status == 201
    # Mails about a later piece still go out; the filing has sent none before them.
    put_all(server, [later])
    await_told(post, once(everybody.values(), [address(*BOX, later)]))
    assert not any(link == address(*archive(BRUMAIRE), name) for _, link in post.told())
    assert len(post.mails()) == 2 * len(everybody)


def test_what_the_expert_deposits_for_a_party_is_told_to_all(
    site: tuple[Server, Post], everybody: dict[str, str]
) -> None:
    """From paper, in the lawyer's box: the lawyer and the expert himself get the mail too."""
    server, post = site
    name = "Pièce n°90 - Remise en main propre.pdf"
    assert server.dav(EXPERT).put((*box(ORTIE), name), paper(name)).status == 201
    await_told(post, once(everybody.values(), [address(*box(ORTIE), name)]))
    assert queued(server, name)["depositor"] == EXPERT


def test_each_is_told_once_when_the_mail_server_comes_back(
    site: tuple[Server, Post], everybody: dict[str, str]
) -> None:
    server, post = site
    name = "Pièce n°82.pdf"
    post.stop()
    put_all(server, [name])
    await_names(server.dav(EXPERT), BOX, [name])

    def refused() -> bool:
        rows = queued(server, name)["recipients"]
        return any("connexion refusée" in row["outcome"] for row in rows)

    wait_for(refused, 30, "a first attempt")
    post.start()
    await_told(post, once(everybody.values(), [address(*BOX, name)]))
    assert queued(server, name)["state"] == "sent"


def test_nobody_misses_a_piece_or_hears_twice_of_it_after_a_power_cut(
    start: Start, post: Post, everybody: dict[str, str]
) -> None:
    post.handler.pace = 1
    post.start()
    server = start(settings(post, window=2))
    names = [f"Pièce n°{number}.pdf" for number in range(100, 116)]
    put_all(server, names[:8])
    wait_for(post.mails, 30, "the first mail")
    # The second half arrives while mails of the first go out, and the power fails in both.
    with ThreadPoolExecutor(1) as pool:
        burst = pool.submit(put_all, server, names[8:])
        wait_for(lambda: server.dav(LAWYER).get((*BOX, names[8])).status == 200)
        cut_power(server)
        assert queued(server, names[0])["state"] != "sent"
        _let_leases_run_out(server)
        post.handler.pace = 0
        server.start()
        burst.result()
    await_told(post, once(everybody.values(), [address(*BOX, name) for name in names]))
    assert {row["state"] for row in deposits(server, LAWYER).values()} == {"sealed"}


def test_a_server_told_to_stop_ends_the_mail_at_hand_and_leaves_the_others_for_later(
    start: Start, post: Post, everybody: dict[str, str]
) -> None:
    post.handler.pace = 1.5
    post.start()
    server = start(settings(post, window=1))
    name = "Pièce n°83.pdf"
    put_all(server, [name])
    wait_for(post.mails, 30, "the first mail")
    assert server.stop() == 0
    assert len(post.mails()) < len(everybody)
    post.handler.pace = 0
    server.start()
    await_told(post, once(everybody.values(), [address(*BOX, name)]))
    assert len(post.mails()) == len(everybody)


def _let_leases_run_out(server: Server) -> None:
    """The next try of a mail that was on its way is after five minutes: as if they had passed."""
    past = "2024-01-01 00:00:00.000000"
    rows.alter(server.data, f"UPDATE recipient SET retry_at = '{past}' WHERE state = 'sending'")
