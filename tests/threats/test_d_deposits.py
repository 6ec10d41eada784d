"""Add-only boxes: what is deposited stays, what is not finished is nobody's (D13 to D17, D21)."""

import hashlib
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.clients import DOSSIER, EXPERT
from tests.conftest import Start
from tests.console import Console
from tests.dav import Dav, Names, address
from tests.serving import Server, wait_for
from tests.threats.rooms import (
    BOX,
    FINDER,
    LOCKINFO,
    OTHER,
    OTHERS_BOX,
    OWNER,
    PDF,
    READER,
    WINDOWS,
    fresh,
    grant,
    sealed,
)

DATE = "<Z:Win32LastModifiedTime>Tue, 12 Mar 2024 10:00:00 GMT</Z:Win32LastModifiedTime>"
ONE_MAIL = {"DAVSERVER_MAIL__GROUP_WINDOW": "600"}
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X".ljust(4_096, b"\0")


def deposits(server: Server, name: str) -> list[dict[str, Any]]:
    rows = Console(server.data).json("deposits", "list", "--dossier", DOSSIER)
    return [row for row in rows if row["name"] == name]


def alerts(server: Server, name: str) -> list[str]:
    """The kinds of the messages that tell of ``name``, one per line."""
    return [
        message["kind"]
        for message in Console(server.data).json("alerts", "queue")
        for line in message["lines"]
        if line["name"] == name
    ]


def lines(server: Server, name: str) -> list[str]:
    """The acts of the journal on what is called ``name``."""
    rows = Console(server.data).json("journal", "list")
    return [row["act"] for row in rows if str(row["facts"].get("path", "")).endswith("/" + name)]


@pytest.mark.parametrize("agent", ["test", FINDER, WINDOWS, "davfs2/1.7.1 neon/0.33.0"])
def test_d13_a_second_put_after_the_seal_changes_nothing_and_is_told_plainly(
    start: Start, agent: str
) -> None:
    server = start({**ONE_MAIL, "DAVSERVER_DEPOSIT__COURTESY_LOCK": "0"})
    owner, expert, name = server.dav(OWNER, agent=agent), server.dav(EXPERT), "Dire n°1.pdf"
    owner.put((*BOX, name), PDF)
    sealed(expert, (*BOX, name))
    receipt, told = deposits(server, name), alerts(server, name)
    whole = expert.get((*BOX, name))

    for content in (PDF * 2, b"", PDF[:-1], b"j" + PDF[1:]):
        for headers in ({}, {"If-Match": whole.headers["etag"]}, {"Overwrite": "T"}):
            reply = owner.request("PUT", (*BOX, name), content, headers)
            assert reply.status == (423 if agent[:6] == "davfs2" else 403)
            assert reply.message.endswith(".") and "déposée" in reply.message

    again = expert.get((*BOX, name))
    assert (again.body, again.headers["etag"]) == (PDF, whole.headers["etag"])
    assert again.headers["last-modified"] == whole.headers["last-modified"]
    assert deposits(server, name) == receipt
    assert receipt[0]["sha256"] == hashlib.sha256(PDF).hexdigest()
    hides = agent in (FINDER, "davfs2/1.7.1 neon/0.33.0")
    assert alerts(server, name) == told + ["opération refusée"] * hides
    assert lines(server, name).count("refused") == 12


def lost(server: Server, path: Names, body: bytes) -> None:
    """A PUT whose answer nobody hears."""
    parts = urlsplit(server.url)
    owner = server.dav(OWNER)
    head = f"PUT {address(*path)} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    head += f"Authorization: {owner.authorization()['Authorization']}\r\n"
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as line:
        line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        wait_for(lambda: owner.get(path).status == 200, 20, "the content whose answer is lost")


def test_d14_the_same_put_again_after_a_lost_answer_is_one_deposit(start: Start) -> None:
    server = start(ONE_MAIL)
    owner, expert, name = server.dav(OWNER), server.dav(EXPERT), "réponse perdue.pdf"
    lost(server, (*BOX, name), PDF)
    assert owner.put((*BOX, name), PDF).status == 204
    sealed(expert, (*BOX, name))
    after: list[dict[str, str]] = [{}, {"If-None-Match": "*"}, {"Overwrite": "F"}]
    for headers in after:
        assert owner.request("PUT", (*BOX, name), PDF, headers).status == 204
    chunked = owner.request("PUT", (*BOX, name), iter([PDF]), chunked=True)
    assert chunked.status == 204

    assert len(deposits(server, name)) == 1
    assert alerts(server, name) == ["dépôt"]
    assert lines(server, name).count("deposit.seal") == 1
    assert expert.get((*BOX, name)).body == PDF


def two_steps(person: Dav, path: Names) -> None:
    """What Explorer and Finder send for one file."""
    assert person.propfind(path, "0").status == 404
    assert person.put(path).status == 201
    held = person.lock(path)
    assert held.status == 200
    token = held.headers["lock-token"]
    assert person.proppatch(path, DATE, If=f"({token})").status == 207
    assert person.request("HEAD", path).status == 200
    assert person.put(path, PDF, If=f"({token})").status == 204
    assert b"200 OK" in person.proppatch(path, DATE, If=f"({token})").body
    assert person.unlock(path, token).status == 204


@pytest.mark.parametrize("agent", [WINDOWS, FINDER])
def test_d15_a_file_written_in_steps_is_one_deposit_and_sealed_after(
    start: Start, agent: str
) -> None:
    server = start(ONE_MAIL)
    person, expert, name = server.dav(OWNER, agent=agent), server.dav(EXPERT), "en deux temps.pdf"
    two_steps(person, (*BOX, name))
    assert expert.get((*BOX, name)).status == 404
    sealed(expert, (*BOX, name))

    assert expert.get((*BOX, name)).body == PDF
    (row,) = deposits(server, name)
    assert (row["state"], row["size"]) == ("sealed", len(PDF))
    assert alerts(server, name) == ["dépôt"]
    assert lines(server, name).count("deposit.seal") == 1
    assert person.put((*BOX, name), PDF * 2).status == 403
    assert person.delete((*BOX, name)).status == 403


@pytest.mark.parametrize("content", [b"", PDF], ids=["reserved", "whole"])
def test_d16_nobody_takes_or_sees_a_pending_file(start: Start, content: bytes) -> None:
    server = start({"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "600"})
    owner, name = server.dav(OWNER), (*BOX, "à moi.pdf")
    grant(server, BOX, OTHER, "lire,ajouter")  # two who may deposit into one box
    owner.put(name, content)
    for who in (OTHER, EXPERT, READER):
        thief = server.dav(who)
        may_add = who != READER
        own = (*(OTHERS_BOX if who == OTHER else ("Espace de l'expert",)), f"{fresh('x')}.pdf")
        if may_add:
            assert thief.put(own, PDF).status == 201
        assert thief.get(name).status == thief.request("HEAD", name).status == 404
        assert thief.delete(name).status == thief.propfind(name, "0").status == 404
        assert thief.move(name, (*own[:-1], "volée.pdf")).status == 404
        assert thief.copy(name, (*own[:-1], "copiée.pdf")).status == 404
        assert thief.put(name, PDF * 2).status == (423 if may_add else 403)
        assert thief.put(name, b"").status == (423 if may_add else 403)
        assert thief.lock(name).status == (423 if may_add else 403)
        assert thief.mkcol(name).status in (403, 405, 423)
        if may_add:
            assert thief.copy(own, name).status == 423
            assert thief.move(own, name).status == 423
        assert name[-1] not in thief.names(BOX)
    assert owner.get(name).body == content
    assert owner.put(name, PDF).status == 204


def test_d17_a_stump_that_its_client_left_is_never_published_and_frees_its_name(
    start: Start,
) -> None:
    server = start({"DAVSERVER_DEPOSIT__RESERVATION": "3", **ONE_MAIL})
    owner, expert, name = server.dav(OWNER, agent=WINDOWS), server.dav(EXPERT), "souche.pdf"
    grant(server, BOX, OTHER, "lire,ajouter")
    watched = set()
    assert owner.put((*BOX, name)).status == 201
    held = owner.lock((*BOX, name)).headers["lock-token"]
    owner.proppatch((*BOX, name), DATE, If=f"({held})")
    assert owner.unlock((*BOX, name), held).status == 204  # else the lock keeps it: see D16

    def freed() -> bool:
        watched.add(expert.get((*BOX, name)).status)
        return owner.get((*BOX, name)).status == 404

    wait_for(freed, 30, "the name to be free")
    assert watched == {404}
    assert expert.get((*BOX, name)).status == 404
    assert name not in expert.names(BOX)
    assert alerts(server, name) == ["dépôt inachevé"]
    assert deposits(server, name) == []
    assert server.dav(OTHER).put((*BOX, name), PDF).status == 201


LITTER: dict[str, tuple[str, bytes]] = {
    "owner file of Word": ("~$Constat.docx", b"\x09Me ORTIE".ljust(162, b"\0")),
    "AppleDouble": ("._Pièce 4.pdf", APPLE_DOUBLE),
    "thumbnails": (
        "Thumbs.db",
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Catalog".encode("utf-16-le")).ljust(9_216, b"\0"),
    ),
}
EVIDENCE: dict[str, tuple[str, bytes]] = {
    "large": ("~$Constat.pdf", PDF * 1_000),
    "small PDF": ("~$Petit constat.pdf", PDF),
    "tiny PDF": ("~$Mini.pdf", b"%PDF-1.4\n".ljust(162, b"x")),
    "tiny text": ("~$Note.docx", b"Le mur penche.".ljust(165)),
    "PDF of a Mac": ("._Pièce 4.pdf", PDF * 10),
    "large thumbnails": ("Thumbs.db", b"\xd0\xcf\x11\xe0".ljust(40_000_000, b"\1")),
    "large, of no kind": ("._Relevé.bin", b"\1" * 3_000_000),
    "photograph": ("desktop.ini", b"\xff\xd8\xff\xe0" + b"x" * 30_000),
    "archive": (".~lock.Pièces.zip#", b"PK\x03\x04" + b"x" * 30_000),
}


@pytest.mark.parametrize("kind", EVIDENCE)
@pytest.mark.parametrize("chunked", [False, True])
def test_d21_evidence_under_a_name_of_litter_is_refused_aloud(
    demo: Server, kind: str, chunked: bool
) -> None:
    name, content = EVIDENCE[kind]
    for agent in ("test", FINDER, WINDOWS):
        owner = demo.dav(OWNER, agent=agent)
        body = iter([content]) if chunked else content
        reply = owner.request("PUT", (*BOX, name), body, chunked=chunked)
        assert reply.status == 403, agent
        assert "donnez-lui un autre nom" in reply.message
        assert owner.get((*BOX, name)).status == 404

    # Nor does it become litter on a way around.
    assert owner.put((*BOX, "vraie.pdf"), PDF).status in (201, 204)
    assert owner.move((*BOX, "vraie.pdf"), (*BOX, name)).status == 403
    assert owner.copy((*BOX, "vraie.pdf"), (*BOX, name)).status == 403
    assert owner.delete((*BOX, "vraie.pdf")).status == 204


@pytest.mark.parametrize("kind", LITTER)
def test_d21_true_litter_is_taken_in_and_told_to_nobody(demo: Server, kind: str) -> None:
    name, content = LITTER[kind]
    owner, expert = demo.dav(OWNER, agent=FINDER), demo.dav(EXPERT)

    assert owner.put((*BOX, name), content).status == 201
    assert owner.get((*BOX, name)).body == content
    assert expert.get((*BOX, name)).status == 404
    assert name not in expert.names(BOX)
    assert deposits(demo, name) == []
    assert "dépôt" not in alerts(demo, name)
    assert owner.request("LOCK", (*BOX, name), LOCKINFO, {"Depth": "0"}).status == 200
    assert owner.delete((*BOX, name)).status in (204, 423)
