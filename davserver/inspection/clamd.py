"""ClamAV's daemon, over a socket: the two commands that are needed of its protocol (clamd(8)).

A scanner that is down, hangs, dies or talks nonsense has said nothing: that is an exception, never
a verdict.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from davserver.model import Verdict

Result = TypeVar("Result")

SLICE = 0.5  # seconds between two looks at whether to go on waiting
LONGEST_REPLY = 4_096  # bytes
# What clamd calls a finding, and is none: it could not, or would not, look at all of it.
_NOT_LOOKED_AT = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")


class ScannerAway(Exception):
    """No verdict: the scanner does not answer, or not in time, or not in its language."""


@dataclass(frozen=True)
class Finding:
    """A verdict with the signature's name, or the reason for having none, and who says so."""

    verdict: Verdict
    name: str = ""
    engine: str = ""


def inspect(
    address: str, blocks: Iterable[bytes], within: float, stopping: Callable[[], bool]
) -> Finding:
    """What the clamd at ``address`` (``unix:/path`` or ``host:port``) says of a content.

    Raises ScannerAway, after ``within`` seconds or ``stopping()`` at the latest.
    """
    end = time.monotonic() + within
    try:
        with _Conversation(address, end, stopping) as version:
            engine = version.ask(b"zVERSION\0")
        with _Conversation(address, end, stopping) as scan:
            return _understood(scan.ask(b"zINSTREAM\0", blocks), engine)
    except OSError as error:
        raise ScannerAway(f"{address}: {error.strerror or error}") from error


def _understood(reply: str, engine: str) -> Finding:
    if not engine.startswith("ClamAV "):
        raise ScannerAway(f"not a clamd: {engine[:80]!r}")
    if reply == "stream: OK":
        return Finding(Verdict.CLEAN, "", engine)
    if reply.startswith("stream: ") and reply.endswith(" FOUND"):
        name = reply.removeprefix("stream: ").removesuffix(" FOUND")
        unknown = name.startswith(_NOT_LOOKED_AT)
        return Finding(Verdict.UNSCANNABLE if unknown else Verdict.INFECTED, name, engine)
    if reply == "INSTREAM size limit exceeded. ERROR":
        return Finding(Verdict.UNSCANNABLE, "StreamMaxLength", engine)
    raise ScannerAway(f"answered {reply[:80]!r}")


class _Conversation:
    """One connection: a command, perhaps a content, one reply."""

    def __init__(self, address: str, end: float, stopping: Callable[[], bool]) -> None:
        self._end = end
        self._stopping = stopping
        if address.startswith("unix:"):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(max(SLICE, end - time.monotonic()))
            self._connect(address.removeprefix("unix:"))
        else:
            host, _, port = address.rpartition(":")
            left = max(SLICE, end - time.monotonic())
            self._socket = socket.create_connection((host.strip("[]"), int(port)), left)

    def _connect(self, path: str) -> None:
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> "_Conversation":
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def ask(self, command: bytes, blocks: Iterable[bytes] | None = None) -> str:
        """The reply to a command and the content that belongs to it, without its final zero."""
        try:
            self._send(command)
            if blocks is not None:
                for block in filter(None, blocks):  # an empty one would be the end
                    self._send(struct.pack("!I", len(block)) + block)
                self._send(struct.pack("!I", 0))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough: what it says of it can still be read, or nothing can
        reply = b""
        while not reply.endswith(b"\0"):
            part = self._patiently(lambda: self._socket.recv(LONGEST_REPLY))
            reply += part
            if not part or len(reply) > LONGEST_REPLY:
                raise ScannerAway(f"broke off: {reply[:80]!r}")
        return reply[:-1].decode(errors="replace")

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            rest = view
            view = view[self._patiently(lambda: self._socket.send(rest)) :]  # noqa: B023 - at once

    def _patiently(self, step: Callable[[], Result]) -> Result:
        """``step``, again and again while it waits for the scanner and there is time."""
        while not self._stopping():
            left = self._end - time.monotonic()
            if left <= 0:
                raise ScannerAway("no verdict in time")
            self._socket.settimeout(min(left, SLICE))
            try:
                return step()
            except TimeoutError:
                continue
        raise ScannerAway("not waited for: the server stops")
