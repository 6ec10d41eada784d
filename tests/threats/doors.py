"""The two ways to a davserver: straight to it, and through the shipped nginx over TLS."""

import itertools
import socket
from base64 import b64encode
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from davserver.demo.history import BRUMAIRE
from tests.clients import box, requests
from tests.dav import Dav, Names, address
from tests.nginx import Nginx
from tests.serving import PASSWORD, Server
from tests.tiny_server import Client

EXPERT, LAWYER, OTHER = "apolline.testard", "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
SPACE: Names = ("Espace de l'expert",)
BOX = box(BRUMAIRE)
MEBIBYTE = 1 << 20
_numbers = itertools.count(1)


class Forwarded(Dav):
    """A client that says it came by TLS: for who looks at a server behind a proxy."""

    def authorization(self) -> dict[str, str]:
        return {**super().authorization(), "X-Forwarded-Proto": "https"}


@dataclass
class Door:
    """A davserver, and how one comes to it."""

    server: Server
    nginx: Nginx | None = None

    @property
    def host(self) -> str:
        return self.nginx.host if self.nginx else f"127.0.0.1:{self.server.port}"

    def connect(self, *, source: str = "127.0.0.1", timeout: float = 60) -> Client:
        """A connection of a client at the address ``source``."""
        port = self.nginx.port if self.nginx else self.server.port
        plain = socket.create_connection(("127.0.0.1", port), timeout, source_address=(source, 0))
        if self.nginx is None:
            return Client(plain)
        context = self.nginx.trust()
        return Client(context.wrap_socket(plain, server_hostname="localhost"))

    def look(self, login: str = EXPERT) -> Dav:
        """A client of the davserver itself, to see what is there."""
        kind = Forwarded if self.nginx else Dav
        return kind(self.server.url, login, PASSWORD, "look")

    def head(
        self, method: str, path: Names | str, *fields: str, login: str = EXPERT, password: str = ""
    ) -> bytes:
        """The head of a request. Without ``login`` it does not say who asks."""
        target = path if isinstance(path, str) else address(*path)
        pair = b64encode(f"{login}:{password or PASSWORD}".encode()).decode()
        who = [f"Authorization: Basic {pair}"] if login else []
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", *who, *fields, "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def room(self) -> Names:
        """A new folder in the expert's space."""
        folder = (*SPACE, f"essai {next(_numbers)}")
        assert self.look().mkcol(folder).status == 201
        return folder

    def ask(self, *data: bytes) -> tuple[int, bool]:
        """The status of the answer to ``data``, 0 where the connection ends without one; whether it
        was closed after it, as the answer announced."""
        with self.connect() as client:
            with suppress(OSError):  # the server may have closed already
                for block in data:
                    client.send(block)
            try:
                answer = client.answer()
            except (EOFError, OSError):
                return 0, True
            closes = answer.headers.get("connection", "").lower() == "close"
            return answer.status, closes and client.is_closed()

    def answered(self, path: Names, method: str = "PUT") -> list[int]:
        """The statuses that davserver has answered to requests of ``path``, as it logged them."""
        target = address(*path)
        return [
            line["status"]
            for login in (EXPERT, LAWYER, "")
            for line in requests(self.server, login, method)
            if line["path"] == target
        ]


def resident(pids: Iterable[int]) -> int:
    """The memory of these processes that is theirs alone or resident, in bytes."""
    return sum(_status(pid, "VmRSS") for pid in pids) * 1_024


def peak(pids: Iterable[int]) -> int:
    """The most memory that these processes have had since ``forget_peak``, in bytes."""
    return sum(_status(pid, "VmHWM") for pid in pids) * 1_024


def forget_peak(pids: Iterable[int]) -> None:
    """Begin to look for the most memory anew."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def cpu_seconds(pids: Iterable[int]) -> float:
    """The processor time that these processes have had."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / 100
