"""A proxy that is shipped as an example, as a process of its own with TLS for ``localhost``."""

import socket
import ssl
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import trustme

from tests.ports import free_port
from tests.programs import require_program
from tests.serving import wait_for


class Front(ABC):
    """One run of ``program``. Everything of it is in ``folder``, ``log`` what it says."""

    program: str
    warning: str  # what its check writes before a warning

    def __init__(self, folder: Path, log: str) -> None:
        self.path = require_program(self.program)
        self.folder = folder
        self.log = folder / log
        self.port, self.plain_port = free_port(), free_port()
        self.host = f"localhost:{self.port}"
        self.url = f"https://{self.host}"
        self.authority = folder / "authority.pem"
        self._authority = trustme.CA()
        self._authority.cert_pem.write_to_path(self.authority)
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The command line that serves in the foreground."""

    @abstractmethod
    def checking(self) -> list[str]:
        """The command line that looks at the settings."""

    def start(self) -> Self:
        self.check()
        with (self.folder / "output").open("wb") as output:
            self._process = subprocess.Popen(self.command(), stdout=output, stderr=output)
        wait_for(self._listens, what=self.program)
        return self

    def check(self) -> None:
        """Fails where the program does not understand its file, or warns."""
        done = subprocess.run(self.checking(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert self.warning not in done.stderr, done.stderr

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(timeout=20)

    def trust(self) -> ssl.SSLContext:
        """What a client needs to know this server."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def issued(self) -> trustme.LeafCert:
        """Its certificate, with the key."""
        return self._authority.issue_cert("localhost")

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
