"""Slow and idle clients: what they cost the others."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from davserver.server import Listening
from davserver.server.balance import Loads
from davserver.server.connection import Connection, Step
from davserver.server.http_server import Server
from davserver.server.listening import open_listener
from davserver.server.waiting import Door
from tests.tiny_server import DEFAULTS, GET, running

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters


def test_clients_that_are_slow_with_their_head_hold_up_nobody() -> None:
    with running(threads=2, idle_timeout=1.0) as server, ExitStack() as open_connections:
        slow = [open_connections.enter_context(server.connect()) for _ in range(50)]
        for client in slow[10:]:
            client.send(b"GET /pid HTTP/1.1\r\n")

        begun = time.monotonic()
        assert server.ask().status == 200
        assert time.monotonic() - begun < 0.5
        # A byte now and then gains no time.
        while time.monotonic() - begun < 0.8:
            slow[-1].send(b"X")
            time.sleep(0.1)
        assert slow[-1].answer().status == 408
        assert time.monotonic() - begun < 2.5
        assert slow[-1].is_closed()
        assert slow[0].is_closed()  # without a word: it had said nothing either


def test_a_body_that_pauses_too_long_is_answered_408() -> None:
    with running(idle_timeout=0.5) as server, server.connect() as client:
        client.send(b"PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")

        assert client.answer().status == 408
        assert client.is_closed()


def test_a_client_that_does_not_read_its_answer_gives_the_thread_back() -> None:
    with running(idle_timeout=0.5, threads=1) as server, server.connect() as client:
        client.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_for("called GET /big")

        assert server.ask().status == 200


def test_an_idle_connection_is_closed_after_its_time() -> None:
    with running(idle_timeout=0.5) as server, server.connect() as client:
        client.send(GET)
        client.answer()
        begun = time.monotonic()

        assert client.is_closed()
        assert 0.4 < time.monotonic() - begun < 2


def test_the_connection_that_has_been_idle_longest_makes_room_for_the_next() -> None:
    with running(idle_connections=5) as server, ExitStack() as open_connections:
        clients = []
        for _ in range(8):
            client = open_connections.enter_context(server.connect())
            client.send(GET)
            assert client.answer().status == 200
            clients.append(client)
            time.sleep(0.02)

        assert all(client.is_closed() for client in clients[:3])
        for client in clients[3:]:
            client.send(GET)
            assert client.answer().status == 200


def test_without_a_file_descriptor_left_the_server_waits_and_recovers() -> None:
    with running(files=300, threads=2) as server, ExitStack() as open_connections:
        clients = [open_connections.enter_context(server.connect()) for _ in range(3)]
        for client in clients[:2]:
            client.send(GET)
            client.answer()
        server.ask(b"GET /eat-files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: server.ask(), range(8)))

        assert [answer.status for answer in answers] == [200] * 8
        assert time.monotonic() - begun < 5
        assert len([line for line in server.log if "no new connection can be opened" in line]) == 1
        assert not [line for line in server.log if "ended" in line]


@pytest.fixture
def accepted() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection as the server takes it, and its client's end."""
    listening = Listening(**{**DEFAULTS, "idle_timeout": 60.0})
    with open_listener(listening) as listener:
        loads = Loads(1)
        server = Server(listening, Door(listener, loads, 0), None, lambda *_: [])
        with socket.create_connection(listener.getsockname()) as client:
            listener.setblocking(True)
            connection = Connection(server, *listener.accept())
            yield connection, client
            connection.drop()
        loads.close()


def test_the_time_for_a_head_counts_from_its_first_byte(
    accepted: tuple[Connection, socket.socket],
) -> None:
    connection, client = accepted

    def seconds_left_after(data: bytes) -> float:
        client.sendall(data)
        time.sleep(0.05)
        assert connection.advance() is Step.WAIT
        return connection.deadline - time.monotonic()

    assert 59 < seconds_left_after(b"") < 60
    assert 9 < (left := seconds_left_after(b"GET /")) <= 10
    assert seconds_left_after(b"pid HTTP/1.1") < left


def test_a_block_leaves_without_waiting_for_the_next_one(
    accepted: tuple[Connection, socket.socket],
) -> None:
    connection, _ = accepted

    assert connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
