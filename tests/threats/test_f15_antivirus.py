"""F15: the antivirus is dead, hangs, talks nonsense, or its caller dies: nothing is lost, nothing
is shown unchecked."""

import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from urllib.request import urlopen

import pytest

from davserver.inspection.clamd import ScannerAway, inspect
from davserver.model import Verdict
from tests import scanner as antivirus
from tests.clients import DOSSIER, cut_power
from tests.console import Console
from tests.dav import Dav
from tests.deposits import BOX, PDF
from tests.post import Post, text
from tests.scanner import EICAR, NOTES, SIGNATURE, Scanner, row, shown
from tests.serving import Server, wait_for

post, scanner, server = antivirus.post, antivirus.scanner, antivirus.server  # fixtures
author, other, expert = antivirus.author, antivirus.other, antivirus.expert
PENDING = "En attente de contrôle"


@pytest.fixture
def paused(scanner: Scanner) -> Iterator[Scanner]:
    """The scanner, hanging; it goes on at the end."""
    scanner.pause()
    yield scanner
    scanner.go_on()


def held(server: Server, name: str, word: str) -> dict[str, Any]:
    """The deposit of this name, once it is held for this reason."""
    wait_for(lambda: word in row(server, name)["reason"], 60, f"{name} to be held")
    found = row(server, name)
    assert (found["state"], found["number"]) == ("held", None)
    return found


def inspections(server: Server) -> list[dict[str, Any]]:
    """The verdicts that the server logged."""
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "inspected"]


def told(post: Post, *words: str) -> Counter[str]:
    """How many mails with these words each address has got."""
    texts = [(str(m["X-RcptTo"]), re.sub(r"\s+", " ", text(m))) for m in post.mails()]
    return Counter(to for to, one in texts if all(word in one for word in words))


def test_f15_a_dead_scanner_holds_what_comes_and_refuses_to_replace(
    server: Server, scanner: Scanner, post: Post, author: Dav, other: Dav, expert: Dav
) -> None:
    piece, note = (*BOX, "attente.pdf"), (*NOTES, "note.docx")
    plan = (DOSSIER, "08 Plans", expert.names((DOSSIER, "08 Plans"))[0])
    expert.put(note, PDF + b"1")
    shown(other, note, PDF + b"1")
    scanner.kill()

    assert author.put(piece, PDF + b"attente").status == 201
    assert expert.put((*NOTES, "neuve.pdf"), PDF + b"neuve").status == 201
    refused = expert.put(note, PDF + b"2")
    assert (refused.status, PENDING in refused.message) == (503, True)
    # It was there before there was a scanner: others do not find it in another folder.
    assert expert.move(plan, (*NOTES, plan[-1])).status == 503
    waiting = held(server, piece[-1], PENDING)
    wait_for(lambda: len(told(post, piece[-1], PENDING)) == 2, 60, "author and expert to be told")
    time.sleep(2)
    assert {other.get(piece).status, expert.get(piece).status} == {404}
    assert other.get((*NOTES, "neuve.pdf")).status == 404
    assert author.get(piece).body == PDF + b"attente"
    assert other.get(note).body == PDF + b"1"
    with urlopen(f"{server.url}/healthz") as reply:
        assert reply.status == 200
    assert "not inspected: " in server.log()

    scanner.start()
    shown(other, piece, PDF + b"attente")
    shown(other, (*NOTES, "neuve.pdf"), PDF + b"neuve")
    assert expert.put(note, PDF + b"2").status == 204
    assert expert.move(plan, (*NOTES, plan[-1])).status == 201
    sealed = row(server, piece[-1])
    assert (sealed["state"], sealed["received_at"]) == ("sealed", waiting["received_at"])
    wait_for(lambda: told(post, piece[-1], "a déposé"), 60, "the alert of the deposit")
    time.sleep(1.5)
    assert set(told(post, piece[-1], "a déposé").values()) == {1}
    assert set(told(post, piece[-1], PENDING).values()) == {1}


def test_f15_a_scanner_that_hangs_delays_and_shows_nothing(
    server: Server, paused: Scanner, author: Dav, other: Dav, expert: Dav
) -> None:
    piece = (*BOX, "figée.pdf")
    assert author.put(piece, PDF + b"figee").status == 201
    held(server, piece[-1], PENDING)
    assert other.get(piece).status == 404
    begun = time.monotonic()
    assert expert.put((*NOTES, "pendant.pdf"), PDF + b"pendant").status == 201
    assert time.monotonic() - begun < 20

    paused.go_on()
    shown(other, piece, PDF + b"figee")
    shown(other, (*NOTES, "pendant.pdf"), PDF + b"pendant")


def test_f15_a_verdict_belongs_to_the_content_that_was_inspected(
    server: Server, paused: Scanner, author: Dav, other: Dav
) -> None:
    piece = (*BOX, "échangée.pdf")
    assert author.put(piece, PDF + b"saine").status == 201
    time.sleep(1.2)  # the scanner has it, and does not answer
    assert author.put(piece, EICAR + b" ").status == 204

    paused.go_on()
    held(server, piece[-1], SIGNATURE)
    assert other.get(piece).status == 404
    assert author.get(piece).body == EICAR + b" "


def test_f15_a_worker_that_dies_in_a_scan_leaves_it_to_the_next(
    server: Server, paused: Scanner, author: Dav, other: Dav
) -> None:
    piece = (*BOX, "coupée.pdf")
    assert author.put(piece, PDF + b"coupee").status == 201
    time.sleep(1.2)
    cut_power(server)
    paused.go_on()
    server.start()

    shown(other, piece, PDF + b"coupee")
    assert row(server, piece[-1])["state"] == "sealed"


def test_f15_two_workers_inspect_each_content_once(server: Server, author: Dav, other: Dav) -> None:
    pieces = {(*BOX, f"lot {n}.pdf"): PDF + b"lot %d" % n for n in range(12)}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda one: author.put(*one).status, pieces.items()))
    assert answers == [201] * len(pieces)
    for path, content in pieces.items():
        shown(other, path, content)

    listed = Console(server.data).json("deposits", "list")
    mine = {line["sha256"]: line["number"] for line in listed if line["name"].startswith("lot ")}
    assert len(mine) == len(set(mine.values())) == len(pieces)
    seen = Counter(line["sha256"] for line in inspections(server))
    assert {sha256: seen[sha256] for sha256 in mine} == dict.fromkeys(mine, 1)


@contextmanager
def speaking(answer: Callable[[bytes], bytes | None]) -> Iterator[str]:
    """A server that says something to the first bytes of each connection and closes it; None: it
    stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection = listener.accept()[0]
                    kept.append(connection)
                    said = answer(connection.recv(65_536))
                    if said is not None:
                        connection.sendall(said)
                        connection.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()


def verdict(scan: bytes | None, version: bytes = b"ClamAV 1.4.6\0", within: float = 30) -> Verdict:
    """What is understood of a scanner that answers so."""
    with speaking(lambda heard: version if b"VERSION" in heard else scan) as address:
        return inspect(address, [b"content"], within, lambda: False).verdict


def test_f15_only_a_scanners_own_words_are_a_verdict() -> None:
    assert verdict(b"stream: OK\0") is Verdict.CLEAN
    assert verdict(b"stream: X FOUND\0") is Verdict.INFECTED
    assert verdict(b"INSTREAM size limit exceeded. ERROR\0") is Verdict.UNSCANNABLE
    for nonsense in (
        b"", b"stream: OK", b"stream: ", b"OK\0", b"HTTP/1.1 200 OK\r\n\r\n", b"\0",
        b"stream: lstat() failed. ERROR\0", b"stream: OK FOUND OK\0", b"\xff" * 9_000,
    ):  # fmt: skip
        with pytest.raises(ScannerAway):
            verdict(nonsense)
    with pytest.raises(ScannerAway):
        verdict(None, within=0.5)
    with pytest.raises(ScannerAway):
        verdict(b"stream: OK\0", version=b"220 smtp.example ESMTP\0")
