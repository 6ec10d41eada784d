"""The clock jumps, a day back, ten years on, over an hour of winter: nothing fires wrongly."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from davserver.clock import STANDS, Clock
from tests import processes
from tests.dav import Dav, Names
from tests.faults import acts
from tests.faults.acts import await_seal
from tests.faults.site import BOX, EXPERT, LAWYER, OTHER, SPACE, Breakable, copied
from tests.processes import ROOT, STEPS, SWEEP
from tests.programs import require_program
from tests.serving import wait_for
from tests.threats.doors import Door
from tests.threats.test_e_locks import HALF_AN_HOUR, seconds, token
from tests.threats.test_f_disks import connections

pytestmark = pytest.mark.embedded
DAY, YEARS = 86_400, 3_650 * 86_400  # seconds
WINTER = datetime(2027, 10, 31, 1, 0, tzinfo=UTC)  # 3:00 becomes 2:00 in Paris


class Machine:
    """A machine's two clocks, in a test's hand."""

    def __init__(self) -> None:
        self.told = 1_800_000_000.0
        self.passed = 50.0

    def go(self, seconds: float, *, jump: float = 0.0) -> None:
        self.told += seconds + jump
        self.passed += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> Clock:
    return Clock(lambda: machine.told, lambda: machine.passed)


@pytest.mark.parametrize("jump", [-DAY, YEARS, -3_600, 3_600, -10])
def test_f14_a_jump_is_believed_once_it_has_stood(
    clock: Clock, machine: Machine, jump: float
) -> None:
    before = clock()
    machine.go(5, jump=jump)
    assert clock() - before == timedelta(seconds=5)
    for _ in range(int(STANDS) - 1):  # the background work looks all the time
        machine.go(1)
        clock()
    assert clock() - before == timedelta(seconds=STANDS + 4)
    machine.go(2)
    assert told(clock, machine)


def told(clock: Clock, machine: Machine) -> bool:
    """Whether it is what the machine's clock tells, to the microsecond."""
    return abs(clock().timestamp() - machine.told) < 1e-5


def test_f14_a_jump_that_is_taken_back_was_none(clock: Clock, machine: Machine) -> None:
    before = clock()
    machine.go(1, jump=YEARS)
    clock()
    machine.go(STANDS - 10)
    clock()
    machine.go(1, jump=-YEARS)
    assert clock() - before == timedelta(seconds=STANDS - 8)
    machine.go(STANDS, jump=0.5)
    assert told(clock, machine)


def test_f14_a_clock_that_is_set_right_slowly_is_followed_and_never_goes_back(
    clock: Clock, machine: Machine
) -> None:
    last = clock()
    for _ in range(200):
        machine.go(1, jump=-0.08)
        assert clock() >= last
        last = clock()
    assert abs(clock().timestamp() - machine.told) < 2
    machine.go(30, jump=1.5)
    assert told(clock, machine)


TOGETHER = """
import os
from davserver.clock import STANDS, Clock
from tests.threats.test_f_clock import DAY, Machine, told

machine = Machine()
clock = Clock(lambda: machine.told, lambda: machine.passed)
machine.go(1, jump=-DAY)
assert not told(clock, machine)
if (child := os.fork()) == 0:
    machine.go(STANDS + 1)
    os._exit(0 if told(clock, machine) else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
machine.go(5)  # not long enough for this process, but it was for another one
assert told(clock, machine)
"""


def test_f14_all_processes_of_a_server_believe_a_jump_together() -> None:
    subprocess.run([sys.executable, "-c", TOGETHER], cwd=ROOT, check=True)


def faked(offset: Path) -> dict[str, str]:
    """The environment of a process whose clock is off by what a file says, at any moment."""
    require_program("faketime")
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {
        "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(offset), "NO_FAKE_STAT": "1",
        "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        STEPS: "", "DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "0.5",
    }  # fmt: skip


class Timed:
    """A server whose machine's clock the test sets while it runs."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._offset = folder / "offset"
        self.set(0)
        copied(folder / "data")
        self.server = Breakable(folder, {**faked(self._offset), **environment})

    def set(self, seconds: float) -> None:
        """How much the machine's clock is off."""
        fresh = self._offset.with_suffix(".new")
        fresh.write_text(f"{seconds:+.0f}\n")
        fresh.replace(self._offset)  # it is read at any moment

    def sealed(self, name: str) -> dict[str, Any]:
        """Deposit a piece, wait for its seal; its row."""
        path = (*BOX, name)
        assert self.server.dav(LAWYER).put(path, acts.content(name)).status == 201
        await_seal(self.server, path)
        return self.row(name)

    def row(self, name: str) -> dict[str, Any]:
        rows = self.server.json("deposits", "list")
        (row,) = [one for one in rows if one["name"] == name]
        assert isinstance(row, dict)
        return row

    def lines(self) -> list[datetime]:
        """When each line of the journal was written."""
        lines = self.server.json("journal", "list")
        return [datetime.fromisoformat(line["at"]) for line in lines if line["act"] != _ACCEPT]


_ACCEPT = "clock.accept"


LOCKED: Names = (*SPACE, "verrou.pdf")
HELD: Names = (*SPACE, "plus tard.pdf")


def everywhere(server: Breakable, path: Names = LOCKED) -> set[int]:
    """The statuses of writing there without a token, once each worker has been asked."""
    workers, door, statuses = server.workers(), Door(server), set()
    wait_for(lambda: all(f"worker {one} serves" in server.log() for one in workers), 30, "workers")
    with ExitStack() as stack:
        # Kept open, they are shared by the workers: the busier one takes none for a moment.
        for opened in count(1):
            client = stack.enter_context(door.connect())
            client.send(door.head("PUT", path, "Content-Length: 1") + b"y")
            statuses.add(client.answer().status)
            if opened >= 8 and all(connections(worker) for worker in workers):
                break
            assert opened < 40
    return statuses


def locked(expert: Dav, path: Names) -> str:
    """Make a file and lock it for half an hour; the token."""
    assert expert.put(path, b"x").status == 201
    return token(expert.lock(path, Timeout=f"Second-{HALF_AN_HOUR}"))


def left(expert: Dav, path: Names) -> int:
    """How many seconds the lock of a file lasts yet."""
    return seconds(expert.propfind(path, "0"))


def jump(timed: Timed, offset: float) -> None:
    """Set the clock under the running server, and wait until it has noticed."""
    known = timed.server.log().count("has jumped")
    timed.set(offset)
    wait_for(lambda: timed.server.log().count("has jumped") > known, 20, "the jump to be noticed")


def numbers(count: int) -> list[str]:
    """Those of the first deposits of a dossier."""
    return [f"D-{number:06}" for number in range(1, count + 1)]


@pytest.fixture
def timed(tmp_path: Path) -> Iterator[Timed]:
    timed = Timed(tmp_path, **{SWEEP: "0"})
    with timed.server:
        yield timed


def test_f14_jumps_under_a_running_server_change_no_date_and_end_nothing(timed: Timed) -> None:
    server = timed.server
    expert = server.dav(EXPERT)
    begun = datetime.now(UTC)
    # What may be ended too soon: a lock, a reserved name, bytes that no row names yet.
    assert expert.put((*SPACE, "locked.pdf"), b"x").status == 201
    token = expert.lock((*SPACE, "locked.pdf")).headers["lock-token"]
    assert server.dav(LAWYER).put((*BOX, "reserved.pdf")).status == 201
    stray = server.data / "blobs" / "ab" / f"ab{'0' * 38}"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"a transfer that is about to be committed")
    rows = [timed.sealed("before.pdf")]
    for jump in (-DAY, YEARS, 0):
        timed.set(jump)
        wait_for(lambda: "has jumped" in server.log(), what="the jump to be noticed")
        rows.append(timed.sealed(f"after {jump}.pdf"))
        assert expert.put((*SPACE, "locked.pdf"), b"y").status == 423
        assert expert.put((*SPACE, "locked.pdf"), b"y", If=f"({token})").status == 204
        assert server.dav(LAWYER).get((*BOX, "reserved.pdf")).status == 200
        assert server.dav(OTHER).get((*BOX, "reserved.pdf")).status == 404
        assert stray.exists()
    assert [row["number"] for row in rows] == numbers(len(rows))
    dates = [datetime.fromisoformat(row["sealed_at"]) for row in rows]
    assert dates == sorted(dates)
    assert begun - timedelta(seconds=2) < dates[0] and dates[-1] < datetime.now(UTC)
    assert timed.lines() == sorted(timed.lines())
    stray.unlink()


def test_e05_a_clock_put_forward_under_a_running_server_ends_no_lock_in_any_worker(
    timed: Timed,
) -> None:
    server = timed.server
    expert = server.dav(EXPERT)
    held = locked(expert, LOCKED)
    jump(timed, DAY)

    assert everywhere(server) == {423}
    assert expert.put(LOCKED, b"z", If=f"({held})").status == 204
    assert HALF_AN_HOUR - 120 < left(expert, LOCKED) <= HALF_AN_HOUR
    # Nor is what is granted or refreshed meanwhile granted for a day.
    locked(expert, HELD)
    assert expert.request("LOCK", LOCKED, b"", {"If": f"({held})"}).status == 200
    for path in (LOCKED, HELD):
        assert left(expert, path) <= HALF_AN_HOUR

    # A worker that is started when the clock is wrong already tells the time of the others.
    first, second = server.workers()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len({*server.workers()} - {first}) == 2, 30, "another one")
    assert second in server.workers()
    for path in (LOCKED, HELD):
        assert everywhere(server, path) == {423}
    timed.set(0)
    assert everywhere(server) == {423}
    assert expert.unlock(LOCKED, held).status == 204


@pytest.mark.timeout(240)
def test_e05_a_clock_that_stays_put_forward_leaves_no_lock_for_ever_in_any_worker(
    tmp_path: Path,
) -> None:
    timed = Timed(tmp_path, **{processes.STANDS: "3"})
    with timed.server as server:
        expert = server.dav(EXPERT)
        locked(expert, LOCKED)
        jump(timed, DAY)
        # Believed, it is a day later for all: the half hour is over everywhere.
        wait_for(lambda: expert.put(LOCKED, b"y").status == 204, 30, "the end of the lock")
        assert everywhere(server) == {204}
        assert b"activelock" not in expert.propfind(LOCKED, "0").body
        held = locked(expert, HELD)
        assert everywhere(server, HELD) == {423}

        jump(timed, 0)
        # Set right again, the lock of tomorrow lasts as long as it was granted for: not a day.
        wait_for(lambda: server.log().count("it is believed") > 1, 30, "the jump to be believed")
        assert everywhere(server, HELD) == {423}
        wait_for(lambda: left(expert, HELD) <= HALF_AN_HOUR, 90, "its end to be settled")
        assert everywhere(server, HELD) == {423}
        assert left(expert, HELD) > HALF_AN_HOUR - 200
        assert expert.unlock(HELD, held).status == 204


def test_f14_a_server_whose_clock_is_behind_the_journal_does_not_start(tmp_path: Path) -> None:
    timed = Timed(tmp_path)
    server = timed.server
    with server:
        first = timed.sealed("first.pdf")
        assert server.stop() == 0
        timed.set(-DAY)
        arguments = ["serve", "--port", str(server.port)]
        assert server.command(*arguments) == 1
        assert "en retard sur le journal" in server.log()
        # Somebody who knows says that it was the journal that was ahead.
        server.launch("--accept-clock")
        server.await_answer()
        second = timed.sealed("second.pdf")
        assert [first["number"], second["number"]] == numbers(2)
        assert second["sealed_at"] < first["sealed_at"]
        assert [line for line in server.json("journal", "list") if line["act"] == _ACCEPT]
        assert server.stop() == 0
        server.start()


def test_f14_the_night_of_winter_time_has_one_order(tmp_path: Path) -> None:
    timed = Timed(tmp_path, TZ="Europe/Paris")
    timed.set((WINTER - datetime.now(UTC)).total_seconds() - 25)
    with timed.server as server:
        rows = [timed.sealed("summer.pdf")]
        assert datetime.fromisoformat(rows[0]["sealed_at"]) < WINTER
        time.sleep(max(0.0, (WINTER - datetime.fromisoformat(rows[0]["sealed_at"])).seconds))
        rows += [timed.sealed("winter.pdf"), timed.sealed("later.pdf")]
        dates = [datetime.fromisoformat(row["sealed_at"]) for row in rows]
        assert dates == sorted(dates) and dates[-1] - dates[0] < timedelta(minutes=5)
        assert dates[1] > WINTER
        assert [row["number"] for row in rows] == numbers(len(rows))
        assert timed.lines() == sorted(timed.lines())
        assert "has jumped" not in server.log()
