"""The two directions of a connection, as the request reader and the gateway use them.

cheroot's own are the pure Python ones of ``_pyio``, which copy each block several times; here the
bytes of a body go from the socket into the application's buffer.
"""

import socket
import ssl
import time

_COLLECTED = 16_384  # bytes taken at once while a head is collected
_SENT = 65_536  # bytes given to the socket at once: each has the whole timeout to leave

# What a socket that does not block raises while there is nothing to read or no room to write.
NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ClientGone(ConnectionError):
    """The connection broke: nobody is left to answer."""


class ClientTooSlow(TimeoutError):
    """The client let the timeout pass, or sends less than it must."""


class Pace:
    """How fast a body comes: at least ``slowest`` bytes a second, window by window.

    A window is a time of waiting for the client, ``seconds`` long; what the server does with the
    bytes meanwhile is not the client's fault. Nothing that was sent before counts in it: else
    somebody could send much at once and trickle for hours.
    """

    def __init__(self, slowest: float, seconds: float) -> None:
        self._slowest = slowest
        self._seconds = seconds
        self._waited = 0.0
        self._received = 0

    def note(self, waited: float, received: int) -> None:
        """``received`` bytes came in ``waited`` seconds. Raises ClientTooSlow."""
        self._waited += waited
        self._received += received
        if self._waited >= self._seconds:
            if self._received < self._slowest * self._waited:
                raise ClientTooSlow
            self._waited, self._received = 0.0, 0


class Incoming:
    """What the client sends. ``socket`` may be replaced by its TLS wrapping while nothing is held.

    ``closed`` and ``close`` are what cheroot's thread pool asks of a reading file. Where the socket
    does not block, reading raises one of NOT_YET; nothing is lost, and it can be done again.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.held = bytearray()
        self.closed = False
        # While True, nothing more is taken from the network: only what came with it earlier.
        self.only_at_hand = False
        self._pace: Pace | None = None

    def collect(self) -> bool:
        """Hold what has come by now; False at the end of the stream.

        For a socket that does not block; raises what such a socket raises when nothing has come.
        """
        data = self.socket.recv(_COLLECTED)
        self.held += data
        return bool(data)

    def begin_body(self, pace: Pace) -> None:
        """From here on what is waited for counts in ``pace``."""
        self._pace = pace

    def readinto(self, view: memoryview) -> int:
        """Fill ``view`` as far as bytes are at hand, waiting for the first; 0 at the end.

        Raises ClientTooSlow, ClientGone.
        """
        if not self.held:
            return self._receive_into(view)
        count = min(len(view), len(self.held))
        view[:count] = self.held[:count]
        del self.held[:count]
        return count

    def readline(self, most: int) -> bytes:
        """A line with its LF: at most ``most`` bytes, without LF when longer or cut off.

        Raises ClientTooSlow, ClientGone.
        """
        seen = 0
        while (end := self.held.find(b"\n", seen, most) + 1) == 0 and len(self.held) < most:
            seen = len(self.held)
            piece = bytearray(_COLLECTED)
            count = self._receive_into(memoryview(piece))
            if not count:
                break
            self.held += piece[:count]
        line = bytes(self.held[: end or most])
        del self.held[: len(line)]
        return line

    def close(self) -> None:
        """Forget what is held. The socket is closed by its connection."""
        self.closed = True
        self.held.clear()

    def _receive_into(self, view: memoryview) -> int:
        if self.only_at_hand and not self._has_pending():
            raise BlockingIOError
        begun = time.monotonic()
        try:
            count = self.socket.recv_into(view)
        except NOT_YET:
            raise
        except TimeoutError as error:
            raise ClientTooSlow from error
        except OSError as error:
            raise ClientGone from error
        if self._pace is not None:
            self._pace.note(time.monotonic() - begun, count)
        return count

    def _has_pending(self) -> bool:
        """Whether TLS has decrypted something already."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0


class Outgoing:
    """What is sent to the client, at once but for a head, which leaves with its body's start."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._head = b""

    def hold(self, head: bytes) -> None:
        """Keep ``head`` for the next ``write`` or ``flush``: one packet for a short answer."""
        self._head = head

    def write(self, data: bytes) -> None:
        """Send ``data``. Raises ClientTooSlow, ClientGone."""
        head, self._head = self._head, b""
        if head and len(data) > _SENT:
            self._send(head)
        elif head:
            data = head + data
        self._send(data)

    def flush(self) -> None:
        """Send a head that is still held. Raises ClientTooSlow, ClientGone."""
        if self._head:
            self.write(b"")

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[self.socket.send(view[:_SENT]) :]
        except TimeoutError as error:
            raise ClientTooSlow from error
        except OSError as error:
            raise ClientGone from error
