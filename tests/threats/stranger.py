"""Somebody at an address of his own who sends what he likes as his credentials."""

import base64
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from urllib.parse import urlsplit

from tests.dav import Reply

DRIVE = "/dav/"


def basic(login: str, password: str) -> str:
    """The header of RFC 7617."""
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


class Stranger:
    """Asks from the loopback address ``address``: on a connection that he keeps, or on new ones."""

    def __init__(self, url: str, address: str = "127.0.0.1", *, keeps: bool = False) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(
            parts.hostname or "", parts.port, timeout=60, source_address=(address, 0)
        )
        self._keeps = keeps
        self.seconds = 0.0

    def ask(
        self,
        authorization: str,
        method: str = "PROPFIND",
        path: str = DRIVE,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """One request; ``seconds`` is then how long its answer took."""
        sent = {"Authorization": authorization, "Depth": "0", **(headers or {})}
        begun = time.perf_counter()
        try:
            self._connection.request(method, path, body, sent)
            reply = self._connection.getresponse()
            content = reply.read()
        finally:
            if not self._keeps:
                self._connection.close()
        self.seconds = time.perf_counter() - begun
        found = {name.lower(): value for name, value in reply.getheaders()}
        return Reply(reply.status, reply.reason, found, content)

    def login(self, login: str, password: str) -> int:
        """The status of the drive for these credentials."""
        return self.ask(basic(login, password)).status

    def close(self) -> None:
        self._connection.close()
