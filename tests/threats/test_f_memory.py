"""No memory, no thread: the request concerned gets an error, the server and all others go on."""

import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from itertools import count
from pathlib import Path

import pytest

from tests.console import Console
from tests.faults import acts, calls
from tests.faults.acts import Act
from tests.faults.amount import EVERY_CALL, LONG, say
from tests.faults.site import BOX, EXPERT, LAWYER, SPACE, Breakable, copied, sound
from tests.processes import STEPS
from tests.serving import PASSWORD, wait_for
from tests.threats.doors import MEBIBYTE, Door

pytestmark = pytest.mark.embedded
_serial = count(1)
KEPT = (*SPACE, "kept.pdf")
ONE, TWO = ({"DAVSERVER_SERVER__WORKERS": number} for number in "12")

# What a request may be answered for which there was no memory; 0: its connection was closed.
ERRORS = {0, 403, 500, 503, 507}
# Whatever takes more than 4 KiB asks the kernel for it, each time. glibc reads that at its start.
GIVING = ("mmap", "brk", "mprotect")
# A heap for each thread: in one that they share, each finds what the others have given back.
ASKING = {"MALLOC_MMAP_THRESHOLD_": "4096", "MALLOC_ARENA_MAX": "16", "PYTHONPATH": ""}


@contextmanager
def short_of_memory(process: int, left: int) -> Iterator[None]:
    """A process that gets ``left`` bytes more than it has, or keeps less than it has."""
    status = Path(f"/proc/{process}/status").read_text().split()
    most = int(status[status.index("VmData:") + 1]) * 1_024 + left
    before = resource.prlimit(process, resource.RLIMIT_DATA)
    resource.prlimit(process, resource.RLIMIT_DATA, (max(most, 1), before[1]))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it has ended for want of memory
            resource.prlimit(process, resource.RLIMIT_DATA, before)


def test_f05_a_password_for_which_there_is_no_memory_is_no_wrong_one(tmp_path: Path) -> None:
    copied(tmp_path / "data")
    # The tests' own passwords are cheap; this one costs what they cost.
    Console(tmp_path / "data").well("user", "password", LAWYER, "--password", PASSWORD)
    with Breakable(tmp_path, ONE) as server:
        expert, lawyer = server.dav(EXPERT), server.dav(LAWYER)
        assert expert.put(KEPT, acts.content("kept")).status == 201
        (worker,) = server.workers()
        with short_of_memory(worker, 32 * MEBIBYTE):  # argon2 takes 64
            # More often than a wrong one would be looked at.
            for _ in range(15):
                reply = lawyer.propfind(BOX, "0")
                assert (reply.status, "retry-after" in reply.headers) == (503, True)
            assert expert.get(KEPT).body == acts.content("kept")
        assert lawyer.propfind(BOX, "0").status == 207
        assert server.workers() == [worker]


def test_f05_a_worker_without_memory_for_who_sends_what_nobody_reads_serves_the_others(
    tmp_path: Path,
) -> None:
    copied(tmp_path / "data")
    with ExitStack() as stack:
        server = stack.enter_context(Breakable(tmp_path, ONE | ASKING))
        door = Door(server)
        assert server.dav(EXPERT).put(KEPT, acts.content("kept")).status == 201
        (worker,) = server.workers()
        refused = stack.enter_context(door.connect())
        refused.send(b"no request\r\n\r\n")
        assert refused.answer().status == 400
        with short_of_memory(worker, -(1 << 40)):
            for number in range(200):  # heads that do not end take what it has left
                client = stack.enter_context(door.connect(source=f"127.0.1.{number // 10 + 1}"))
                client.send(b"GET / HTTP/1.1\r\nX: " + b"x" * 30_000)
            refused.send(b"more of it")
            time.sleep(1)
        assert read(server) == 200
        assert server.workers() == [worker]


def test_f05_without_any_memory_nothing_is_half_done_and_all_goes_on_afterwards(
    tmp_path: Path,
) -> None:
    copied(tmp_path / "data")
    with Breakable(tmp_path, ONE | ASKING) as server:
        assert server.dav(EXPERT).put(KEPT, acts.content("kept")).status == 201
        names = ("deposit", "replace", "move", "copy", "delete", "deposit")
        todo = [acts.MAKE[name](server, f"{next(_serial)} {name}.pdf") for name in names]
        (worker,) = server.workers()
        with short_of_memory(worker, -(1 << 40)), ThreadPoolExecutor(12) as pool:
            reads = [pool.submit(read, server) for _ in range(24)]
            statuses = list(pool.map(lambda act: acts.told(act, server), todo))
            time.sleep(3)  # what works beside the requests has its turns
        assert set(statuses) <= ERRORS | {201, 204}, statuses
        assert {one.result() for one in reads} <= ERRORS | {200}
        # It may have ended: then there is another one.
        wait_for(lambda: read(server) == 200, 30, "the server to serve again")
        for act, status in zip(todo, statuses, strict=True):
            acts.settle(act, server, status)
        path = (*BOX, "after.pdf")
        assert server.dav(LAWYER).put(path, acts.content("after")).status == 201
        acts.await_seal(server, path)


def read(server: Breakable) -> int:
    """The status of reading a piece, 0 where the connection broke. Fails for a wrong one."""
    try:
        reply = server.dav(EXPERT).get(KEPT)
    except (OSError, HTTPException):
        return 0
    assert reply.status != 200 or reply.body == acts.content("kept")
    return reply.status


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Breakable]:
    """A server of one worker whose requests for memory can be seen, and refused, one by one.

    A new one for each test: a thread that was refused memory looks into the free memory of all
    others from then on, and may find all there that an act needs.
    """
    copied(tmp_path / "data")
    with Breakable(tmp_path, {STEPS: ""} | ONE | ASKING) as server:
        acts.settle(acts.deposit(server, "first.pdf"), server, 0)
        acts.settle(acts.replace(server, "first.pdf"), server, 0)
        yield server


def under(server: Breakable, act: Act, inject: str) -> tuple[int, calls.Trace]:
    """Do an act while the kernel gives memory so; its status, and what was asked for."""
    (worker,) = server.workers()
    with calls.traced(worker, server.folder / "strace", GIVING, inject=inject) as trace:
        status = acts.told(act, server)
    return status, trace


@pytest.mark.timeout(LONG if EVERY_CALL else 240)
@pytest.mark.parametrize("name", list(acts.MAKE) if EVERY_CALL else ["deposit", "replace"])
def test_f05_whichever_memory_an_act_is_refused_it_is_whole_or_absent(
    asking: Breakable, name: str
) -> None:
    workers = asking.workers()
    _, trace = under(asking, acts.MAKE[name](asking, f"{next(_serial)} {name}.pdf"), "")
    most = trace.most()["mmap"]  # of one thread; the act itself asks some 15 times
    statuses: Counter[int] = Counter()
    for number in range(1, (most if EVERY_CALL else 15) + 1):
        act = acts.MAKE[name](asking, f"{next(_serial)} {name}.pdf")
        # From that one on; glibc tries its other ways then: they are closed, too.
        refused = f"mmap:error=ENOMEM:when={number}+ mprotect:error=ENOMEM brk:retval=0"
        status, _ = under(asking, act, refused)
        statuses[status] += 1
        assert status in ERRORS | {201, 204}, (number, status)
        assert list((asking.data / "spool").iterdir()) == [], (number, status)
        acts.settle(act, asking, status)
    sound(asking.data)
    say(f"{name}: {statuses.total()} times no memory; answers {dict(statuses)}")
    assert statuses.keys() & ERRORS
    assert asking.workers() == workers


@pytest.mark.timeout(120)
@pytest.mark.parametrize("call", ["clone", "clone3"], ids=["process", "thread"])
def test_f05_while_no_worker_can_be_started_the_others_serve(tmp_path: Path, call: str) -> None:
    copied(tmp_path / "data")
    with Breakable(tmp_path, {STEPS: ""} | TWO) as server:
        assert server.dav(EXPERT).put(KEPT, acts.content("kept")).status == 201
        lost, other = server.workers()
        wait_for(lambda: server.log().count(" serves") == 2, 30, "both workers")
        refused = f"{call}:error=EAGAIN"
        with calls.traced(server.process, tmp_path / "strace", (call,), inject=refused):
            os.kill(lost, signal.SIGKILL)
            # More often than workers may die that can be started.
            wait_for(lambda: trials(server) > 11 or not server.running, 90, "the trials")
            assert server.running and read(server) == 200
        wait_for(lambda: server.log().count(" serves") == 3, 60, "a new worker")
        assert other in server.workers()
        assert server.dav(EXPERT).put(KEPT, acts.content("kept")).status == 204


def trials(server: Breakable) -> int:
    """How often a worker has ended, or could not be started."""
    return server.log().count("a new one in")
