"""A01 to A03, A06, A07, A09: where a body ends.

Behind nginx: a client that goes in mid-body gets no answer (nginx says 400 to itself); nginx itself
answers 400 to junk in chunk sizes; it drops trailers, whatever is in them, before davserver sees
any, so that what follows a last chunk is no request there either.
"""

import socket
import struct
import time
from typing import Literal

import pytest

from tests import backends
from tests.console import Console
from tests.dav import Names
from tests.serving import wait_for
from tests.threats.doors import BOX, LAWYER, MEBIBYTE, Door, forget_peak, peak, resident
from tests.tiny_server import Client

JUNK = [b"-1", b"+3", b"0x3", b"0_3", b"F" * 20]
End = Literal["FIN", "RST"]


def cut(door: Door, client: Client, end: End) -> int:
    """Go, and the status that the client gets, 0 for none: who resets hears nothing."""
    if end == "RST":
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.__exit__()
        return 0
    if door.nginx:  # the half of a TLS connection cannot be closed alone
        client.__exit__()
        return 0
    client.end()
    return client.answer().status


def send_cut(door: Door, path: Names, field: str, body: bytes, end: End, login: str) -> None:
    """A PUT of which only ``body`` is sent. Fails unless it is refused."""
    client = door.connect()
    client.send(door.head("PUT", path, field, login=login) + body)
    time.sleep(0.1)
    status = cut(door, client, end)
    client.__exit__()
    assert status in (0, 400)
    # Who went hears nothing: the server's log tells what he would have heard.
    wait_for(lambda: door.answered(path)[-1:] == [400], what="the refusal of the upload")


def refuse_cut_body(door: Door, field: str, body: bytes, end: End) -> None:
    room, look, console = door.room(), door.look(), Console(door.server.data)
    assert look.put((*room, "old.pdf"), b"old bytes").status == 201
    before = look.get((*room, "old.pdf"))
    journal = len(console.json("journal", "list"))

    send_cut(door, (*room, "new.pdf"), field, body, end, "apolline.testard")
    send_cut(door, (*BOX, f"{room[-1]}.pdf"), field, body, end, LAWYER)
    assert look.get((*room, "new.pdf")).status == 404
    assert f"{room[-1]}.pdf" not in door.look(LAWYER).names(BOX)
    assert len(console.json("journal", "list")) == journal
    assert not [d for d in console.json("deposits", "list") if room[-1] in d["name"]]

    send_cut(door, (*room, "old.pdf"), field, body, end, "apolline.testard")
    after = look.get((*room, "old.pdf"))
    assert (after.body, after.headers["etag"]) == (before.body, before.headers["etag"])
    assert look.names(room) == ["old.pdf"]


@pytest.mark.parametrize("end", ["FIN", "RST"])
def test_a01_a_body_shorter_than_announced_changes_nothing(door: Door, end: End) -> None:
    refuse_cut_body(door, "Content-Length: 1000", b"x" * 100, end)


@pytest.mark.parametrize(
    "body", [b"5\r\nabcde\r\n", b"3e8\r\n" + b"x" * 100, b"5\r\nabcde\r\n0\r\n"]
)
def test_a02_chunks_without_a_last_one_change_nothing(door: Door, body: bytes) -> None:
    refuse_cut_body(door, "Transfer-Encoding: chunked", body, "FIN")


@pytest.mark.parametrize("junk", JUNK)
def test_a03_junk_in_a_chunk_size_is_no_end_of_body(door: Door, junk: bytes) -> None:
    room = door.room()
    head = door.head("PUT", (*room, "x.pdf"), "Transfer-Encoding: chunked")

    for before in (b"", b"3\r\nabc\r\n"):
        assert door.ask(head + before + junk + b"\r\nabc\r\n0\r\n\r\n") == (400, True)
    assert door.look().names(room) == []


def test_a06_an_unread_body_is_never_the_next_request(door: Door) -> None:
    room, look = door.room(), door.look()
    assert look.put((*room, "kept.pdf"), b"kept").status == 201
    hidden = b"F: b\r\n\r\n" + door.head("DELETE", (*room, "kept.pdf"))
    body = b"%X;X /d HTTP/1.1\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
    with door.connect() as client:
        client.send(door.head("DELETE", (*room, "none"), "Transfer-Encoding: chunked") + body)
        client.send(door.head("OPTIONS", "/dav/"))

        assert client.answer().status == 404
        # One answer to the one request that follows, or the close: never one to what was hidden.
        try:
            assert client.answer().status == 200
        except (EOFError, ConnectionError):
            assert door.nginx
    assert look.names(room) == ["kept.pdf"]


@pytest.mark.parametrize("field", ["Content-Length: {}", "Transfer-Encoding: chunked"])
def test_a06_a_refused_body_is_drained_and_the_connection_lives_on(
    direct: Door, field: str
) -> None:
    content = bytes(4 * MEBIBYTE)
    whole = content if "{}" in field else b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
    with direct.connect() as client:
        client.send(direct.head("PUT", "/dav/x", field.format(len(content)), login="") + whole)
        client.send(direct.head("OPTIONS", "/dav/"))

        assert [client.answer().status, client.answer().status] == [401, 200]


def test_a07_what_follows_the_last_chunk_is_no_request(door: Door) -> None:
    room, look = door.room(), door.look()
    assert look.put((*room, "kept.pdf"), b"kept").status == 201
    head = door.head("PUT", (*room, "x.pdf"), "Transfer-Encoding: chunked")
    with door.connect() as client:
        client.send(head + b"0\r\n" + door.head("DELETE", (*room, "kept.pdf")))
        status = client.answer().status
        if door.nginx:
            assert status == 201  # an empty body: the rest was dropped as trailers
            client.send(door.head("OPTIONS", "/dav/"))
            assert client.answer().status == 200
        else:
            assert status == 400
            assert client.is_closed()
    assert "kept.pdf" in look.names(room)
    assert door.answered((*room, "kept.pdf"), "DELETE") == []


def seconds_for(door: Door, path: Names, size: int) -> float:
    """How long a PUT in one chunk of ``size`` bytes takes."""
    block = bytes(MEBIBYTE)
    with door.connect() as client:
        begun = time.monotonic()
        client.send(door.head("PUT", path, "Transfer-Encoding: chunked") + b"%x\r\n" % size)
        for _ in range(size // MEBIBYTE):
            client.send(block)
        client.send(b"\r\n0\r\n\r\n")
        assert client.answer().status == 201
        return time.monotonic() - begun


def test_a09_one_giant_chunk_takes_linear_time_and_little_memory(door: Door) -> None:
    # What is sent on to an S3 store is in the hands of its client, which keeps some parts of it.
    most = (224 if backends.is_scaled() else 32) * MEBIBYTE
    room = door.room()
    seconds_for(door, (*room, "warm"), 8 * MEBIBYTE)
    pids = door.server.workers()
    forget_peak(pids)
    before = resident(pids)

    small = min(seconds_for(door, (*room, f"small {n}"), 32 * MEBIBYTE) for n in range(3))
    large = seconds_for(door, (*room, "large"), 256 * MEBIBYTE)

    assert peak(pids) - before <= most
    assert large < 8 * small * 3 + 2, (small, large)  # stock: 36 times as long, and more
    for name in ("large", "warm", *(f"small {n}" for n in range(3))):
        assert door.look().delete((*room, name)).status == 204
