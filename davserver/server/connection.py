"""One connection of a client: handshake, head, request after request, and the polite end."""

import enum
import select
import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cheroot.server import HTTPConnection

from davserver.server.addresses import origin
from davserver.server.bodies import Body, BrokenBody
from davserver.server.head import end_of_head, has_endless_line, may_begin_head
from davserver.server.leftover import Leftover
from davserver.server.request import Request
from davserver.server.streams import NOT_YET, ClientTooSlow, Incoming, Outgoing, Pace

if TYPE_CHECKING:
    from davserver.server.http_server import Server

_HEAD_SECONDS = 10.0  # for a TLS handshake, and for a head from its first byte on
_SOON = 0.002  # seconds in which a program asks that has only waited for the answer
_LINGER_SECONDS = 30.0  # for a client that still sends what nobody reads, to read its answer…
_LINGER_PAUSE = 5.0  # … if it does not pause so long
_DISCARDED_AT_ONCE = 65_536  # bytes
_TLS_HANDSHAKE = b"\x16"  # what a TLS client begins with
_PAUSES_IN_A_WINDOW = 2  # a client may say nothing for half of the time over which its pace counts
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 30\r\n"
    b"Connection: close\r\n\r\n"
)


class Step(enum.Enum):
    """What a look at a waiting connection finds."""

    WAIT = enum.auto()
    READY = enum.auto()  # a whole head, or so much that it will be refused
    DONE = enum.auto()  # it is to end politely
    GONE = enum.auto()


class Connection(HTTPConnection):
    """A connection that takes a thread only when the head of a request is there.

    Until then, and again between two requests that do not follow at once, its socket does not block
    and one thread looks after all of them (see ``Waiting``): a client that is slow to shake hands,
    to begin or to end its head or to send a body that was refused costs nobody anything.
    ``deadline``, on the monotonic clock, is when waiting for it ends.
    """

    server: "Server"
    rfile: Incoming
    wfile: Outgoing

    def __init__(self, server: "Server", sock: socket.socket, address: Any) -> None:
        # Not cheroot's own __init__: its caches for UNIX sockets keep each connection in a cycle.
        self.server = server
        self.socket = sock
        self.rfile, self.wfile = Incoming(sock), Outgoing(sock)
        self.requests_seen = 0
        # An IPv4 client has one address, also where one socket listens to both families.
        self.remote_addr = address[0].removeprefix("::ffff:")
        self.remote_port = address[1]
        self.origin = origin(self.remote_addr)
        self.fileno = sock.fileno()
        self.head = b""
        self.secure = False
        self.plain_on_tls = False
        self.lingering = False
        self._tls = server.tls  # None once the handshake is over, or where there is none
        self._leftover: Leftover | None = None  # what the last request's body still has
        self._last = False  # no other request is read
        self._searched = 0  # how far the end of a head was looked for
        self._last_deadline = 0.0
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        self.deadline = time.monotonic() + (self._head_seconds if self._tls else server.timeout)

    @property
    def idle(self) -> bool:
        """Whether its client has had an answer and wants nothing: it can be closed at any time."""
        busy = self._leftover or self._last or self.lingering or self.rfile.held
        return self.requests_seen > 0 and not busy

    def pace(self) -> Pace:
        """How fast a body must come here."""
        return Pace(self.server.min_body_rate, _PAUSES_IN_A_WINDOW * float(self.server.timeout))

    def leave(self, body: Body) -> None:
        """Have what is left of an abandoned body thrown away, once its answer was sent."""
        if not body.complete:
            self._leftover = Leftover(self.rfile, body, self.pace())

    def rest(self, *, last: bool) -> None:
        """Begin to wait for the next request; the ``last`` one was answered: for the end."""
        self._last = last
        self.socket.setblocking(False)
        seconds = self._head_seconds if self.rfile.held else self.server.timeout
        self.deadline = time.monotonic() + seconds

    def advance(self) -> Step:
        """Take what the client has sent by now, without waiting for more."""
        try:
            if self._tls is not None:
                self._shake_hands(self._tls)
            if self._leftover is not None and not self._throw_away(self._leftover):
                return Step.WAIT
            if self._last:
                return Step.DONE
            while not self._take_head():
                begun = bool(self.rfile.held)
                if not self.rfile.collect():
                    return Step.GONE
                if not begun:
                    self.deadline = time.monotonic() + self._head_seconds
        # TLS that wants to write is not waited for as such: its few packets fit into any send
        # buffer, and a client that keeps them from leaving meets the deadline.
        except NOT_YET:
            return Step.WAIT
        except (BrokenBody, ClientTooSlow):
            return Step.DONE
        except OSError:
            return Step.GONE
        return Step.READY

    def communicate(self) -> bool:
        """Serve the request whose head is there, and those that follow at once; whether the
        connection may wait for another."""
        while True:
            self.requests_seen += 1
            self.socket.settimeout(self.server.timeout)
            if not Request(self.server, self).answer():
                return False
            if not self._is_followed():
                return True

    def close(self) -> None:
        """End the connection politely (called by cheroot's threads). Never raises."""
        self.server.waiting.keep(self, last=True)

    def turn_away(self) -> None:
        """Tell a client that has too many connections already."""
        if self._tls is None:
            with suppress(OSError):
                self.socket.send(_TOO_MANY)

    def expire(self) -> None:
        """Tell a client whose head did not come in time."""
        if self.rfile.held and not self.lingering and self._leftover is None:
            with suppress(OSError):
                self.socket.send(_TOO_SLOW)

    def begin_lingering(self) -> None:
        """Say that no more is sent, and give the client time to read the answer.

        A close while its bytes are still unread would reset the connection, and the answer with it
        (RFC 9112 §9.6). Raises OSError when the client is gone.
        """
        self.lingering = True
        self.rfile.close()
        self.socket.setblocking(False)
        if isinstance(self.socket, ssl.SSLSocket):
            # Sends the closing alert; the client's own is not waited for.
            with suppress(OSError, ValueError):
                self.socket.unwrap()
        self.socket.shutdown(socket.SHUT_WR)
        now = time.monotonic()
        self._last_deadline = now + _LINGER_SECONDS
        self.deadline = now + _LINGER_PAUSE

    def discard(self) -> Step:
        """Throw away what a lingering client has sent by now."""
        try:
            if not self.socket.recv(_DISCARDED_AT_ONCE):
                return Step.GONE
        except NOT_YET:
            return Step.WAIT
        except (OSError, MemoryError):
            return Step.GONE
        self.deadline = min(time.monotonic() + _LINGER_PAUSE, self._last_deadline)
        return Step.WAIT

    def drop(self) -> None:
        """Close at once. Never raises."""
        self.rfile.close()
        with suppress(OSError):
            self.socket.close()

    @property
    def _head_seconds(self) -> float:
        return min(_HEAD_SECONDS, float(self.server.timeout))

    def _is_followed(self) -> bool:
        """Whether the head of the next request is here so soon that to hand the connection over to
        the thread that looks after all of them, and to get it back, would take longer."""
        if self._leftover is not None or not self.server.waiting.spares_thread(self.origin):
            return False
        self.rest(last=False)
        end = time.monotonic() + _SOON
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        while (step := self.advance()) is Step.WAIT:
            left = end - time.monotonic()
            if left <= 0 or not poll.poll(left * 1_000):
                break
        return step is Step.READY

    def _throw_away(self, leftover: Leftover) -> bool:
        """Whether nothing is left of a body that was refused. Raises what reading it raises."""
        now = time.monotonic()
        if not leftover.throw_away():
            self.deadline = min(now + self.server.timeout, leftover.end)
            return False
        self._leftover = None
        self.deadline = now + self.server.timeout
        return True

    def _shake_hands(self, tls: ssl.SSLContext) -> None:
        if not isinstance(self.socket, ssl.SSLSocket):
            first = self.socket.recv(1, socket.MSG_PEEK)
            if first and first != _TLS_HANDSHAKE:
                # Its request is read as it is, to be refused in words that the client understands.
                self.plain_on_tls = True
                self._tls = None
                return
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
            self.rfile.socket = self.wfile.socket = self.socket
        self.socket.do_handshake()
        self._tls = None
        self.secure = True
        self.ssl_env = {"HTTPS": "on"}
        self.deadline = time.monotonic() + self.server.timeout

    def _take_head(self) -> bool:
        held, most = self.rfile.held, self.server.max_request_header_size
        # Empty lines before a request are left over from sloppy clients (RFC 9112 §2.2).
        while held.startswith(b"\r\n"):
            del held[:2]
        end = end_of_head(held, self._searched - 3)
        if 0 <= end <= most:
            self.head = bytes(held[:end])
            del held[:end]
        elif (
            len(held) > most
            or has_endless_line(held)
            or (held and held != b"\r" and not may_begin_head(held))
        ):
            self.head = bytes(held[:most])
            held.clear()
        else:
            self._searched = len(held)
            return False
        self._searched = 0
        return True
