"""A day of ordinary and less ordinary use: every promise is kept, and nothing grows.

In short here; ``./run soak`` is the long form, an hour (SOAK_SECONDS). It prints what it measured.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients import sha256
from tests.conftest import Start
from tests.post import Post, settings
from tests.serving import Server, wait_for
from tests.soak.day import CABINETS, EXPERT, Expert, Lawyer, Person, Promises, Stranger

SECONDS = float(os.environ.get("SOAK_SECONDS", "15"))
PACE = float(os.environ.get("SOAK_PACE", "3"))  # acts of one person in a second
LONG = 1_800  # seconds from which on a slope of memory tells something
SAMPLES = max(60, int(SECONDS / 5))
LOOKS, LOOK_PAUSE = 5, 0.1  # of one sample; seconds
GROWTH = 1_048_576  # bytes an hour
VERIFIED = 600  # seconds from one verification to the next


@dataclass(frozen=True)
class Sample:
    """What the processes of the server hold: bytes of memory, descriptors, threads."""

    at: float
    memory: int
    descriptors: int
    threads: int


@pytest.fixture
def server(start: Start, tmp_path: Path) -> Iterator[Server]:
    post = Post(tmp_path / "maildir")
    post.start()
    yield start(settings(post, window=5))
    post.stop()


def sample(server: Server) -> Sample:
    """What they hold: the least of some looks, for a password being hashed has 64 MiB a moment."""
    looks = []
    for _ in range(LOOKS):
        looks.append(_look(server))
        time.sleep(LOOK_PAUSE)
    return min(looks, key=lambda one: one.memory)


def _look(server: Server) -> Sample:
    memory = descriptors = threads = 0
    for process in (server.process, *server.workers()):
        folder = Path(f"/proc/{process}")
        lines = (folder / "status").read_text(encoding="ascii").splitlines()
        facts = dict(line.split(":", 1) for line in lines)
        memory += int(facts["VmRSS"].split()[0]) * 1_024
        threads += int(facts["Threads"])
        descriptors += len(list((folder / "fd").iterdir()))
    return Sample(time.monotonic(), memory, descriptors, threads)


def slope(samples: list[Sample]) -> float:
    """The growth of memory, in bytes an hour, by least squares."""
    mean_at = sum(one.at for one in samples) / len(samples)
    mean = sum(one.memory for one in samples) / len(samples)
    products = sum((one.at - mean_at) * (one.memory - mean) for one in samples)
    return products / sum((one.at - mean_at) ** 2 for one in samples) * 3_600


def watch(server: Server, people: list[Person]) -> list[Sample]:
    """Samples while the people are at it; verifies the running server now and then."""
    samples, verified = [], time.monotonic()
    for _ in range(SAMPLES):
        time.sleep(max(0.0, SECONDS / SAMPLES - LOOKS * LOOK_PAUSE))
        samples.append(sample(server))
        if time.monotonic() - verified > VERIFIED:
            server.verify()
            verified = time.monotonic()
    for person in people:
        person.leave()
    return samples


@pytest.mark.timeout(2 * SECONDS + 180)
def test_a_day_of_use_keeps_every_promise_and_grows_nothing(server: Server) -> None:
    promises = Promises()
    for login in (*CABINETS, EXPERT):  # as drives do: before the stranger guesses
        assert server.dav(login).propfind(()).status == 207
    people: list[Person] = [
        *(Lawyer(server, promises, PACE, login) for login in CABINETS),
        Expert(server, promises, PACE),
        Stranger(server, promises, PACE / 3),
    ]
    before = server.workers()
    for person in people:
        person.start()

    samples = watch(server, people)

    third = len(samples) // 3
    first, last = samples[third : 2 * third], samples[2 * third :]
    grown = slope(last)
    memory = [s.memory >> 20 for s in samples[:: len(samples) // 12]]
    print(
        f"\n{SECONDS:.0f} s, {sum(promises.answers.values())} answers, {len(promises.all())} "
        f"pieces; memory {memory} MiB, in the end "
        f"{grown / 2**20:+.2f} MiB an hour; "
        f"descriptors {first[-1].descriptors} then {last[-1].descriptors}, threads "
        f"{first[-1].threads} then {last[-1].threads}; {dict(sorted(promises.answers.items()))}"
    )
    assert [person.failure for person in people if person.failure] == []
    assert promises.wrong == [], "\n".join(promises.wrong)
    assert server.workers() == before  # none has died
    assert max(s.descriptors for s in last) <= max(s.descriptors for s in first) + 16
    assert max(s.threads for s in last) <= max(s.threads for s in first) + 4
    if SECONDS >= LONG:
        assert grown < GROWTH
    expert = server.dav(EXPERT)
    pieces = promises.all()
    wait_for(lambda: all(expert.get(p).status == 200 for p in list(pieces)[-20:]), 30, "seals")
    lost = [path for path, digest in pieces.items() if sha256(expert.get(path).body) != digest]
    assert lost == []
