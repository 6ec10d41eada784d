"""Calls to the system that fail, one at a time: an error is told, never a success that is none."""

from collections import Counter
from collections.abc import Iterator
from itertools import count

import pytest

from tests.faults import acts, calls
from tests.faults.acts import Act
from tests.faults.amount import EVERY_CALL, LONG, say
from tests.faults.site import Breakable, copied, sound
from tests.processes import STEPS

pytestmark = [pytest.mark.timeout(LONG if EVERY_CALL else 120), pytest.mark.embedded]
_serial = count(1)
ERRORS = {
    "openat": ("EMFILE", "EIO", "ENOSPC"),
    "write": ("EIO", "ENOSPC", "EDQUOT"),
    "pwrite64": ("EIO", "ENOSPC"),
    "fsync": ("EIO", "ENOSPC"),
    "fdatasync": ("EIO", "ENOSPC"),
    "rename": ("EIO", "ENOSPC"),
    "unlink": ("EIO",),
    "mkdir": ("EIO", "ENOSPC", "EMFILE"),
    "ftruncate": ("EIO", "ENOSPC"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    """One worker, so that it is known who serves."""
    folder = tmp_path_factory.mktemp("calls")
    copied(folder / "data")
    with Breakable(folder, {STEPS: "", "DAVSERVER_SERVER__WORKERS": "1"}) as server:
        # What is opened once and for all must be open before a call may fail.
        acts.settle(acts.deposit(server, "first.pdf"), server, 0)
        acts.settle(acts.replace(server, "first.pdf"), server, 0)
        yield server


def made_to_fail(server: Breakable, name: str, call: str, error: str, number: int) -> int:
    """Do an act whose ``number``th call fails so; its status. What must be true then is checked."""
    act = acts.MAKE[name](server, f"{next(_serial)} {name}.pdf")
    status, trace = under(server, act, f"{call}:error={error}:when={number}", call)
    where = f"{name}: {call} {number} {error}: {status} {trace.injected}"
    assert status in (201, 204, 503, 507), where
    if any(one.on_rows_or_bytes for one in trace.injected) and call in ("fsync", "fdatasync"):
        assert status >= 500, (where, trace.injected)
    if status >= 500:
        assert list((server.data / "spool").iterdir()) == [] or call == "unlink", where
    acts.settle(act, server, status)
    return status


def under(server: Breakable, act: Act, inject: str, *names: str) -> tuple[int, calls.Trace]:
    (worker,) = server.workers()
    output = server.folder / "strace"
    with calls.traced(worker, output, names or calls.CALLS, inject=inject) as trace:
        status = acts.told(act, server)
    return status, trace


def test_f03_a_flush_that_fails_once_is_no_success_and_is_not_tried_again(
    server: Breakable,
) -> None:
    most = counted(server, "deposit")
    assert most["fsync"] >= 2 and most["fsync"] + most["fdatasync"] >= 3
    refused: Counter[str] = Counter()
    for call in ("fsync", "fdatasync"):
        for number in range(1, most[call] + 1):
            # The last ones may have been those of a checkpoint, which comes now and then.
            refused[call] += made_to_fail(server, "deposit", call, "EIO", number) == 503
    assert refused["fsync"] >= 2 and refused.total() >= 3, refused
    sound(server.data)


def counted(server: Breakable, name: str) -> Counter[str]:
    """How many calls of each kind an act makes."""
    # A shelf that is new costs a flush more, and which one it is is chance: all are there.
    for shelf in range(256):
        (server.data / "blobs" / f"{shelf:02x}").mkdir(exist_ok=True)
    act = acts.MAKE[name](server, f"{next(_serial)} {name}.pdf")
    status, trace = under(server, act, "")
    assert status in (201, 204)
    acts.settle(act, server, status)
    return trace.most()


@pytest.mark.parametrize("name", ["replace", "move", "delete"])
def test_f03_no_act_succeeds_whose_rows_were_not_flushed(server: Breakable, name: str) -> None:
    assert made_to_fail(server, name, "fdatasync", "EIO", 1) == 503
    sound(server.data)


SPACELESS = [("write", 1, "ENOSPC"), ("write", 2, "EDQUOT"), ("fsync", 1, "ENOSPC"),
             ("rename", 1, "ENOSPC"), ("pwrite64", 1, "ENOSPC")]  # fmt: skip


@pytest.mark.parametrize(("call", "number", "error"), SPACELESS)
def test_f04_no_room_at_any_call_is_507_and_leaves_nothing(
    server: Breakable, call: str, number: int, error: str
) -> None:
    assert made_to_fail(server, "deposit", call, error, number) == 507
    sound(server.data)


@pytest.mark.parametrize("number", [1, 2])
def test_f05_no_handle_left_is_503_and_leaves_nothing(server: Breakable, number: int) -> None:
    assert made_to_fail(server, "deposit", "openat", "EMFILE", number) == 503
    sound(server.data)


@pytest.mark.parametrize("name", list(acts.MAKE) if EVERY_CALL else ["delete"])
def test_f03_every_call_of_an_act_may_fail(server: Breakable, name: str) -> None:
    most = counted(server, name)
    statuses: Counter[int] = Counter()
    for call, errors in ERRORS.items():
        for number in range(1, most[call] + 1):
            for error in errors if EVERY_CALL else errors[:1]:
                statuses[made_to_fail(server, name, call, error, number)] += 1
        sound(server.data)
    say(f"{name}: {statuses.total()} failing calls; answers {dict(statuses)}")
