"""A11 and A12: clients that are slow, or many.

Behind nginx: nginx closes a head that is slow without a word after the same ten seconds, holds what
is idle by itself, and answers 503 to the seventeenth request at once of one address; a slow body
goes through it, and davserver gives it up.
"""

import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import Start
from tests.nginx import BEHIND, Nginx
from tests.serving import Server, wait_for
from tests.threats.doors import EXPERT, SPACE, Door, cpu_seconds, resident, workers
from tests.threats.slow import Trickle, centile, seconds_of_answers
from tests.tiny_server import Client

SLOW = int(os.environ.get("SLOW_CLIENTS", "500"))  # heads and bodies together
IDLE = int(os.environ.get("IDLE_CLIENTS", "2000"))
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
# A window of 4 s, so that a body which trickles is given up soon; heads have their 10 s as ever.
TIMES = {"DAVSERVER_SERVER__IDLE_TIMEOUT": "2"}
HEAD_SECONDS = 10


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """The test itself needs two descriptors for each client."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def sockets(door: Door, count: int, source: str) -> list[socket.socket]:
    return [door.connect(source=source).socket for _ in range(count)]


def begin(found: list[socket.socket], data: bytes) -> list[socket.socket]:
    for one in found:
        one.sendall(data)
    return found


def test_a11_a_head_has_ten_seconds_in_all(door: Door) -> None:
    start = door.head("GET", "/dav/", login="")[:-2] + b"X-Slow: "
    with Trickle(begin(sockets(door, 3, "127.0.0.9"), start), 0.4) as slow:
        wait_for(lambda: len(slow.ended) == 3, HEAD_SECONDS + 8, "the end of slow heads")

    for seconds, said in slow.ended.values():
        assert HEAD_SECONDS - 1 < seconds < HEAD_SECONDS + 4
        assert door.nginx or said.startswith(b"HTTP/1.1 408 ")


@pytest.fixture(scope="module")
def impatient(start: Start) -> Door:
    return Door(start(TIMES))


@pytest.fixture(scope="module")
def impatient_behind_nginx(
    start: Start, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    server = start({**TIMES, **BEHIND})
    proxy = Nginx(server, tmp_path_factory.mktemp("nginx")).start()
    yield Door(server, proxy)
    proxy.stop()


@pytest.fixture(params=["impatient", "impatient_behind_nginx"])
def either(request: pytest.FixtureRequest) -> Door:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Door)
    return found


def test_a11_a_body_that_trickles_is_given_up_and_leaves_nothing(either: Door) -> None:
    room = either.room()
    head = either.head("PUT", (*room, "slow.pdf"), "Content-Length: 1000000")
    with Trickle(begin(sockets(either, 2, "127.0.0.9"), head), 0.3) as slow:
        wait_for(lambda: len(slow.ended) == 2, 15, "the end of slow bodies")

    assert all(3 < seconds < 12 for seconds, _ in slow.ended.values())
    assert all(b" 201 " not in said for _, said in slow.ended.values())
    assert either.look().names(room) == []


def test_a11_a_body_as_slow_as_a_telephone_is_not_cut(impatient: Door) -> None:
    """2 kB a second, with a pause of nearly the whole idle time."""
    path = (*impatient.room(), "phone.pdf")
    with impatient.connect() as client:
        client.send(impatient.head("PUT", path, "Content-Length: 16000"))
        for number in range(16):
            client.send(b"x" * 1_000)
            time.sleep(1.8 if number == 5 else 0.5)
        assert client.answer().status == 201


def test_a11_slow_clients_hold_up_nobody_else(direct: Door) -> None:
    """A third are slow with their heads, a third with bodies that are refused, a third with bodies
    that are not: those hold a thread each, as many as one address may have."""
    path = (*SPACE, "slow.pdf")
    starts = (
        direct.head("GET", "/dav/", login="")[:-2] + b"X-Slow: ",
        direct.head("PUT", path, "Content-Length: 1000000", login=""),
        direct.head("PUT", path, "Content-Length: 1000000", login=EXPERT),
    )
    honest = direct.look()
    seconds_of_answers(honest, 0.5)
    found: list[socket.socket] = []
    for place, start in enumerate(starts):
        found += begin(sockets(direct, SLOW // 3, f"127.0.0.{10 + place}"), start)

    with Trickle(found, 3.0):
        taken = seconds_of_answers(honest, 14)

    print(f"{len(found)} slow clients: {len(taken)} answers, p50 {centile(taken, 0.5):.3f} s,"
          f" p99 {centile(taken, 0.99):.3f} s")  # fmt: skip
    assert centile(taken, 0.99) < 2


def test_a11_slow_clients_behind_nginx_hold_up_nobody_else(nginx: Door) -> None:
    start = nginx.head("PUT", (*SPACE, "slow.pdf"), "Content-Length: 1000000")
    path = nginx.head("PROPFIND", "/dav/", "Depth: 1")
    with Trickle(begin(sockets(nginx, 60, "127.0.0.9"), start), 3.0) as slow:
        taken = []
        for _ in range(40):
            begun = time.monotonic()
            assert nginx.ask(path)[0] == 207
            taken.append(time.monotonic() - begun)
        wait_for(lambda: len(slow.ended) >= 44, 10, "503 for what one address has too many")

    assert centile(sorted(taken), 0.99) < 2
    refused = [said for _, said in slow.ended.values()]
    assert all(said.startswith(b"HTTP/1.1 503 ") for said in refused)
    assert all(b"Retry-After: 30\r\n" in said for said in refused)


def idle(door: Door, count: int, stack: ExitStack) -> list[Client]:
    """Clients that have had an answer and want nothing, 200 of each address."""
    clients = []
    for number in range(count):
        client = stack.enter_context(door.connect(source=f"127.0.1.{1 + number // 200}"))
        client.send(HEALTH)
        assert client.answer().status == 200
        clients.append(client)
    return clients


def test_a12_two_thousand_idle_clients_are_held_and_new_ones_served(start: Start) -> None:
    room = {"DAVSERVER_SERVER__IDLE_TIMEOUT": "120"}
    if IDLE > 3_000:
        room["DAVSERVER_SERVER__IDLE_CONNECTIONS"] = str(IDLE)
    door = Door(start(room))
    pids = workers(door.server)
    with ExitStack() as stack:
        idle(door, 20, stack)
        before = resident(pids)
        begun = time.monotonic()
        clients = idle(door, IDLE, stack)
        each = (resident(pids) - before) / IDLE
        print(f"{IDLE} idle after {time.monotonic() - begun:.1f} s, {each:.0f} bytes each")

        begun = time.monotonic()
        assert door.look().propfind((), "1").status == 207
        assert time.monotonic() - begun < 2
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
        clients = idle(nginx, 300, stack)

        assert nginx.ask(nginx.head("PROPFIND", "/dav/", "Depth: 0"))[0] == 207
        for client in clients[::20]:
            client.send(HEALTH)
            assert client.answer().status == 200


@pytest.fixture
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
        for _ in range(20):
            client = stack.enter_context(small.connect(source="127.0.0.9"))
            client.send(b"GET /healthz HTTP/1.1\r\n")
        time.sleep(0.5)

        with small.connect(source="127.0.0.9") as client:
            answer = client.answer()
        assert (answer.status, answer.headers["retry-after"]) == (503, "30")
        assert small.look().propfind((), "0").status == 207


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
    server: Server = start({"DAVSERVER_SERVER__IDLE_TIMEOUT": "60"})
    door = Door(server)
    look = door.look()
    assert look.propfind((), "1").status == 207
    pids = workers(server)
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
    assert workers(server) == pids
