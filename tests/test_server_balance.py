"""How the workers share the connections that come in."""

import os
import signal
import socket
import time
from collections import Counter, defaultdict
from contextlib import ExitStack

import pytest

from davserver.server import Listening, waiting
from davserver.server.balance import Loads
from davserver.server.http_server import Server
from davserver.server.listening import open_listener
from davserver.server.waiting import Door
from tests.tiny_server import DEFAULTS, GET, SLOW, running, worker_ids

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters


def test_the_worker_with_fewer_connections_takes_the_next_ones() -> None:
    with running(workers=2) as server, ExitStack() as open_connections:
        server.wait_for("serves$", times=2)
        quick, stopped = worker_ids(server)

        def takes_the_next() -> int:
            client = open_connections.enter_context(server.connect())
            client.send(GET)
            return int(client.answer().body)

        # A worker that does not react holds the other one up, but only for a moment each time…
        os.kill(stopped, signal.SIGSTOP)
        assert {takes_the_next() for _ in range(10)} == {quick}
        os.kill(stopped, signal.SIGCONT)
        # … and its clients keep their connections: an uneven share would stay so.
        shares: Counter[int] = Counter()
        for _ in range(10):
            shares[takes_the_next()] += 1
            time.sleep(0.01)
        assert shares[stopped] >= 8


def test_a_worker_that_has_left_a_connection_to_another_takes_one_when_it_is_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "_HEAVIER", 60.0)
    loads = Loads(2)
    with open_listener(Listening(**DEFAULTS)) as listener, ExitStack() as open_connections:
        first, second = servers = [
            Server(Listening(**DEFAULTS), Door(listener, loads, place), None, lambda *_: [])
            for place in range(2)
        ]
        for server in servers:
            server.ready = True
            server.waiting.turn(0)

        def shares_after_the_next(*turns: Server) -> list[int]:
            open_connections.enter_context(socket.create_connection(listener.getsockname()))
            for server in turns:
                server.waiting.turn(5)
            return [loads.own(place) for place in range(2)]

        assert shares_after_the_next(first) == [1, 0]
        assert shares_after_the_next(first, second) == [1, 1]
        assert shares_after_the_next(second) == [1, 2]
        # In a turn the first is rung; in its next one it takes.
        begun = time.monotonic()
        assert shares_after_the_next(second, first, first) == [2, 2]
        assert time.monotonic() - begun < 4
        for server in servers:
            server.waiting.close_door()
            server.waiting.part()
    loads.close()


def test_a_worker_with_no_thread_to_spare_leaves_new_connections_to_the_other() -> None:
    with (
        running(workers=2, threads=3, shutdown_timeout=0.0) as server,
        ExitStack() as open_connections,
    ):
        server.wait_for("serves$", times=2)
        clients = defaultdict(list)
        for _ in range(6):
            client = open_connections.enter_context(server.connect())
            client.send(GET)
            clients[client.answer().body].append(client)
        for client in max(clients.values(), key=len)[:3]:
            client.send(SLOW % b"2")
        server.wait_for("called GET /sleep", times=3)

        begun = time.monotonic()
        for _ in range(5):
            assert server.ask().status == 200
        assert time.monotonic() - begun < 1
