"""People at their computers: real programs, run as people run them, and what others then see."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import unicodedata
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from davserver.demo import documents, drawings
from davserver.demo.history import ARCHIVES, BOXES
from tests.dav import Dav, Names, Reply, address
from tests.programs import require_program
from tests.serving import PASSWORD, Server, wait_for

DOSSIER = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
CLOSED = "2023-07 Fondation Saint-Exemple contre Groupement Médiathèque"
EXPERT = "apolline.testard"

# Names as lawyers give them: both apostrophes, n° and nº, a Mac's accents, signs of URLs, length.
AWKWARD = (
    "Pièce n°2 - Contrat de maîtrise d'œuvre.pdf",
    "Pièce n°2 - Contrat de maîtrise d’œuvre.pdf",
    "Pièce nº 07 – Procès-verbal de réception du 3 février 2021.pdf",
    unicodedata.normalize("NFD", "Dire n°3 récapitulatif - Me ORTIE - 14.06.2024.pdf"),
    "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf",
    "Rapport d'expertise amiable contradictoire établi à la demande de l'assureur "
    "dommages-ouvrage suite à la déclaration de sinistre du 27 novembre 2022 "
    "(annexes comprises).pdf",
    "Coupe AA' - A0.pdf",
    "IMG_4513.JPG",
)


def box(name: str) -> Names:
    """The mailbox of this name in the dossier."""
    return (DOSSIER, BOXES, name)


def archive(name: str, kind: str = "Pièces") -> Names:
    """A folder of the archive of the same name."""
    return (DOSSIER, ARCHIVES, name, kind)


def composed(name: str) -> str:
    """``name`` as the server gives it back: a Mac decomposes its accents."""
    return unicodedata.normalize("NFC", name)


def paper(name: str) -> bytes:
    """A real file of the kind that its name says; no two names have the same content."""
    title, _, kind = name.rpartition(".")
    if kind == "JPG":
        return drawings.photo_jpeg(title, seed=4513)
    if title.startswith(("Plan", "Coupe")):
        return drawings.plan_pdf(title, scale="1/100")
    return documents.exhibit_pdf(title, party="Partie fictive", body=[f"Pièce : {title}."])


def papers(folder: Path, names: Collection[str]) -> dict[str, bytes]:
    """Write a real file for each of ``names``; the contents by name."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {name: paper(name) for name in names}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return contents


def sha256(content: bytes) -> str:
    """The hash by which everybody knows a content again."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Done:
    """What became of a program: its exit code, and what it said on both ways."""

    code: int
    output: str
    errors: str


def run(
    *command: str | Path,
    home: Path,
    stdin: bytes = b"",
    timeout: float = 60,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run a program in a home of its own: no setting of the machine's user plays a part."""
    base = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=home,
        env={**base, **(environment or {})},
        input=stdin,
        capture_output=True,
        check=False,
        timeout=timeout,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


class Curl:
    """curl, as one person."""

    def __init__(
        self, server: Server, login: str, home: Path, *, password: str = PASSWORD, url: str = ""
    ) -> None:
        self._program = require_program("curl")
        self._url = url or server.url
        self._home = home
        self.head = home / "curl.head"  # the heads of all answers to the last request
        self._user = ["--user", f"{login}:{password}"] if login else []

    def __call__(self, path: Names, *options: str | Path, stdin: bytes = b"") -> Reply:
        """One request; ``options`` are curl's own. The answer is the last one, after any 100."""
        body = self._home / "curl.body"
        body.write_bytes(b"")
        done = run(
            *(self._program, "--silent", "--show-error", "--max-time", "60", *self._user),
            *("--dump-header", self.head, "--output", body, *options, self._url + address(*path)),
            home=self._home,
            stdin=stdin,
        )
        assert done.code == 0, done.errors
        answers = self.head.read_text(encoding="latin-1").rstrip().split("\n\n")
        lines = answers[-1].splitlines()
        _, status, reason = [*lines[0].split(" ", 2), ""][:3]
        pairs = [line.split(": ", 1) for line in lines[1:]]
        return Reply(int(status), reason, {k.lower(): v for k, v in pairs}, body.read_bytes())


class Rclone:
    """rclone, as one person, without any configuration file."""

    def __init__(self, server: Server, login: str, home: Path) -> None:
        self._program = require_program("rclone")
        self._home = home
        obscured = run(self._program, "obscure", "-", home=home, stdin=PASSWORD.encode())
        self._environment = {
            "RCLONE_CONFIG": "/dev/null",
            "RCLONE_WEBDAV_URL": f"{server.url}/dav",
            "RCLONE_WEBDAV_VENDOR": "other",
            "RCLONE_WEBDAV_USER": login,
            "RCLONE_WEBDAV_PASS": obscured.output.strip(),
        }

    def __call__(self, *arguments: str | Path) -> Done:
        return run(self._program, "-v", *arguments, home=self._home, environment=self._environment)

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Begin a command that goes on until it is told to end; it says nothing here."""
        return subprocess.Popen(
            [self._program, "-v", *arguments],
            cwd=self._home,
            env={"PATH": os.environ["PATH"], "HOME": str(self._home), **self._environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def remote(*names: str) -> str:
    """A place on the drive, as rclone names it."""
    return ":webdav:" + "/".join(names)


def cadaver(server: Server, login: str, place: Names, home: Path, *commands: str) -> list[str]:
    """Give ``commands`` to cadaver in the folder ``place``; what it says about each."""
    netrc = home / ".netrc"
    netrc.touch(mode=0o600)
    netrc.write_text(f'machine 127.0.0.1\nlogin {login}\npassword "{PASSWORD}"\n')
    script = "".join(f"{command}\n" for command in (*commands, "quit"))
    url = server.url + address(*place, slash=True)
    # It repeats each command after its prompt; a wide screen keeps that on one line.
    wide = {"COLUMNS": "9999"}
    program = require_program("cadaver")
    done = run(program, url, home=home, stdin=script.encode(), environment=wide)
    prompts = f"\n{done.output}".split("\ndav:/")
    assert len(prompts) == len(commands) + 2, done.output + done.errors
    return [answer.partition("\n")[2].strip() for answer in prompts[1:-1]]


def quoted(*names: str) -> str:
    """A path as one word of cadaver's language."""
    return '"' + "/".join(names) + '"'


class SlowUpload:
    """A PUT whose body comes as the test sends it, on a connection of its own."""

    def __init__(self, server: Server, login: str, path: Names, announced: int) -> None:
        parts = urlsplit(server.url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        pair = b64encode(f"{login}:{PASSWORD}".encode()).decode()
        self.send(
            f"PUT {address(*path)} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Basic {pair}\r\nContent-Length: {announced}\r\n\r\n".encode()
        )

    def send(self, block: bytes) -> None:
        """Send a part of the body."""
        self._socket.sendall(block)

    def answer(self) -> int:
        """The status that the server answers, 0 if it closes without a word."""
        with self._socket:
            try:
                line = self._socket.recv(4096)
            except ConnectionResetError:  # it had not read all that was sent
                line = b""
        found = re.match(rb"HTTP/1\.1 (\d{3}) ", line)
        return int(found[1]) if found else 0

    def cut(self) -> None:
        """Close, whatever was announced."""
        self._socket.close()


def await_names(viewer: Dav, folder: Names, names: Collection[str], seconds: float = 30) -> None:
    """Wait until ``viewer`` finds all of ``names`` in ``folder``, and the folder itself: one that
    was deposited is seen with the first piece in it that is sealed."""
    wanted = {composed(name) for name in names}

    def found() -> bool:
        return viewer.propfind(folder, "0").status == 207 and wanted <= set(viewer.names(folder))

    wait_for(found, seconds, f"{wanted} in {folder}")


def contents(viewer: Dav, folder: Names, names: Collection[str]) -> dict[str, str]:
    """The hashes of what ``viewer`` downloads under ``names``."""
    replies = {name: viewer.get((*folder, name)) for name in names}
    assert {reply.status for reply in replies.values()} == {200}, replies
    return {name: sha256(reply.body) for name, reply in replies.items()}


def deposits(server: Server, login: str, dossier: str = DOSSIER) -> dict[str, dict[str, Any]]:
    """The deposits of ``login`` by name, as the administrator lists them; none is there twice."""
    listed = server.json("deposits", "list", "--dossier", dossier)
    rows = {row["name"]: row for row in listed if row["author"] == login}
    assert len(rows) == sum(row["author"] == login for row in listed), sorted(rows)
    return rows


def requests(server: Server, login: str, method: str) -> list[dict[str, Any]]:
    """One person's requests of this method, as the server logged them."""
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    seen = [line for line in lines if line["event"] == "request"]
    return [line for line in seen if (line["login"], line["method"]) == (login, method)]


def processes(argument: str | Path) -> list[int]:
    """The processes that were started with this argument, and their forks."""
    wanted = os.fsencode(argument)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        if wanted in command:
            found.append(int(folder.name))
    return found


def cut_power(server: Server) -> None:
    """SIGKILL to all processes of the server at once: none can end what it has begun."""
    for process in (server.process, *server.workers()):
        os.kill(process, signal.SIGKILL)
    server.kill()
