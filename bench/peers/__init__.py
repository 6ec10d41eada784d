"""The servers that are measured, each in a file of its own: how it is installed, set up, started.

All serve the same files below one address, over HTTP or TLS, to the same login, with as many
processes as the machine has cores where they know how to. None of the peers flushes, hashes or
journals anything.
"""

import base64
import hashlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from bench import files
from tests.ports import free_port

CORES = len(os.sched_getaffinity(0))
_SEARCHED = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_START = 60.0  # seconds


class Absent(Exception):
    """A server that cannot run here; its text says what is missing."""


@dataclass(frozen=True)
class Tls:
    """The certificate of a server for ``127.0.0.1``, and who signed it."""

    chain: Path
    key: Path
    authority: Path


@dataclass(frozen=True)
class Box:
    """Where somebody deposits, and as whom he comes."""

    person: files.Person
    url: str


class Peer(ABC):
    """One server. ``folder`` is its own, for everything; ``files`` below it is what it serves."""

    name: str
    prefix = "/"  # of the address where the folders are
    user = ""  # as whom it works, if not as who starts it

    def __init__(self, folder: Path, tls: Tls | None = None) -> None:
        self.folder = folder
        self.tls = tls
        self.port = free_port()
        self.served = folder / "files"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def url(self, *path: str) -> str:
        """The address of a place among the served files, escaped."""
        return self.origin + quote(self.prefix + "/".join(path))

    def door(self) -> http.client.HTTPConnection:
        """A connection to it, to be closed."""
        address = urlsplit(self.origin).netloc
        if self.tls is None:
            return http.client.HTTPConnection(address, timeout=120)
        context = ssl.create_default_context(cafile=str(self.tls.authority))
        return http.client.HTTPSConnection(address, timeout=120, context=context)

    def boxes(self, number: int) -> list[Box]:
        """A folder for each of so many people. The peers know but one login."""
        return [Box(files.OWNER, self.url(f"{files.BOX} {one}", "")) for one in range(number)]

    def readers(self, number: int) -> list[files.Person]:
        """So many people who may list the files. The peers know but one login."""
        return [files.OWNER] * number

    def fill(self) -> None:
        """Bring the files there, for whom the server works as. Before the start."""
        files.written(self.served)
        if self.user:
            for path in (self.folder, self.served, *self.served.rglob("*")):
                shutil.chown(path, self.user)

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The command line of the server, which stays in the foreground; writes its settings.
        Raises Absent."""

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def start(self) -> None:
        """Serve. Raises Absent."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = self.command()
        self.fill()
        with (self.folder / "log").open("wb") as log:
            # In a session of its own: lighttpd ends all of its process group when it stops.
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=self.environment(), cwd=self.folder,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + _START
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > end:
                text = (self.folder / "log").read_text(errors="replace")
                raise Absent(f"did not start: {text[-2_000:]}")
            time.sleep(0.1)

    def tidy(self) -> None:
        """Throw away what a turn has sent and no other turn asks for: a run would else fill a disk.
        davserver serves no such folder, and keeps what it was given."""
        for file in (self.served / files.UPLOADS).glob("*.pdf"):
            file.unlink()
        for sent in self.served.glob(f"{files.BOX} */{files.SENT} [0-9]*"):
            shutil.rmtree(sent)

    def stop(self) -> None:
        """End it; it may be started no second time."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    @property
    def process(self) -> int:
        """The process that was started, parent of all others of the server."""
        assert self._process is not None
        return self._process.pid

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def program(name: str) -> str:
    """Where a program is. Raises Absent."""
    found = shutil.which(name, path=_SEARCHED)
    if found is None:
        raise Absent(f"{name} is not installed")
    return found


def htpasswd(folder: Path) -> Path:
    """A file of the login for servers that read such, in the form that costs them least: SHA-1."""
    digest = base64.b64encode(hashlib.sha1(files.OWNER.password.encode()).digest()).decode()
    path = folder / "htpasswd"
    path.write_text(f"{files.OWNER.login}:{{SHA}}{digest}\n", encoding="utf-8")
    return path
