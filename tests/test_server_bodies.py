"""Request bodies: whole, visibly cut, or refused, and where the next request begins."""

import io
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from davserver.server import ClientTooSlow
from davserver.server.bodies import SizedBody
from davserver.server.streams import Incoming, Pace
from tests.tiny_server import (
    GET,
    MEBIBYTE,
    Client,
    Running,
    calls,
    chunked,
    memory,
    put,
    running,
)

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(max_body_bytes=80 * MEBIBYTE, idle_timeout=5.0) as server:
        yield server
        assert not [line for line in server.log if "Traceback" in line]


@pytest.fixture
def client(server: Running) -> Iterator[Client]:
    with server.connect() as client:
        yield client


def test_a_body_comes_whole_with_a_length_and_in_chunks(client: Client) -> None:
    body = bytes(range(256)) * 700

    client.send(put("/echo", f"Content-Length: {len(body)}", body=body))
    assert client.answer().body == body
    pieces = [body[at : at + 777] for at in range(0, len(body), 777)]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    client.send(chunked("/echo", coded + b"0\r\n\r\n"))
    assert client.answer().body == body


def test_a_body_that_trickles_is_given_up() -> None:
    here, there = socket.socketpair()
    with here, there:
        incoming = Incoming(here)
        incoming.begin_body(Pace(1_000, 0.4))
        body = io.BufferedReader(SizedBody(incoming, 1_000))
        there.sendall(b"a" * 400)
        time.sleep(0.3)  # while the application does something else: no fault of the client

        given_up = threading.Event()

        def trickle() -> None:
            while not given_up.wait(0.02):
                there.sendall(b"a")

        client = threading.Thread(target=trickle)
        client.start()
        begun = time.monotonic()
        try:
            with pytest.raises(ClientTooSlow):
                body.read()
        finally:
            given_up.set()
        # One window brought all that had been sent before, the next one hardly anything.
        assert time.monotonic() - begun > 0.4
        client.join()


def test_a_body_can_be_read_by_lines(client: Client) -> None:
    client.send(chunked("/lines", b"3\r\na\nb\r\n4;x=y\r\nc\nd\n\r\n000\r\n\r\n"))

    assert client.answer().body == b"a\n|bc\n|d\n"


def test_a_put_with_neither_length_nor_chunks_has_an_empty_body(client: Client) -> None:
    client.send(put("/echo"))

    answer = client.answer()
    assert (answer.status, answer.body) == (200, b"")


def test_a_body_of_known_length_that_is_cut_off_reads_short(client: Client) -> None:
    client.send(put("/echo", "Content-Length: 1000", body=b"a" * 100))
    client.end()

    answer = client.answer()
    assert answer.body == b"a" * 100
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("body", [b"", b"5", b"5\r\n", b"5\r\nabc", b"5\r\nabcde\r\n", b"0\r\n"])
def test_a_chunked_body_that_is_cut_off_cannot_be_read_to_its_end(
    client: Client, body: bytes
) -> None:
    client.send(chunked("/echo", body))
    client.end()

    answer = client.answer()
    assert (answer.status, answer.body) == (400, b"BrokenBody")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "size",
    [
        b"-1",
        b"+3",
        b"0x3",
        b"0_3",
        b" 3",
        b"3 ",
        b"",
        b"g",
        b"F" * 20,
        b"3;a\0",
        b"3;" + b"a" * 2000,
    ],
)
def test_a_chunk_size_is_nothing_but_hex_digits(client: Client, size: bytes) -> None:
    client.send(chunked("/count", size + b"\r\nabc\r\n0\r\n\r\n" + GET))

    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert client.is_closed()


@pytest.mark.parametrize(
    "body", [b"3\r\nabcde\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"3\r\nabc\n0\r\n\r\n"]
)
def test_a_chunk_ends_where_its_size_says(client: Client, body: bytes) -> None:
    client.send(chunked("/count", body))

    assert client.answer().status == 400


def test_trailers_are_read_and_dropped(client: Client) -> None:
    client.send(chunked("/environ", b"3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n") + GET)

    assert b"SUM" not in client.answer().body
    assert client.answer().status == 200


@pytest.mark.parametrize(
    "after",
    [GET, b"no trailer\r\n\r\n", b"X: a\0\r\n\r\n", b"X: a\r\n" * 10_000, b"X: " + b"a" * 20_000],
)
def test_after_the_last_chunk_comes_nothing_but_trailers(client: Client, after: bytes) -> None:
    client.send(chunked("/count", b"3\r\nabc\r\n0\r\n" + after))

    assert client.answer().status == 400
    assert client.is_closed()


def test_a_chunked_body_past_the_largest_size_is_refused(client: Client) -> None:
    client.send(chunked("/count", b"3\r\nabc\r\n%x\r\n" % (80 * MEBIBYTE)))

    assert client.answer().status == 413
    assert client.is_closed()


def test_a_giant_chunk_is_read_in_linear_time_and_little_memory(
    server: Running, client: Client
) -> None:
    before = memory(server)
    block = bytes(MEBIBYTE)

    begun = time.monotonic()
    client.send(chunked("/count", b"%x\r\n" % (64 * MEBIBYTE)))
    for _ in range(64):
        client.send(block)
    client.send(b"\r\n0\r\n\r\n")

    assert int(client.answer().body) == 64 * MEBIBYTE
    assert time.monotonic() - begun < 5  # stock cheroot takes about a minute
    assert memory(server) - before < 16 * MEBIBYTE


def test_a_refusal_costs_no_upload_to_a_client_that_waits(client: Client) -> None:
    client.send(put("/refuse", "Expect: 100-continue", f"Content-Length: {50 * MEBIBYTE}"))

    answer = client.answer()
    assert (answer.status, answer.body) == (403, b"no")
    assert answer.headers["connection"] == "close"
    assert client.is_closed()


def test_a_refusal_does_not_wait_for_its_body(client: Client) -> None:
    begun = time.monotonic()
    client.send(put("/refuse", f"Content-Length: {70 * MEBIBYTE}"))

    assert client.answer().status == 403
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    ("field", "body"),
    [("Content-Length: 3", b"abc"), ("Transfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n")],
)
def test_a_waiting_client_is_asked_to_go_on_when_its_body_is_read(
    client: Client, field: str, body: bytes
) -> None:
    client.send(put("/echo", "Expect: 100-Continue", field))

    assert client.answer().status == 100
    client.send(body)
    assert client.answer().body == b"abc"
    client.send(GET)
    assert client.answer().status == 200


def test_nobody_is_asked_to_go_on_with_an_empty_body(client: Client) -> None:
    client.send(put("/echo", "Expect: 100-continue", "Content-Length: 0"))

    answer = client.answer()
    assert answer.status == 200
    assert "connection" not in answer.headers


@pytest.mark.parametrize(
    "request_",
    [
        put("/refuse", f"Content-Length: {MEBIBYTE}", body=bytes(MEBIBYTE)),
        chunked("/refuse", b"80000\r\n" + bytes(0x80000) + b"\r\n0\r\nX: y\r\n\r\n"),
    ],
    ids=["length", "chunks"],
)
def test_after_a_small_refused_body_the_connection_lives_on(
    client: Client, request_: bytes
) -> None:
    client.send(request_ + GET)

    answer = client.answer()
    assert answer.status == 403
    assert "connection" not in answer.headers
    assert client.answer().status == 200


def test_a_refused_chunked_body_is_not_taken_for_a_request(server: Running) -> None:
    before = calls(server)
    hidden = b"F: b\r\n\r\nGET /pid HTTP/1.1\r\nHost: x\r\n\r\n"
    with server.connect() as client:
        client.send(
            chunked("/refuse", b"%X;X /d HTTP/1.1\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden))
        )
        client.send(put("/echo", "Content-Length: 4", body=b"next"))

        assert client.answer().status == 403
        assert client.answer().body == b"next"
    assert calls(server) == before + 2


@pytest.mark.parametrize("coding", ["Content-Length: 73400320", "Transfer-Encoding: chunked"])
def test_a_client_can_read_the_refusal_of_a_body_that_it_sends_to_the_end(
    server: Running, client: Client, coding: str
) -> None:
    before = memory(server)
    client.send(put("/refuse", coding))
    if "chunked" in coding:
        client.send(b"4600000\r\n")
    for _ in range(70):
        client.send(bytes(MEBIBYTE))
        time.sleep(0.002)  # so that the server has long answered
    client.send((b"\r\n0\r\n\r\n" if "chunked" in coding else b"") + GET)

    answer = client.answer()
    assert (answer.status, answer.body) == (403, b"no")
    assert client.answer().status == 200
    assert memory(server) - before < 16 * MEBIBYTE
