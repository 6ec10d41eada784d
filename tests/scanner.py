"""A real clamd with a signature of the tests' own, and a site that it guards. It may be killed,
paused and come back."""

import io
import os
import signal
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import post as mail
from tests.clients import DOSSIER, EXPERT
from tests.conftest import Start
from tests.console import Console
from tests.dav import Dav, Names
from tests.deposits import AUTHOR, OTHER
from tests.post import Post
from tests.programs import require_program
from tests.serving import Server, wait_for

# The antivirus test text, in two halves, so that no scanner of this machine takes these tests away.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + rb"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SIGNATURE = "Eicar-Test-Signature"
NOTES: Names = (DOSSIER, "03 Notes aux parties et comptes rendus")

_SETTINGS = """\
LocalSocket {folder}/clamd.sock
DatabaseDirectory {folder}/database
TemporaryDirectory {folder}
LogFile {folder}/clamd.log
User {user}
Foreground yes
SelfCheck 0
MaxThreads 4
ReadTimeout 20
StreamMaxLength 4M
MaxFileSize 2M
MaxRecursion 5
AlertExceedsMax yes
AlertEncrypted yes
"""


class Scanner:
    """clamd over a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._clamd = require_program("clamd")
        self.socket = folder / "clamd.sock"
        self._settings = folder / "clamd.conf"
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "database").mkdir()
        (folder / "database" / "tests.ndb").write_text(f"{SIGNATURE}:0:0:{_hexadecimal(EICAR)}\n")
        user = "root" if os.geteuid() == 0 else os.environ.get("USER", "clamav")
        self._settings.write_text(_SETTINGS.format(folder=folder, user=user))

    @property
    def address(self) -> str:
        return f"unix:{self.socket}"

    def start(self) -> "Scanner":
        self.socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [self._clamd, "--config-file", str(self._settings)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._answers, 30, "clamd to listen")
        return self

    def kill(self) -> None:
        """SIGKILL: its socket stays, and nobody listens."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=20)

    def pause(self) -> None:
        """SIGSTOP: it takes connections and never answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
                probe.sendall(b"zPING\0")
                return probe.recv(16) == b"PONG\0"
            except OSError:
                return False


def settings(scanner: Scanner) -> dict[str, str]:
    """What a server is told of ``scanner``: short times, in their real order."""
    return {
        "DAVSERVER_ANTIVIRUS__CLAMD": scanner.address,
        "DAVSERVER_ANTIVIRUS__TIMEOUT": "3",
        "DAVSERVER_ANTIVIRUS__ANSWER_WITHIN": "2",
        "DAVSERVER_ANTIVIRUS__MAX_BYTES": "3000000",
        "DAVSERVER_ANTIVIRUS__RETRY_FIRST": "0.3",
        "DAVSERVER_ANTIVIRUS__RETRY_MOST": "1",
        "DAVSERVER_ANTIVIRUS__TELL_AFTER": "3",
    }


def zipped(name: str, content: bytes, *, encrypted: bool = False) -> bytes:
    """A zip archive of one file; ``encrypted`` says so in its heads, as one with a password."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    made = bytearray(archive.getvalue())
    if encrypted:
        made[6] |= 1
        made[made.find(b"PK\x01\x02") + 8] |= 1
    return bytes(made)


def nested(depth: int) -> bytes:
    """A zip in a zip in a zip, as 42.zip: more levels than the scanner opens."""
    content = b"le fond"
    for level in range(depth):
        content = zipped(f"{level}.zip", content)
    return content


def _hexadecimal(text: bytes) -> str:
    done = subprocess.run(
        [require_program("sigtool"), "--hex-dump"], input=text, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scanner]:
    scanner = Scanner(tmp_path_factory.mktemp("clamd")).start()
    yield scanner
    scanner.end()


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    post = Post(tmp_path_factory.mktemp("post") / "maildir")
    post.start()
    yield post
    post.stop()


@pytest.fixture(scope="module")
def server(start: Start, scanner: Scanner, post: Post) -> Server:
    """The demo site, with a scanner and a mail server."""
    return start({**mail.settings(post, window=0.5), **settings(scanner)})


@pytest.fixture
def author(server: Server) -> Dav:
    return server.dav(AUTHOR)


@pytest.fixture
def other(server: Server) -> Dav:
    return server.dav(OTHER)


@pytest.fixture
def expert(server: Server) -> Dav:
    return server.dav(EXPERT)


def row(server: Server, name: str) -> dict[str, Any]:
    """The one deposit of this name."""
    listed = Console(server.data).json("deposits", "list")
    (found,) = [line for line in listed if line["name"] == name]
    assert isinstance(found, dict)
    return found


def shown(client: Dav, path: Names, content: bytes) -> None:
    """Wait until ``client`` reads this content."""
    wait_for(lambda: client.get(path).body == content, 60, f"{path[-1]} to be shown")
