"""Where a request begins and ends, and what a body is: nothing ambiguous gets to an application."""

import io
import json
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from davserver.server import ClientTooSlow, streams
from davserver.server.bodies import SizedBody
from davserver.server.streams import Incoming
from tests.tiny_server import GET, Client, Running, running

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(max_body_bytes=80 * MEBIBYTE, idle_timeout=5.0) as server:
        yield server
        assert not [line for line in server.log if "Traceback" in line]


@pytest.fixture
def client(server: Running) -> Iterator[Client]:
    with server.connect() as client:
        yield client


def put(path: str, *fields: str, body: bytes = b"") -> bytes:
    lines = [f"PUT {path} HTTP/1.1", "Host: x", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(path: str, body: bytes) -> bytes:
    return put(path, "Transfer-Encoding: chunked", body=body)


def calls(server: Running) -> int:
    return sum(line.startswith("called") for line in server.log)


def memory(server: Running) -> int:
    return int(server.ask(b"GET /memory HTTP/1.1\r\nHost: x\r\n\r\n").body)


def assert_refused(server: Running, data: bytes, status: int = 400) -> None:
    """One answer, then the close; no application is called, whatever follows."""
    before = calls(server)
    with server.connect() as client:
        client.send(data + GET)
        answer = client.answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert client.is_closed()
    assert calls(server) == before


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 3", "Content-Length: 1"),
        ("Content-Length: 3", "Content-Length: 3"),
        ("Content-Length: 3, 3",),
        ("Content-Length: +3",),
        ("Content-Length: -1",),
        ("Content-Length: 0_3",),
        ("Content-Length: 0x3",),
        ("Content-Length: \xb3",),
        ("Content-Length:",),
        ("Content-Length: 3", "Transfer-Encoding: chunked"),
        ("Content-Length : 3",),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: \x0bchunked",),
        ("X-Name: a", " folded"),
        ("X-Name: a\0b",),
        ("X-Name: a\rb",),
        ("X-Name: a\nb",),
        ("X Name: a",),
        (": a",),
        ("no colon",),
        ("Host: y",),
        ("Destination: /a", "Destination: /b"),
        ("Authorization: Basic YTpi", "Authorization: Basic YTpj"),
    ],
)
def test_a_header_that_can_be_read_in_two_ways_is_refused(
    server: Running, fields: tuple[str, ...]
) -> None:
    assert_refused(server, put("/echo", *fields, body=b"3\r\nabc\r\n0\r\n\r\n"))


@pytest.mark.parametrize(
    "head",
    [
        "GET /pid HTTP/1.1\r\n\r\n",  # no Host
        "GET /pid HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /pid HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "PUT /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /pid HTTP/1.1\nHost: x\n\n",
        "GET /pid HTTP/1.1\r\nHost: x\r\n\n",
        "GET  /pid HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /pid HTTP/1.1 \r\nHost: x\r\n\r\n",
        " GET /pid HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /p id HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /p\tid HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /pi\xe9d HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /pid#top HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://x/pid HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        "get /pid HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /pid\r\nHost: x\r\n\r\n",
        "GET /pid HTTP/1.x\r\nHost: x\r\n\r\n",
        "GET /pid HTTP/+1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS client on a plain port
    ],
)
def test_a_malformed_head_is_refused(server: Running, head: str) -> None:
    assert_refused(server, head.encode("latin-1"))


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (put("/echo", "Transfer-Encoding: gzip, chunked"), 501),
        (put("/echo", "Expect: something"), 417),
        (put("/echo", f"Content-Length: {80 * MEBIBYTE + 1}"), 413),
        (put("/echo", "Content-Length: 999999999999999999"), 413),
        (b"GET /pid HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (put("/echo", "X-Name: " + "a" * 9_000), 431),
        (put("/echo", *["X-Name: a"] * 9_000), 431),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ],
)
def test_what_the_server_does_not_do_is_refused_by_its_own_status(
    server: Running, data: bytes, status: int
) -> None:
    assert_refused(server, data, status)


def test_an_endless_header_is_refused_while_it_comes(client: Client) -> None:
    client.send(b"GET /pid HTTP/1.1\r\nX-Name: " + b"a" * 8_192)

    assert client.answer().status == 431


def test_headers_of_which_there_may_be_several_are_joined(client: Client) -> None:
    client.send(
        b"GET /environ HTTP/1.1\r\nHost: x\r\nIf: (<a>)\r\nif: (<b>)\r\n"
        b"Cookie: a=1\r\nCookie: b=2\r\n\r\n"
    )

    environ = json.loads(client.answer().body)
    assert environ["HTTP_IF"] == "(<a>), (<b>)"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


def test_a_header_name_with_an_underscore_is_dropped(client: Client) -> None:
    client.send(
        b"GET /environ HTTP/1.1\r\nHost: x\r\nX_Forwarded_Host: evil\r\nContent_Length: 9\r\n\r\n"
    )

    environ = json.loads(client.answer().body)
    assert "HTTP_X_FORWARDED_HOST" not in environ
    assert "CONTENT_LENGTH" not in environ


def test_the_application_sees_the_raw_target_and_its_decoded_path(client: Client) -> None:
    client.send(b"GET //environ/?x=%2F HTTP/1.1\r\nHost: x:80\r\n\r\n")

    environ = json.loads(client.answer().body)
    assert environ["REQUEST_URI"] == "//environ/?x=%2F"
    assert environ["PATH_INFO"] == "//environ/"
    assert environ["QUERY_STRING"] == "x=%2F"
    assert environ["HTTP_HOST"] == "x:80"
    assert environ["REMOTE_ADDR"] == environ["SERVER_NAME"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"


def test_an_empty_line_before_a_request_is_passed_over(client: Client) -> None:
    client.send(b"\r\n\r\n" + GET)

    assert client.answer().status == 200


def test_a_head_may_come_byte_by_byte(client: Client) -> None:
    for byte in GET:
        client.send(bytes([byte]))
        time.sleep(0.001)

    assert client.answer().status == 200


def test_requests_sent_at_once_are_answered_in_their_order(client: Client) -> None:
    client.send(
        put("/echo", "Content-Length: 3", body=b"one") + chunked("/echo", b"3\r\ntwo\r\n0\r\n\r\n")
    )
    client.send(b"HEAD /pid HTTP/1.1\r\nHost: x\r\n\r\n" + GET)

    assert client.answer().body == b"one"
    assert client.answer().body == b"two"
    assert client.answer(to_head=True).status == 200
    assert client.answer().body.isdigit()


def test_http_1_0_closes_unless_it_is_asked_to_stay(client: Client, server: Running) -> None:
    client.send(b"GET /pid HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
    assert client.answer().headers["connection"] == "keep-alive"
    client.send(b"GET /pid HTTP/1.0\r\n\r\n")
    assert client.answer().headers["connection"] == "close"
    assert client.is_closed()


def test_a_client_may_ask_for_the_close_in_any_case_and_company(client: Client) -> None:
    client.send(b"GET /pid HTTP/1.1\r\nHost: x\r\nConnection: TE, Close\r\n\r\n")

    assert client.answer().headers["connection"] == "close"
    assert client.is_closed()


def test_a_body_comes_whole_with_a_length_and_in_chunks(client: Client) -> None:
    body = bytes(range(256)) * 700

    client.send(put("/echo", f"Content-Length: {len(body)}", body=body))
    assert client.answer().body == body
    pieces = [body[at : at + 777] for at in range(0, len(body), 777)]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    client.send(chunked("/echo", coded + b"0\r\n\r\n"))
    assert client.answer().body == body


def test_a_body_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_GRACE", 0.1)
    monkeypatch.setattr(streams, "_SLOWEST", 1_000)
    here, there = socket.socketpair()
    with here, there:
        incoming = Incoming(here)
        body = io.BufferedReader(SizedBody(incoming, 1_000))
        there.sendall(b"a" * 400)
        time.sleep(0.3)  # while the application does something else: no fault of the client

        def trickle() -> None:
            for _ in range(40):
                there.sendall(b"a")
                time.sleep(0.02)

        client = threading.Thread(target=trickle)
        client.start()
        begun = time.monotonic()
        with pytest.raises(ClientTooSlow):
            body.read()
        assert time.monotonic() - begun > 0.4  # 0.1 s and 1 ms for each of 420 bytes
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


def test_a_refusal_does_not_wait_for_a_body_too_large_to_be_thrown_away(client: Client) -> None:
    begun = time.monotonic()
    client.send(put("/refuse", f"Content-Length: {50 * MEBIBYTE}"))

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


@pytest.mark.parametrize("coding", ["Content-Length: 52428800", "Transfer-Encoding: chunked"])
def test_a_client_can_read_the_refusal_of_a_body_that_it_sends_to_the_end(
    server: Running, client: Client, coding: str
) -> None:
    before = memory(server)
    client.send(put("/refuse", coding))
    if "chunked" in coding:
        client.send(b"3200000\r\n")
    for _ in range(50):
        client.send(bytes(MEBIBYTE))
        time.sleep(0.002)  # so that the server has long closed its side

    answer = client.answer()
    assert (answer.status, answer.body, answer.headers["connection"]) == (403, b"no", "close")
    assert client.is_closed()
    assert memory(server) - before < 16 * MEBIBYTE


def test_a_failing_application_is_an_empty_500_and_one_line_in_the_log(
    client: Client, server: Running
) -> None:
    client.send(b"GET /crash HTTP/1.1\r\nHost: x\r\n\r\n")

    answer = client.answer()
    assert (answer.status, answer.body, answer.headers["connection"]) == (500, b"", "close")
    assert client.is_closed()
    assert re.fullmatch(
        r"ERROR GET failed: LookupError at \S+:\d+", server.wait_for(r"^ERROR GET.*")
    )
    assert not any("secrete" in line for line in server.log)


def test_an_application_that_exits_does_not_take_the_worker_with_it(
    client: Client, server: Running
) -> None:
    client.send(b"GET /leave HTTP/1.1\r\nHost: x\r\n\r\n")

    assert client.answer().status == 500
    assert server.ask().status == 200


def test_neither_head_nor_204_has_a_body(client: Client) -> None:
    client.send(b"HEAD /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
    assert client.answer(to_head=True).headers["content-length"] == "3"
    client.send(b"DELETE /empty HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
    assert client.answer().status == 204
    assert client.answer().status == 200


def test_the_server_names_itself_without_a_version(client: Client) -> None:
    client.send(GET)
    assert client.answer().headers["server"] == "davserver"
    client.send(b"nonsense\r\n\r\n")
    assert client.answer().headers["server"] == "davserver"


@pytest.fixture(scope="module")
def careless() -> Iterator[Running]:
    with running(careless=True) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/control", 500, b""),
        ("/silent", 500, b""),
        ("/shorter", 200, b"1234"),
        ("/longer", 200, b"1234"),
        ("/fails-midway", 200, b"1234"),
    ],
)
def test_a_careless_answer_is_refused_or_visibly_cut(
    careless: Running, path: str, status: int, body: bytes
) -> None:
    with careless.connect() as client:
        client.send(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode() + GET)

        answer = client.answer()
        assert (answer.status, answer.body) == (status, body)
        assert "x-evil" not in answer.headers
        assert client.is_closed()


def test_an_answer_without_a_length_goes_in_chunks(careless: Running) -> None:
    with careless.connect() as client:
        client.send(b"GET /unlengthed HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = client.answer()
        assert (answer.headers["transfer-encoding"], answer.body) == ("chunked", b"onetwo")
        client.send(b"GET /whole HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.answer().body == b"1234567890"


def test_a_204_without_a_length_has_no_chunks(careless: Running) -> None:
    with careless.connect() as client:
        client.send(b"GET /empty HTTP/1.1\r\nHost: x\r\n\r\n")
        assert "transfer-encoding" not in client.answer().headers
        client.send(b"GET /whole HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.answer().status == 200


def test_the_application_may_have_the_connection_closed(careless: Running) -> None:
    with careless.connect() as client:
        client.send(b"GET /close HTTP/1.1\r\nHost: x\r\n\r\n")

        assert client.answer().headers["connection"] == "close"
        assert client.is_closed()
