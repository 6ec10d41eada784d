"""System calls of a running worker that are made to fail, or to last, by strace.

strace counts the calls of each thread for itself: « the third fsync » is the third one of the
thread that serves the request. Needs root on Linux.
"""

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.programs import require_program, require_root
from tests.serving import wait_for

# What changes or opens files; sockets have calls of their own.
CALLS = ("openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "mkdir",
         "ftruncate")  # fmt: skip
_LINE = re.compile(r"(\d+)\s+(\w+)\((.*)\)\s+= (.*)")


@dataclass(frozen=True)
class Call:
    """One call that was seen: the thread, its name, its arguments with the paths of handles."""

    thread: int
    name: str
    arguments: str
    result: str

    @property
    def injected(self) -> bool:
        return "INJECTED" in self.result or "DELAYED" in self.result

    @property
    def on_rows_or_bytes(self) -> bool:
        """Whether a success of this call was needed for what was acknowledged to be durable."""
        return "/spool/" in self.arguments or "/blobs" in self.arguments or "-wal" in self.arguments


class Trace:
    """What strace has seen, once its block has ended."""

    def __init__(self, output: Path) -> None:
        self._output = output

    @property
    def calls(self) -> list[Call]:
        found = map(_LINE.match, self._output.read_text(errors="replace").splitlines())
        return [Call(int(one[1]), one[2], one[3], one[4]) for one in found if one]

    @property
    def injected(self) -> list[Call]:
        return [call for call in self.calls if call.injected]

    def most(self) -> Counter[str]:
        """For each call, how often the thread that made the most of them made it."""
        threads = Counter((call.thread, call.name) for call in self.calls)
        most: Counter[str] = Counter()
        for (_, name), times in threads.items():
            most[name] = max(most[name], times)
        return most


@contextmanager
def traced(
    process: int, output: Path, calls: Sequence[str] = CALLS, *, inject: str = ""
) -> Iterator[Trace]:
    """Watch the calls of a process; ``inject`` is what strace does to some of them, as in
    ``fsync:error=EIO:when=2``; several are parted by blanks."""
    require_root()
    command = [require_program("strace"), "-f", "-qq", "-y", "-o", str(output),
               "-e", f"trace={','.join(calls)}", "-p", str(process)]  # fmt: skip
    for one in inject.split():
        command += ["-e", f"inject={one}"]
    strace = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        wait_for(lambda: strace.poll() is not None or _is_traced(process), 20, "strace to attach")
        assert strace.poll() is None, strace.stderr and strace.stderr.read()
        yield Trace(output)
    finally:
        strace.send_signal(signal.SIGINT)
        strace.communicate(timeout=30)


def _is_traced(process: int) -> bool:
    tasks = os.listdir(f"/proc/{process}/task")
    texts = [Path(f"/proc/{process}/task/{task}/status").read_text() for task in tasks]
    return all("TracerPid:\t0\n" not in text for text in texts)
