"""What a site holds: memory of its workers, idle connections; and how soon it answers."""

import resource
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import files
from bench.load import Wrong
from bench.sites import Grown
from bench.workloads import WORKLOADS, Terms, put_large

IDLE = 2_000  # connections
WORKER_GOAL, UPLOAD_GOAL = 120 << 20, 64 << 20  # bytes
_OF_ONE_ADDRESS = 200  # connections
_ASKED = 300  # requests whose time is taken
_EVERY = 0.05  # seconds from one look to the next
_LOADS = ("propfind-1", "get-4k", "put-100k", "users")


@dataclass(frozen=True)
class Memory:
    """Bytes that a process holds: resident, its part of what is shared, its own alone."""

    rss: int
    pss: int
    private: int

    @classmethod
    def of(cls, process: int) -> "Memory":
        """As the kernel tells it now."""
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        kib = {line.split()[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
        private = kib["Private_Clean:"] + kib["Private_Dirty:"]
        return cls(kib["Rss:"] << 10, kib["Pss:"] << 10, private << 10)


@dataclass(frozen=True)
class Latency:
    """Seconds that one client waits, asking one thing after another."""

    median: float
    slow: float  # one in a hundred waits longer


@dataclass(frozen=True)
class Crowding:
    """What was measured; of memory one for each worker. ``each``: bytes for one idle connection."""

    start: float  # seconds to the first answer
    at_rest: list[Memory]
    after_load: list[Memory]
    before_upload: list[Memory]
    uploading: list[Memory]  # the highest, each for itself
    idle: int
    held: int
    each: float
    alone: Latency
    beside: Latency

    @property
    def upload(self) -> int:
        """Private bytes that the upload cost the worker that had it."""
        pairs = zip(self.before_upload, self.uploading, strict=True)
        return max(high.private - before.private for before, high in pairs)

    def as_facts(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "upload": self.upload}


def measured(site: Grown, terms: Terms, idle: int) -> Crowding:
    """Start ``site`` again and measure it; it is stopped in the end."""
    start = site.restart(DAVSERVER_SERVER__IDLE_TIMEOUT="120")
    try:
        workers = site.workers()
        at_rest = _settled(workers)
        # Before the load: what that leaves behind would be given back meanwhile, or used again.
        alone = _latency(site)
        before_upload = _settled(workers)
        with _highest(workers) as uploading:
            put_large(site, terms)
        before = _settled(workers)
        with _idle(site, idle) as connections:
            each = sum(
                now.private - then.private
                for then, now in zip(before, _settled(workers), strict=True)
            ) / max(1, idle)
            beside = _latency(site)
            held = sum(map(_answers, connections))
        for workload in WORKLOADS:
            if workload.name in _LOADS:
                workload.run(site, terms)
        after_load = _settled(workers)
    finally:
        site.stop()
    return Crowding(start, at_rest, after_load, before_upload, uploading, idle, held, each, alone,
                    beside)  # fmt: skip


def lines(held: Crowding) -> list[str]:
    """The table, as lines of Markdown."""
    rows = {
        "at rest": held.at_rest,
        f"highest while {files.LARGE_MIB} MiB are uploaded": held.uploading,
        "after the load": held.after_load,
    }
    told = ["| MiB of each worker | resident | proportional | private |", "|---|---|---|---|"]
    for title, workers in rows.items():
        cells = [
            " · ".join(f"{getattr(one, kind) / 2**20:.0f}" for one in workers)
            for kind in ("rss", "pss", "private")
        ]
        told.append(f"| {title} | " + " | ".join(cells) + " |")
    most = max(one.rss for one in (*held.at_rest, *held.after_load))
    told += [
        "",
        f"- most of one worker: {most / 2**20:.0f} MiB{_mark(most <= WORKER_GOAL)}",
        f"- one upload: {held.upload / 2**20:.0f} MiB more{_mark(held.upload <= UPLOAD_GOAL)}",
        f"- idle connections: {held.held:,} of {held.idle:,} held{_mark(held.held == held.idle)}, "
        f"{held.each / 1024:.1f} KiB each",
        f"- PROPFIND Depth 0 by one client: {_told(held.alone)}; beside them {_told(held.beside)}",
        f"- from the start to the first answer: {held.start:.2f} s",
    ]
    return told


def _mark(reached: bool) -> str:
    return " ✓" if reached else ""


def _told(latency: Latency) -> str:
    return f"{latency.median * 1e3:.1f} ms ({latency.slow * 1e3:.1f} ms one in a hundred)"


def _settled(workers: Sequence[int]) -> list[Memory]:
    """What the workers hold a while after the last request."""
    time.sleep(2)
    return [Memory.of(worker) for worker in workers]


@contextmanager
def _highest(workers: Sequence[int]) -> Iterator[list[Memory]]:
    """The most that each worker holds meanwhile: the list is filled in the end."""
    seen: list[list[Memory]] = [[] for _ in workers]
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for worker, looks in zip(workers, seen, strict=True):
                looks.append(Memory.of(worker))
            done.wait(_EVERY)

    looking = threading.Thread(target=look)
    looking.start()
    highest: list[Memory] = []
    try:
        yield highest
    finally:
        done.set()
        looking.join()
    highest += [
        Memory(*(max(getattr(one, kind) for one in looks) for kind in ("rss", "pss", "private")))
        for looks in seen
    ]


def _latency(site: Grown) -> Latency:
    """One client on one connection that asks for what it has just asked for."""
    door = site.door()
    where = urlsplit(site.url(files.LISTING, "")).path
    waits = []
    for _ in range(_ASKED):
        begun = time.monotonic()
        door.request("PROPFIND", where, headers={**files.OWNER.authorization, "Depth": "0"})
        reply = door.getresponse()
        reply.read()
        waits.append(time.monotonic() - begun)
        if reply.status != 207:
            raise Wrong(f"PROPFIND {where}: {reply.status}")
        time.sleep(0.005)
    door.close()
    return Latency(statistics.median(waits), statistics.quantiles(waits, n=100)[98])


@contextmanager
def _idle(site: Grown, number: int) -> Iterator[list[socket.socket]]:
    """Connections on which somebody has logged in, and asks nothing more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, number + 1_000), most))
    with ExitStack() as stack:
        connections = []
        for turn in range(number):
            source = (f"127.0.1.{1 + turn // _OF_ONE_ADDRESS}", 0)
            connection = stack.enter_context(
                socket.create_connection(("127.0.0.1", site.port), 30, source)
            )
            connections.append(connection)
            if not _answers(connection):
                raise Wrong(f"idle connection {turn} has no answer")
        yield connections


def _answers(connection: socket.socket) -> bool:
    """Whether it is open still, and answers a request of who is logged in."""
    head = "".join(f"{name}: {text}\r\n" for name, text in files.OWNER.authorization.items())
    asked = f"PROPFIND /dav/ HTTP/1.1\r\nHost: localhost\r\nDepth: 0\r\n{head}\r\n"
    try:
        connection.sendall(asked.encode())
        answer = connection.recv(65_536)
        while answer and not answer.rstrip().endswith(b"multistatus>"):
            answer += connection.recv(65_536)
    except OSError:
        return False
    return answer.startswith(b"HTTP/1.1 207 ")
