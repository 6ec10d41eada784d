"""A real server process on real sockets, over a data folder of its own."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests import backends, processes
from tests.dav import Dav
from tests.ports import free_port
from tests.processes import Process

PASSWORD = "mot de passe d'essai"
# Deposits are sealed soon, so that tests do not wait; the order of the times is the real one.
QUICK = {
    "DAVSERVER_DEPOSIT__QUIET_LOCKED": "1.5",
    "DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "2",
    "DAVSERVER_MAIL__GROUP_WINDOW": "1",
}


def wait_for(condition: Callable[[], Any], seconds: float = 20, what: str = "") -> Any:
    """The first true value of ``condition``; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.05)


class Server:
    """``davserver demo`` (or ``serve``) as a process."""

    def __init__(
        self,
        data: Path,
        *,
        command: Sequence[str] = ("demo", "--password", PASSWORD),
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
        site: Path | None = None,
    ) -> None:
        """``site``: the data folder of the first machine of the site, if ``data`` is another's."""
        self.data = data
        self._log = log or data.parent / f"{data.name}.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = command
        self._environment = {
            **os.environ, **QUICK, **backends.environment(site or data), **(environment or {})
        }  # fmt: skip
        self._process: Process | None = None

    def start(self) -> "Server":
        arguments = [*self._command, "--data", str(self.data), "--port", str(self.port)]
        self._process = processes.start(arguments, self._environment, self._log, self._log)
        try:
            wait_for(self._answers, 60, "a server")
        except AssertionError as error:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"{error}; log:\n{self.log()[-3000:]}") from None
        return self

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def process(self) -> int:
        """The parent of those that serve."""
        assert self._process is not None
        return self._process.pid

    def workers(self) -> list[int]:
        """The processes that serve."""
        children = Path(f"/proc/{self.process}/task/{self.process}/children")
        return [int(child) for child in children.read_text(encoding="ascii").split()]

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=60)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=60)
        wait_for(lambda: not self._listens(), 20, "the killed server's workers to end")

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def dav(self, login: str, *, agent: str = "test") -> Dav:
        """A client logged in as ``login``."""
        return Dav(self.url, login, PASSWORD, agent)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A davserver command on this site's data."""
        return processes.run([*arguments, "--data", str(self.data)], self._environment)

    def json(self, *arguments: str) -> Any:
        """What a listing command prints with --json."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def verify(self) -> None:
        """Fails unless rows, bytes, hashes, journal and quotas agree."""
        done = self.run("verify")
        assert done.returncode == 0, done.stdout + done.stderr

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the server ended: {self.log()[-3000:]}")
        try:
            with urlopen(f"{self.url}/healthz", timeout=5) as reply:
                return bool(reply.status == 200)
        except (URLError, OSError):
            return False

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
