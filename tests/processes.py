"""Davserver commands as processes of their own, started in no time.

Run as a module, with nothing, it imports the product once and forks for each command that it
reads, a line of JSON each: the import is most of what a command takes, and the tests start
thousands. Each command leads a process group: SIGKILL to the group is what a power cut is to its
processes. What only a fresh interpreter heeds (``PYTHONPATH``, ``LD_PRELOAD``) gets one: the
module, with arguments.
"""

import atexit
import gc
import json
import os
import pkgutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, SupportsIndex

ROOT = Path(__file__).parent.parent
# Environment of a command: the folder in which its steps are armed (:mod:`tests.faults.points`),
# the seconds between two sweeps and those that a jump of the clock must stand, instead of the
# product's.
STEPS, SWEEP, STANDS = "TESTS_STEPS", "TESTS_SWEEP", "TESTS_STANDS"
_FRESH = ("LD_PRELOAD", "PYTHONPATH")


class Process(Protocol):
    """What a started command has of a :class:`subprocess.Popen`."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int, /) -> None: ...

    def kill(self) -> None: ...


def start(
    arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path
) -> Process:
    """Start ``davserver ARGUMENTS`` in the whole of ``environment``; what it prints is appended to
    these files."""
    if any(name in environment for name in _FRESH):
        with out.open("ab") as stdout, err.open("ab") as stderr:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.processes", *arguments],
                cwd=ROOT, env=dict(environment), stdout=stdout, stderr=stderr,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
    return _Forked(_launcher(), arguments, environment, out, err)


def run(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run ``davserver ARGUMENTS`` to its end; its exit code and what it printed."""
    with TemporaryDirectory(prefix="davserver-command-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        code = start(arguments, environment, out, err).wait(120)
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


def kill(process: int) -> None:
    """SIGKILL to a command and all its forks at once."""
    os.killpg(process, signal.SIGKILL)


class _Forked:
    """A command that the launcher has forked."""

    def __init__(
        self, launcher: "_Launcher", arguments: Sequence[str], environment: Mapping[str, str],
        out: Path, err: Path,
    ) -> None:  # fmt: skip
        self._launcher = launcher
        self._code: int | None = None
        self.pid = launcher.ask(
            {
                "arguments": list(arguments), "environment": dict(environment),
                "out": str(out.absolute()), "err": str(err.absolute()),
            }
        )  # fmt: skip

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._launcher.ask({"poll": self.pid})
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        end = time.monotonic() + (timeout or float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("davserver", timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, sig: int, /) -> None:
        # Until it is polled its number is not given to another process.
        if self._code is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Launcher:
    """The module's process, seen from the tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.processes"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, about: Mapping[str, object]) -> Any:
        """Send one order; the answer to it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(about) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End; commands that still run are killed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@cache
def _launcher() -> _Launcher:
    made = _Launcher()
    atexit.register(made.close)
    return made


def _serve() -> None:
    """Do what the lines of standard input say."""
    from davserver import commands

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the tests end this process
    for module in pkgutil.iter_modules(commands.__path__):
        import_module(f"{commands.__name__}.{module.name}")
    gc.freeze()
    running: set[int] = set()
    for line in sys.stdin:
        about = json.loads(line)
        if "poll" in about:
            answer = _poll(about["poll"])
            if answer is not None:
                running.discard(about["poll"])
        else:
            answer = _fork(**about)
            running.add(answer)
        print(json.dumps(answer), flush=True)
    for process in running:
        with suppress(ProcessLookupError):
            kill(process)


def _poll(process: int) -> int | None:
    ended, status = os.waitpid(process, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _fork(arguments: Sequence[str], environment: Mapping[str, str], out: str, err: str) -> int:
    process = os.fork()
    if process:
        with suppress(OSError):  # both do it: whoever kills the group may be faster than the child
            os.setpgid(process, process)
        return process
    code = 1
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for descriptor, path in ((0, os.devnull), (1, out), (2, err)):
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
            os.dup2(os.open(path, flags, 0o644), descriptor)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        code = _command(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _command(arguments: Sequence[str]) -> int:
    """Be a davserver command; its exit code."""
    from davserver import clock, worker
    from davserver.commands import main

    worker.SWEEP = float(os.environ.get(SWEEP, worker.SWEEP))
    worker.SIDE_FILES = worker.ROUND  # so that no test waits for a minute
    clock.STANDS = float(os.environ.get(STANDS, clock.STANDS))
    if folder := os.environ.get(STEPS):
        from tests.faults import points

        points.install(Path(folder))
    if "FAKETIME_TIMESTAMP_FILE" in os.environ:
        # libfaketime (0.9.10) makes an error of a deadline that passes while it is computed.
        time.sleep = _sleep
    return main(arguments)


def _sleep(seconds: SupportsIndex | float, /) -> None:
    threading.Event().wait(float(seconds))


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(_command(sys.argv[1:]))
    _serve()
