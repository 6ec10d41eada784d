"""A12: clients that are many, and want nothing.

Behind nginx: nginx holds what is idle by itself, and davserver has no connection for it.
"""

import os
import resource
import select
import socket
import time
from contextlib import ExitStack

import pytest

from tests.conftest import Start
from tests.threats.doors import Door, cpu_seconds, resident
from tests.tiny_server import Answer, Client

IDLE = int(os.environ.get("IDLE_CLIENTS", "2000"))
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

pytestmark = pytest.mark.usefixtures("many_files")


def idle(door: Door, count: int, stack: ExitStack) -> list[Client]:
    """Clients that have had an answer and want nothing, 200 of each address."""
    clients = []
    for number in range(count):
        client = stack.enter_context(door.connect(source=f"127.0.1.{1 + number // 200}"))
        client.send(HEALTH)
        assert client.answer().status == 200
        clients.append(client)
    return clients


def seconds_to_list(door: Door) -> float:
    """How long a new client waits for his dossiers."""
    begun = time.monotonic()
    assert door.look().propfind((), "1").status == 207
    return time.monotonic() - begun


def test_a12_two_thousand_idle_clients_are_held_and_new_ones_served(start: Start) -> None:
    room = {"DAVSERVER_SERVER__IDLE_TIMEOUT": "120"}
    if IDLE > 3_000:
        room["DAVSERVER_SERVER__IDLE_CONNECTIONS"] = str(IDLE)
    door = Door(start(room))
    pids = door.server.workers()
    with ExitStack() as stack:
        idle(door, 20, stack)
        quiet = max(seconds_to_list(door) for _ in range(5))
        before = resident(pids)
        begun = time.monotonic()
        clients = idle(door, IDLE, stack)
        each = (resident(pids) - before) / IDLE
        print(f"{IDLE} idle after {time.monotonic() - begun:.1f} s, {each:.0f} bytes each")

        assert seconds_to_list(door) < max(2, 4 * quiet)
        assert each < 32_768
        # Nothing turns while nothing happens.
        used = cpu_seconds(pids)
        time.sleep(1)
        assert cpu_seconds(pids) - used < 0.5
        for client in clients[:: IDLE // 50]:
            client.send(HEALTH)
            assert client.answer().status == 200


def test_a12_idle_clients_are_held_by_nginx_too(nginx: Door) -> None:
    with ExitStack() as stack:
        clients = idle(nginx, 100, stack)

        assert nginx.ask(nginx.head("PROPFIND", "/dav/", "Depth: 0"))[0] == 207
        for client in clients[40:]:  # on a slow machine the first have had their minute
            client.send(HEALTH)
            assert client.answer().status == 200


@pytest.fixture(scope="module")
def small(start: Start) -> Door:
    """A server that holds twenty idle connections at each of two workers, ten of one address."""
    return Door(
        start(
            {
                "DAVSERVER_SERVER__IDLE_CONNECTIONS": "20",
                "DAVSERVER_SERVER__CONNECTIONS_PER_ADDRESS": "10",
            }
        )
    )


def test_a12_at_the_cap_the_longest_idle_is_closed_and_new_clients_are_served(small: Door) -> None:
    with ExitStack() as stack:
        clients = []
        for number in range(120):
            client = stack.enter_context(small.connect(source=f"127.0.1.{1 + number // 8}"))
            client.send(HEALTH)
            assert client.answer().status == 200
            clients.append(client)

        assert small.look().propfind((), "0").status == 207
        time.sleep(1)
        closed = [one for one in clients if is_at_end(one.socket)]
        assert 120 - 2 * 20 - 4 <= len(closed) < 120
        assert clients[0] in closed
        assert clients[-1] not in closed


def test_a12_an_address_all_of_whose_connections_are_busy_is_told_to_come_back(
    small: Door,
) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(small.connect(source="127.0.0.9")) for _ in range(28)]
        for client in clients:
            client.send(b"GET /healthz HTTP/1.1\r\n")
        time.sleep(0.5)

        # Ten of each of two workers are held, until their heads have taken too long.
        told = [one for one in clients if select.select([one.socket], [], [], 0)[0]]
        # Those beyond some more are closed without a word; how many depends on who took them.
        answers = [answer for client in told if (answer := _heard(client)) is not None]
        turned_away = [answer for answer in answers if answer.status != 408]
        assert len(turned_away) >= 4
        assert {(one.status, one.headers["retry-after"]) for one in turned_away} == {(503, "30")}
        assert all(client.is_closed() for client in told)
        assert small.look().propfind((), "0").status == 207


def _heard(client: Client) -> Answer | None:
    """What the server said before it closed, if anything."""
    try:
        return client.answer()
    except (EOFError, ConnectionError):
        return None


def is_at_end(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_a12_without_a_file_descriptor_left_new_clients_are_served_and_nothing_spins(
    start: Start,
) -> None:
    server = start({"DAVSERVER_SERVER__IDLE_TIMEOUT": "60"})
    door = Door(server)
    look = door.look()
    assert look.propfind((), "1").status == 207
    pids = server.workers()
    for pid in pids:
        limit = files(pid) + 50
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))

    with ExitStack() as stack:
        for number in range(200):
            client = stack.enter_context(door.connect(source=f"127.0.1.{1 + number // 50}"))
            client.send(HEALTH)
        used, begun = cpu_seconds(pids), time.monotonic()
        assert [look.propfind((), "1").status for _ in range(20)] == [207] * 20
        assert look.put((*door.room(), "x.pdf"), b"%PDF").status == 201
        time.sleep(1)
        assert cpu_seconds(pids) - used < (time.monotonic() - begun) * 1.5
        idle_from = cpu_seconds(pids)
        time.sleep(1)
        assert cpu_seconds(pids) - idle_from < 0.5
    assert server.workers() == pids
