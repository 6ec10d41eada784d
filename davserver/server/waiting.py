"""The connections that wait for their client, and the door through which new ones come."""

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from davserver.server.balance import Loads
from davserver.server.connection import Connection, Step

if TYPE_CHECKING:
    from davserver.server.http_server import Server

log = logging.getLogger("davserver.server")


@dataclass(frozen=True)
class Door:
    """The listening socket as the worker at ``place`` uses it, beside the others."""

    listener: socket.socket
    loads: Loads
    place: int


_SWEEP = 0.5  # seconds between two looks at the deadlines
_NO_FILES_PAUSE = 0.1  # seconds without new connections when none can be opened
# Seconds for which a new connection is left to the other workers, then taken in any case:
_HEAVIER = 0.005  # by a worker that has more connections than another one
_FULL = 0.02  # by a worker whose threads are all busy
_REPEAT = 60.0  # seconds before the same complaint is logged again


class Waiting:
    """All connections of a worker that hold no thread, and the listening socket.

    One thread calls ``turn`` over and over; only it takes connections out again and closes them.
    Any thread may bring one in by ``keep`` and ``linger``, and has done with it then.

    The workers share one listening socket. The kernel wakes all of them for a new connection and
    the quickest has it, which may well be the same each time; clients keep their connections, so
    that one worker would then serve them all. Hence who has more than another waits a moment.
    """

    def __init__(self, server: "Server", door: Door, most: int) -> None:
        """At most ``most`` connections wait; one more, and the one that has waited longest goes."""
        self._server = server
        self._door = door
        self._most = most
        self._open = 0
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._waiting: dict[int, Connection] = {}  # in the order in which they began to wait
        self._listening = False
        self._listen_from = 0.0
        self._next_sweep = 0.0
        self._complained = -_REPEAT

    def watch(self, descriptor: int, then: Callable[[], None]) -> None:
        """Call ``then`` in a turn in which ``descriptor`` can be read."""
        self._selector.register(descriptor, selectors.EVENT_READ, then)

    def keep(self, connection: Connection) -> None:
        """Take back a connection whose request was answered. It may be ready at once again."""
        connection.rest()
        self._advance(connection)

    def linger(self, connection: Connection) -> None:
        """Take a connection that is to end, once its client has had time to read."""
        try:
            connection.begin_lingering()
        except OSError:
            self._drop(connection)
        else:
            self._remember(connection)

    def turn(self, longest: float) -> None:
        """Do what can be done now, or within ``longest`` seconds."""
        now = time.monotonic()
        if not self._listening and self._server.ready and now >= self._listen_from:
            self._selector.register(self._door.listener, selectors.EVENT_READ, self._accept)
            self._listening = True
        elif not self._listening:
            longest = min(longest, max(self._listen_from - now, 0.01))
        for key, _ in self._selector.select(min(longest, _SWEEP)):
            if not isinstance(key.data, Connection):
                key.data()
            # Else it went while an earlier one of this turn was dealt with.
            elif self._waiting.get(key.fd) is key.data:
                self._progress(key.data)
        self._sweep()

    def stop_accepting(self) -> None:
        """Close the door, and every connection that has not brought a whole head by now."""
        self._pause(0)
        self._door.loads.leave(self._door.place)
        self._door.listener.close()
        for connection in self._all():
            if not connection.lingering:
                self._advance(connection)
        for connection in self._all():
            if not connection.lingering:
                self._forget(connection)
                self._drop(connection)

    def _pause(self, seconds: float) -> None:
        if self._listening:
            self._selector.unregister(self._door.listener)
            self._listening = False
        self._listen_from = time.monotonic() + seconds

    def _accept(self) -> None:
        if self._leave_to_others():
            return
        try:
            sock, address = self._door.listener.accept()
        except (BlockingIOError, ConnectionError):
            return  # another worker was faster, or the client has left
        except OSError as error:
            self._lack(error)
            return
        try:
            connection = Connection(self._server, sock, address)
        except OSError:  # gone already
            sock.close()
            return
        self._count(1)
        self._advance(connection)

    def _leave_to_others(self) -> bool:
        """Whether another worker should have the next connection: it is given a moment for it."""
        least = self._door.loads.others(self._door.place)
        if least is None:
            return False
        if time.monotonic() < self._listen_from + _HEAVIER:
            # The moment was given and nobody has taken it.
            self._listen_from = 0.0
            return False
        if not self._server.requests.idle:
            self._pause(_FULL)
        elif self._open > least:
            self._pause(_HEAVIER)
        return not self._listening

    def _count(self, change: int) -> None:
        with self._lock:
            self._open += change
            self._door.loads.tell(self._door.place, self._open)

    def _lack(self, error: OSError) -> None:
        """No file descriptor is left: end the oldest connection, and do not try again at once."""
        now = time.monotonic()
        if now - self._complained > _REPEAT:
            self._complained = now
            log.warning("no new connection can be opened: %s", error.strerror)
        self._drop_oldest(1)
        self._pause(_NO_FILES_PAUSE)

    def _progress(self, connection: Connection) -> None:
        if not connection.lingering:
            self._advance(connection)
        elif connection.discard() is Step.GONE:
            self._forget(connection)
            self._drop(connection)

    def _advance(self, connection: Connection) -> None:
        step = connection.advance()
        if step is Step.WAIT:
            self._remember(connection)
            return
        self._forget(connection)
        if step is Step.READY:
            self._server.requests.put(connection)
        else:
            self._drop(connection)

    def _remember(self, connection: Connection) -> None:
        with self._lock:
            if self._waiting.get(connection.fileno) is not connection:
                self._waiting[connection.fileno] = connection
                self._selector.register(connection.fileno, selectors.EVENT_READ, connection)

    def _forget(self, connection: Connection) -> None:
        with self._lock:
            if self._waiting.get(connection.fileno) is connection:
                del self._waiting[connection.fileno]
                self._selector.unregister(connection.fileno)

    def _all(self) -> list[Connection]:
        with self._lock:
            return list(self._waiting.values())

    def _sweep(self) -> None:
        self._drop_oldest(len(self._waiting) - self._most)
        now = time.monotonic()
        if now < self._next_sweep:
            return
        self._next_sweep = now + _SWEEP
        for connection in self._all():
            if connection.deadline < now:
                self._forget(connection)
                connection.expire()
                self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        connection.drop()
        self._count(-1)

    def _drop_oldest(self, count: int) -> None:
        for connection in self._all()[:count] if count > 0 else ():
            self._forget(connection)
            self._drop(connection)
