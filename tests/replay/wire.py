"""Requests byte for byte as a client sends them, on TCP connections that he keeps or closes."""

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPResponse, RemoteDisconnected
from urllib.parse import urlsplit

from tests.dav import Reply

Header = tuple[str, str]
_BLOCK = 65_536  # bytes sent at once, and the size of a chunk


@dataclass(frozen=True)
class Chunked:
    """A body in chunks, ended well."""

    content: bytes


@dataclass(frozen=True)
class Expecting:
    """A body that is sent only when the server has answered ``100 Continue``."""

    content: bytes


@dataclass(frozen=True)
class Cut:
    """The beginning of a body of ``announced`` bytes: then the client has gone."""

    content: bytes
    announced: int


@dataclass(frozen=True)
class Unanswered:
    """A whole body whose answer is lost: the line breaks when its last byte has been sent."""

    content: bytes


Body = bytes | Chunked | Expecting | Cut | Unanswered | None
"""``bytes`` go with their Content-Length; None has neither length nor chunks, PUT included."""


class Wire:
    """One client's way to the server: a connection that is kept while both sides want it."""

    def __init__(self, url: str, trust: ssl.SSLContext | None = None) -> None:
        """``trust`` is for an address in https."""
        parts = urlsplit(url)
        self.host = parts.netloc
        self._peer = (parts.hostname or "", parts.port or 80)
        self._trust = trust
        self._socket: socket.socket | None = None

    @property
    def is_new(self) -> bool:
        """Whether the next request takes a new connection."""
        return self._socket is None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(
        self, method: str, target: str, headers: Sequence[Header], body: Body = None
    ) -> Reply | None:
        """One request and its answer; None where the client did not wait for it.

        Fails where a connection that the server wants to close is not closed in peace.
        """
        reused = self._socket is not None
        if self._socket is None:
            self._socket = self._connect()
        connection = self._socket
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in (*headers, *_framing(body))]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        _send_body(connection, body)
        if isinstance(body, Unanswered):
            self.close()
            return None
        answer = HTTPResponse(connection, method=method)
        try:
            answer.begin()
        except RemoteDisconnected:
            # A proxy may end without a word a connection on which a body was refused in mid-way.
            assert reused and self._trust
            self.close()
            return self.ask(method, target, headers, body)
        found = {name.lower(): value for name, value in answer.getheaders()}
        reply = Reply(answer.status, answer.reason, found, answer.read())
        if found.get("connection", "").lower() == "close" or isinstance(body, Cut):
            assert connection.recv(1) == b"", "bytes after the last answer"
            self.close()
        return reply

    def _connect(self) -> socket.socket:
        plain = socket.create_connection(self._peer, timeout=60)
        if self._trust is None:
            return plain
        return self._trust.wrap_socket(plain, server_hostname=self._peer[0])


def _framing(body: Body) -> list[Header]:
    match body:
        case None:
            return []
        case Chunked():
            return [("Transfer-Encoding", "chunked")]
        case Cut(announced=length):
            return [("Content-Length", str(length))]
        case Expecting(content):
            return [("Content-Length", str(len(content))), ("Expect", "100-continue")]
        case Unanswered(content) | content:
            return [("Content-Length", str(len(content)))]


def _send_body(connection: socket.socket, body: Body) -> None:
    match body:
        case None:
            return
        case Chunked(content):
            for start in range(0, len(content), _BLOCK):
                block = content[start : start + _BLOCK]
                connection.sendall(b"%x\r\n%s\r\n" % (len(block), block))
            connection.sendall(b"0\r\n\r\n")
        case Expecting(content):
            if _is_invited(connection):
                connection.sendall(content)
        case Cut(content):
            connection.sendall(content)
            with suppress(OSError):  # the server may have answered and gone already
                connection.shutdown(socket.SHUT_WR)
        case Unanswered(content) | content:
            connection.sendall(content)


def _is_invited(connection: socket.socket) -> bool:
    """Whether the server wants the body; a final answer is left to be read."""
    invitation = b"HTTP/1.1 100 Continue\r\n\r\n"
    if isinstance(connection, ssl.SSLSocket):  # which shows nothing in advance: nginx invites all
        return connection.recv(len(invitation)) == invitation
    seen = connection.recv(len(invitation), socket.MSG_PEEK | socket.MSG_WAITALL)
    if seen != invitation:
        return False
    connection.recv(len(invitation))
    return True
