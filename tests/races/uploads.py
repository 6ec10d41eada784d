"""Uploads that begin together: each has been permitted before any of them ends."""

import socket
from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from tests.dav import Names, address
from tests.serving import PASSWORD


class Upload:
    """A PUT on a connection of its own. It waits for « 100 Continue »: the server has judged it."""

    def __init__(
        self,
        url: str,
        login: str,
        path: Names,
        body: bytes,
        *,
        chunked: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.body = body
        parts = urlsplit(url)
        pair = b64encode(f"{login}:{PASSWORD}".encode()).decode()
        length = ("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}",)
        lines = [f"PUT {address(*path)} HTTP/1.1", f"Host: {parts.netloc}",
                 f"Authorization: Basic {pair}", "Expect: 100-continue", *length,
                 *(f"{key}: {value}" for key, value in (headers or {}).items())]  # fmt: skip
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=120)
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
        self.status = self._read()

    @property
    def permitted(self) -> bool:
        """Whether the server wants the body."""
        return self.status == 100

    def finish(self) -> int:
        """Send the body; the status of the answer."""
        if self.permitted:
            self._socket.sendall(self._sent)
            self.status = self._read()
        self._socket.close()
        return self.status

    def cut(self) -> None:
        """Send half of the body, and hang up."""
        self._socket.sendall(self._sent[: len(self._sent) // 2])
        self._socket.close()

    def _read(self) -> int:
        head = b""
        while b"\r\n\r\n" not in head:
            block = self._socket.recv(4_096)
            assert block, "the connection ended without an answer"
            head += block
        return int(head.split(b" ")[1])


def finish_all(uploads: Sequence[Upload]) -> list[int]:
    """Let all bodies go at once; the statuses in the order of ``uploads``."""
    with ThreadPoolExecutor(len(uploads)) as pool:
        return list(pool.map(Upload.finish, uploads))
