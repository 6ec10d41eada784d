"""Davserver commands as processes that can be made to die at a step, started in no time.

Run as a module it imports the product once, installs the steps, and forks for each command line
that it reads: ``run ARGUMENTS`` (a JSON list) answers the process id, ``wait [PID, SECONDS]`` the
exit code. Each command is the leader of a process group of its own: SIGKILL to the group is what a
power cut is to its processes.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import SupportsIndex

from tests.faults import points

ROOT = Path(__file__).parent.parent.parent
# Environment of the module: seconds between two sweeps, instead of the product's; and « no » for
# a process in which no step is watched, so that its system calls are the product's alone.
SWEEP, WATCHED = "TESTS_SWEEP", "TESTS_WATCHED"
ENDLESS = 999  # the « exit code » of a command that had to be killed


class Launcher:
    """The module's process, seen from the tests. ``folder`` is where steps are armed."""

    def __init__(self, folder: Path, environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.process", str(folder)],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )

    def run(self, arguments: Sequence[str]) -> int:
        """Start ``davserver ARGUMENTS``; its process id."""
        return self._ask("run", list(arguments))

    def wait(self, process: int, seconds: float = 100) -> int:
        """The exit code of a command, once it has ended; minus the signal that killed it.

        One that does not end in time is killed: :data:`ENDLESS`.
        """
        return self._ask("wait", [process, seconds])

    def close(self) -> None:
        """End; commands that still run are killed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def _ask(self, what: str, about: object) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{what} {json.dumps(about)}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def kill(process: int) -> None:
    """SIGKILL to a command and all its forks at once."""
    os.killpg(process, signal.SIGKILL)


def _fork(arguments: Sequence[str]) -> int:
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        os.setpgrp()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        from davserver.commands import main

        code = main(arguments)
    finally:
        sys.stdout.flush()
        os._exit(code)


def _end_of(process: int, seconds: float) -> int:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    kill(process)
    os.waitpid(process, 0)
    return ENDLESS


def _sleep(seconds: SupportsIndex | float, /) -> None:
    threading.Event().wait(float(seconds))


def _main(folder: Path) -> None:
    from davserver import worker

    if "FAKETIME_TIMESTAMP_FILE" in os.environ:
        # libfaketime (0.9.10) makes an error of a deadline that passes while it is computed.
        time.sleep = _sleep

    worker.SWEEP = float(os.environ.get(SWEEP, worker.SWEEP))
    if os.environ.get(WATCHED) != "no":
        points.install(folder)
    running: set[int] = set()
    for line in sys.stdin:
        what, _, about = line.partition(" ")
        if what == "run":
            answer = _fork(json.loads(about))
            running.add(answer)
        else:
            process, seconds = json.loads(about)
            answer = _end_of(process, seconds)
            running.discard(process)
        print(answer, flush=True)
    for process in running:
        kill(process)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
