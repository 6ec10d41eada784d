"""Processes killed between every two steps: what was acknowledged is there, the rest is whole or
absent, and nothing is left over."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count

import pytest

from davserver.settings import load
from davserver.site import Site
from tests.dav import Names
from tests.faults import acts, points
from tests.faults.acts import content
from tests.faults.amount import KILLS, LONG, RANDOM_KILLS, say
from tests.faults.site import (
    BOX,
    EXPERT,
    LAWYER,
    SPACE,
    TITLE,
    Breakable,
    add_dossier,
    copied,
    sound,
)
from tests.processes import SWEEP
from tests.serving import wait_for

pytestmark = [
    pytest.mark.timeout(LONG if KILLS > 1 or RANDOM_KILLS > 2 else 120),
    pytest.mark.embedded,
]
_serial = count(1)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    folder = tmp_path_factory.mktemp("kills")
    copied(folder / "data")
    with Breakable(folder) as server:
        yield server


@pytest.fixture
def server(broken: Breakable) -> Breakable:
    return broken if broken.running else broken.start()


STEPS = [(act, step) for act in ("deposit", "replace", "move", "file", "delete")
         for step in points.ACTS[act]]  # fmt: skip


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[f"{act}, {step}" for act, step in STEPS])
def test_f01_a_kill_at_any_step_leaves_an_act_whole_or_absent(
    server: Breakable, name: str, step: str
) -> None:
    whole = 0
    for _ in range(KILLS):
        act = acts.MAKE[name](server, f"{next(_serial)} {name}.pdf")
        points.arm(server.folder, step)
        status = acts.told(act, server)
        server.await_death()
        assert status == 0 or step == "after the answer"
        server.start()
        whole += acts.settle(act, server, status)
        sound(server.data)
    # What was committed is there though nobody was told; what was not is gone.
    committed = step in ("after the commit", *points.ACTS["move"][-2:])
    assert whole == (KILLS if committed else 0)
    say(f"{KILLS} kills of {name}, {step}")


@pytest.mark.parametrize("step", points.ACTS["seal"])
def test_f01_a_kill_at_any_step_of_a_seal_seals_once(server: Breakable, step: str) -> None:
    for _ in range(KILLS):
        path = (*BOX, f"{next(_serial)} seal.pdf")
        act = acts.deposit(server, path[-1])
        assert acts.told(act, server) == 201
        points.arm(server.folder, step)
        server.await_death()
        server.start()
        acts.await_seal(server, path)
        assert server.dav(EXPERT).get(path).body == act.after[path]
        acts.settle(act, server, 201)
        sound(server.data)
    say(f"{KILLS} kills of seal, {step}")


@pytest.mark.parametrize("step", points.ACTS["purge"])
def test_f01_a_kill_at_any_step_of_a_purge_leaves_all_or_nothing(
    server: Breakable, step: str
) -> None:
    for _ in range(KILLS):
        title = f"2025-{next(_serial):04} SDC contre SCCV"
        site = Site(load(None, data=server.data))
        add_dossier(site, title)
        site.close()
        path = (title, *BOX[1:], "Pièce.pdf")
        body = content(title)
        assert server.dav(LAWYER).put(path, body).status == 201
        acts.await_seal(server, path)
        points.arm(server.folder, step)
        assert server.command("dossier", "purge", title, "--yes") == -9
        points.disarm(server.folder)
        reply = server.dav(EXPERT).get(path)
        assert reply.body == body if step != "after the commit" else reply.status == 404
        sound(server.data)
        assert server.command("dossier", "purge", title, "--yes") == (
            1 if step == "after the commit" else 0
        )
        assert server.dav(EXPERT).get(path).status == 404
        sound(server.data)
    say(f"{KILLS} kills of purge, {step}")


@pytest.mark.parametrize("step", points.ACTS["sweep"])
def test_f01_a_kill_at_any_step_of_a_sweep_takes_nothing_that_is_named(
    server: Breakable, step: str
) -> None:
    sweeping = Breakable(server.folder, {SWEEP: "0", "DAVSERVER_STORAGE__ORPHAN_GRACE": "0"})
    try:
        for _ in range(KILLS):
            path = (*SPACE, f"{next(_serial)} sweep.pdf")
            for version in ("old", "older", "new"):
                assert server.dav(EXPERT).put(path, content(version)).status in (201, 204)
            assert server.stop() == 0
            points.arm(server.folder, step, passes=1 if step == "bytes removed" else 0)
            sweeping.launch()
            sweeping.await_death()
            server.start()
            assert server.dav(EXPERT).get(path).body == content("new")
            sound(server.data)
    finally:
        sweeping.end()
    say(f"{KILLS} kills of sweep, {step}")


@dataclass
class Writer:
    """Somebody who writes without end, and remembers what he was told. ``known`` are the versions
    of which one must be there: one when the last was acknowledged, two when it was not."""

    login: str
    folder: Names
    known: dict[Names, set[bytes | None]] = field(default_factory=dict)

    def work(self, server: Breakable, stop: threading.Event, chance: random.Random) -> None:
        dav = server.dav(self.login)
        while not stop.is_set():
            path = (*self.folder, f"{self.login} {chance.randrange(5)}.pdf")
            if self.folder == BOX:
                path = (*self.folder, f"{next(_serial)}.pdf")
            before = self.known.get(path, {None})
            erase = before != {None} and self.folder != BOX and chance.random() < 0.3
            body = None if erase else content(str(chance.random()))
            self.known[path] = {*before, body}
            try:
                reply = dav.delete(path) if body is None else dav.put(path, body)
            except Exception:
                return
            if 200 <= reply.status < 300 or (erase and reply.status == 404):
                self.known[path] = {body}

    def check(self, server: Breakable) -> int:
        dav = server.dav(self.login)
        for path, versions in self.known.items():
            reply = dav.get(path)
            assert reply.status in (200, 404), reply
            there = reply.body if reply.status == 200 else None
            assert there in versions, (path, reply.status)
            self.known[path] = {there}
        return len(self.known)


def test_f01_random_kills_under_load_lose_nothing(server: Breakable) -> None:
    seed = random.randrange(1 << 32)
    say(f"random kills: seed {seed}")
    chance = random.Random(seed)
    checked = 0
    for number in range(RANDOM_KILLS):
        writers = [Writer(EXPERT, SPACE), Writer(EXPERT, (TITLE, "08 Plans")), Writer(LAWYER, BOX)]
        stop = threading.Event()
        with ThreadPoolExecutor(len(writers)) as pool:
            done = [
                pool.submit(writer.work, server, stop, random.Random(chance.random()))
                for writer in writers
            ]
            time.sleep(chance.uniform(0.2, 1.2))
            server.kill()
            stop.set()
            [one.result() for one in done]
        server.start()
        checked += sum(writer.check(server) for writer in writers)
        if number % 10 == 0:
            wait_for(lambda: not _unsealed(server), 30, "all seals")
        sound(server.data)
        for writer in writers:
            for path, versions in writer.known.items():
                if writer.folder != BOX and versions != {None}:
                    assert server.dav(EXPERT).delete(path).status == 204
    say(f"{RANDOM_KILLS} random kills under load, {checked} files checked")


def _unsealed(server: Breakable) -> list[str]:
    rows = server.json("deposits", "list")
    return [row["name"] for row in rows if row["state"] != "sealed"]
