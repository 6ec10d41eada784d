"""The two directions of a connection, as the request reader and the gateway use them.

cheroot's own are the pure Python ones of ``_pyio``, which copy each block several times; here the
bytes of a body go from the socket into the application's buffer.
"""

import socket
import time

_COLLECTED = 16_384  # bytes taken at once while a head is collected
_SENT = 65_536  # bytes given to the socket at once: each has the whole timeout to leave
_GRACE = 20.0  # seconds that a body may keep a thread waiting, besides…
_SLOWEST = 500  # … a second for so many bytes


class ClientGone(ConnectionError):
    """The connection broke: nobody is left to answer."""


class ClientTooSlow(TimeoutError):
    """The client let the timeout pass, or sends less than a thread is worth."""


class Incoming:
    """What the client sends. ``socket`` may be replaced by its TLS wrapping while nothing is held.

    ``closed`` and ``close`` are what cheroot's thread pool asks of a reading file.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.held = bytearray()
        self.closed = False
        self._waited = 0.0
        self._received = 0

    def collect(self) -> bool:
        """Hold what has come by now; False at the end of the stream.

        For a socket that does not block; raises what such a socket raises when nothing has come.
        """
        data = self.socket.recv(_COLLECTED)
        self.held += data
        return bool(data)

    def begin_body(self) -> None:
        """Start the account of the time that a body keeps its thread waiting."""
        self._waited = 0.0
        self._received = 0

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
        begun = time.monotonic()
        try:
            count = self.socket.recv_into(view)
        except TimeoutError as error:
            raise ClientTooSlow from error
        except OSError as error:
            raise ClientGone from error
        self._waited += time.monotonic() - begun
        self._received += count
        if self._waited > _GRACE + self._received / _SLOWEST:
            raise ClientTooSlow
        return count


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
