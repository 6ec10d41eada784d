"""One server on one data folder; workers that end, in good order or not; a disk that stalls."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from tests.clients import SlowUpload
from tests.faults import acts, calls
from tests.faults.site import BOX, EXPERT, LAWYER, SPACE, Breakable, copied
from tests.ports import free_port
from tests.processes import kill
from tests.serving import PASSWORD, wait_for

pytestmark = pytest.mark.embedded
_serial = count(1)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    folder = tmp_path_factory.mktemp("server")
    copied(folder / "data")
    with Breakable(folder) as server:
        yield server


@pytest.fixture
def server(broken: Breakable) -> Breakable:
    return broken if broken.running else broken.start()


def begun(server: Breakable) -> tuple[SlowUpload, tuple[str, ...], bytes]:
    """An upload of which a half has come: its place, and what is missing."""
    path = (*BOX, f"{next(_serial)} slow.pdf")
    body = acts.content(path[-1])
    before = set((server.data / "spool").iterdir())
    upload = SlowUpload(server, LAWYER, path, len(body))
    upload.send(body[: len(body) // 2])
    wait_for(lambda: set((server.data / "spool").iterdir()) - before, what="the first bytes")
    return upload, path, body


@pytest.mark.parametrize("command", [["serve"], ["demo", "--password", "autre secret"]])
def test_f12_a_second_server_on_the_same_data_is_refused(
    server: Breakable, command: list[str]
) -> None:
    upload, path, body = begun(server)
    told = len(server.log())
    assert server.command(*command, "--port", str(free_port())) == 1
    assert "un autre serveur sert déjà ces données" in server.log()[told:]
    # It has touched nothing: not the upload that is under way, not the passwords.
    upload.send(body[len(body) // 2 :])
    assert upload.answer() == 201
    assert server.dav(LAWYER).get(path).body == body


def test_f12_commands_work_beside_a_server(server: Breakable) -> None:
    assert server.command("verify") == 0
    assert server.command("user", "password", LAWYER, "--password", PASSWORD) == 0


def test_f12_the_lock_ends_with_its_server_and_the_start_spares_live_uploads(
    server: Breakable,
) -> None:
    upload, _, _ = begun(server)
    left = set((server.data / "spool").iterdir())
    server.kill()
    upload.cut()
    server.start()
    # Whose they are is not known at a start: they go by their age.
    assert set((server.data / "spool").iterdir()) == left


def test_f16_a_server_that_is_told_to_stop_lets_an_upload_end(server: Breakable) -> None:
    upload, path, body = begun(server)
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(server.stop)
        time.sleep(0.5)
        upload.send(body[len(body) // 2 :])
        assert upload.answer() == 201
        assert stopped.result() == 0
    server.start()
    acts.await_seal(server, path)
    assert server.dav(EXPERT).get(path).body == body
    assert sealed(server, path[-1]) == 1


def sealed(server: Breakable, name: str) -> int:
    rows = server.json("deposits", "list")
    return sum(row["name"] == name and row["state"] == "sealed" for row in rows)


def test_f16_a_worker_that_is_killed_takes_nothing_with_it(server: Breakable) -> None:
    upload, path, body = begun(server)
    before = server.workers()
    (busy,) = [one for one in before if holds_spool(one)]
    os.kill(busy, signal.SIGKILL)
    assert upload.answer() == 0
    # The other one serves, and a new one comes.
    assert server.dav(EXPERT).propfind(SPACE).status == 207
    assert server.dav(LAWYER).get(path).status == 404
    wait_for(lambda: len(server.workers()) == len(before) and busy not in server.workers(), 30)
    assert server.dav(LAWYER).put(path, body).status == 201
    acts.await_seal(server, path)
    assert sealed(server, path[-1]) == 1


def holds_spool(process: int) -> bool:
    handles = Path(f"/proc/{process}/fd").iterdir()
    return any("/spool/" in os.readlink(handle) for handle in handles if handle.is_symlink())


def test_f16_workers_without_parent_end(server: Breakable) -> None:
    pid, workers = server.process, server.workers()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(alive(worker) for worker in workers), 30, "the workers to end")
    kill_rest(pid)
    server.await_death()
    server.start()
    assert server.dav(EXPERT).propfind(SPACE).status == 207


def alive(process: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def kill_rest(group: int) -> None:
    try:
        kill(group)
    except ProcessLookupError:
        return


def test_f16_a_disk_that_stalls_delays_its_upload_alone(server: Breakable) -> None:
    stall = 3.0
    act = acts.deposit(server, f"{next(_serial)} stalled.pdf")
    (path,) = act.after
    server.stop()
    server.start()
    (worker, *others) = server.workers()
    for other in others:
        os.kill(other, signal.SIGSTOP)
    try:
        inject = f"fsync:delay_enter={stall * 1e6:.0f}:when=1"
        with (
            calls.traced(worker, server.folder / "strace", ["fsync"], inject=inject),
            ThreadPoolExecutor(1) as pool,
        ):
            begun = time.monotonic()
            told = pool.submit(acts.told, act, server)
            time.sleep(0.5)
            assert server.dav(EXPERT).propfind(SPACE).status == 207
            assert not told.done(), "reading waited for the stalled disk"
            assert told.result() == 201
            assert time.monotonic() - begun > stall
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)
    acts.await_seal(server, path)
    assert server.dav(EXPERT).get(path).body == act.after[path]
    assert sealed(server, path[-1]) == 1
