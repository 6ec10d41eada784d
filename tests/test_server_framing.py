"""Where a request begins: nothing ambiguous gets to an application."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.tiny_server import GET, MEBIBYTE, Client, Running, calls, chunked, put, running

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
        "GET http://y/pid HTTP/1.1\r\nHost: x\r\n\r\n",  # two servers
        "GET http:///pid HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://x HTTP/1.1\r\n\r\n",
        "GET ftp://x/pid HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://x?a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET pid HTTP/1.1\r\nHost: x\r\n\r\n",
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
        b"GET /environ HTTP/1.1\r\nHost: x\r\nAccept: a\r\naccept: b\r\n"
        b"Cookie: a=1\r\nCookie: b=2\r\n\r\n"
    )

    environ = json.loads(client.answer().body)
    assert environ["HTTP_ACCEPT"] == "a, b"
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


@pytest.mark.parametrize("target", ["http://x/environ/?q", "HTTPS://X/environ/?q"])
def test_a_target_in_absolute_form_is_its_path(client: Client, target: str) -> None:
    client.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    environ = json.loads(client.answer().body)
    assert environ["REQUEST_URI"] == "/environ/?q"
    assert environ["PATH_INFO"] == "/environ/"
    assert environ["QUERY_STRING"] == "q"


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
