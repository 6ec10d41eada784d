"""A11: clients that are slow.

Behind nginx: nginx closes a head that is slow without a word after the same ten seconds, and
answers 503 to the seventeenth request at once of one address; a slow body goes through it, and
davserver gives it up.
"""

import os
import socket
import time
from collections.abc import Iterator

import pytest

from tests.conftest import Start
from tests.nginx import BEHIND, Nginx
from tests.serving import wait_for
from tests.threats.doors import EXPERT, SPACE, Door
from tests.threats.slow import Trickle, centile, seconds_of_answers

SLOW = int(os.environ.get("SLOW_CLIENTS", "500"))  # heads and bodies together
# A window of 4 s, so that a body which trickles is given up soon; heads have their 10 s as ever.
TIMES = {"DAVSERVER_SERVER__IDLE_TIMEOUT": "2"}
HEAD_SECONDS = 10


pytestmark = pytest.mark.usefixtures("many_files")


def sockets(door: Door, count: int, source: str) -> list[socket.socket]:
    return [door.connect(source=source).socket for _ in range(count)]


def begin(found: list[socket.socket], data: bytes) -> list[socket.socket]:
    for one in found:
        one.sendall(data)
    return found


@pytest.mark.parametrize("way", ["direct", "impatient_behind_nginx"])
def test_a11_a_head_has_ten_seconds_in_all(request: pytest.FixtureRequest, way: str) -> None:
    door: Door = request.getfixturevalue(way)
    start = door.head("GET", "/dav/", login="")[:-2] + b"X-Slow: "
    with Trickle(begin(sockets(door, 3, "127.0.0.9"), start), 0.4) as slow:
        wait_for(lambda: len(slow.ended) == 3, HEAD_SECONDS + 8, "the end of slow heads")

    for seconds, said in slow.ended.values():
        # Counted here from a little later on, and on a slow machine to a little later.
        assert HEAD_SECONDS / 2 < seconds < HEAD_SECONDS + 6
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
    quiet = centile(seconds_of_answers(honest, 3), 0.99)
    found: list[socket.socket] = []
    for place, start in enumerate(starts):
        found += begin(sockets(direct, SLOW // 3, f"127.0.0.{10 + place}"), start)

    with Trickle(found, 3.0):
        taken = seconds_of_answers(honest, 14)

    print(f"{len(found)} slow clients: {len(taken)} answers, p50 {centile(taken, 0.5):.3f} s,"
          f" p99 {centile(taken, 0.99):.3f} s")  # fmt: skip
    assert centile(taken, 0.99) < max(2, 4 * quiet)  # of a machine that is slow by itself


def test_a11_forty_slow_uploads_of_one_office_hold_up_nobody_in_it(direct: Door) -> None:
    honest = direct.look()
    quiet = centile(seconds_of_answers(honest, 2), 0.99)
    uploads: list[socket.socket] = []
    for number in range(40):
        path = (*SPACE, f"lent {number}.pdf")
        uploads += begin(
            sockets(direct, 1, "127.0.0.1"),
            direct.head("PUT", path, "Content-Length: 1000000", login=EXPERT),
        )

    with Trickle(uploads, 0.5):
        taken = seconds_of_answers(honest, 5)

    assert centile(taken, 0.99) < max(2, 4 * quiet)


def seconds_of(door: Door, request: bytes) -> float:
    begun = time.monotonic()
    assert door.ask(request)[0] == 207
    return time.monotonic() - begun


def test_a11_slow_clients_behind_nginx_hold_up_nobody_else(impatient_behind_nginx: Door) -> None:
    nginx = impatient_behind_nginx
    start = nginx.head("PUT", (*SPACE, "slow.pdf"), "Content-Length: 1000000")
    path = nginx.head("PROPFIND", "/dav/", "Depth: 1")
    quiet = [seconds_of(nginx, path) for _ in range(20)]
    with Trickle(begin(sockets(nginx, 100, "127.0.0.9"), start), 3.0) as slow:
        taken = [seconds_of(nginx, path) for _ in range(40)]
        wait_for(lambda: len(told(slow)) >= 20, 10, "503 for what one address has too many")

    assert centile(sorted(taken), 0.99) < max(2, 4 * max(quiet))
    assert all(b"Retry-After: 30\r\n" in said for said in told(slow))


def told(slow: Trickle) -> list[bytes]:
    """The answers to those that are too many."""
    return [said for said in list(slow.heard.values()) if said.startswith(b"HTTP/1.1 503 ")]
