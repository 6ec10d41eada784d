"""Answers: what the server adds, and what becomes of an application that breaks the rules."""

import re
from collections.abc import Iterator

import pytest

from tests.tiny_server import GET, Client, Running, running

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as server:
        yield server
        assert not [line for line in server.log if "Traceback" in line]


@pytest.fixture
def client(server: Running) -> Iterator[Client]:
    with server.connect() as client:
        yield client


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
    client.send(b"GET /exit HTTP/1.1\r\nHost: x\r\n\r\n")

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
