"""The connections that wait for their client, and the door through which new ones come."""

import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from davserver.server.addresses import Addresses
from davserver.server.balance import ABSENT, FULL, Loads
from davserver.server.connection import Connection, Step
from davserver.server.listening import BACKLOG
from davserver.server.request import where

if TYPE_CHECKING:
    from davserver.server.http_server import Server

log = logging.getLogger("davserver.server")

_SWEEP = 0.5  # seconds between two looks at the deadlines
_NO_FILES_PAUSE = 0.1  # seconds without new connections when none can be opened
# Seconds for which a new connection is left to the other workers, then taken in any case:
_HEAVIER = 0.005  # by a worker that has more connections than another one
_FULL = 0.1  # by a worker whose threads are all busy, while another has one to spare
_REPEAT = 60.0  # seconds before the same complaint is logged again
_TURNED_AWAY = 32  # connections of one address, beyond those it may have, that are told so
_FILES_SPARED = 32  # descriptors for the requests of the others, when there was none left


@dataclass(frozen=True)
class Door:
    """The listening socket as the worker at ``place`` uses it, beside the others."""

    listener: socket.socket
    loads: Loads
    place: int


class Waiting:
    """All connections of a worker that hold no thread, and the listening socket.

    One thread calls ``turn`` over and over; only it takes connections out again and closes them.
    Any thread may bring one in by ``keep``, and has done with it then.

    The workers share one listening socket. The kernel wakes all of them for a new connection and
    the quickest has it, which may well be the same each time; clients keep their connections, so
    that one worker would then serve them all. Hence who has more than another waits a moment.
    """

    def __init__(self, server: "Server", door: Door, most: int, addresses: Addresses) -> None:
        """At most ``most`` connections wait; one more, and the one that has waited longest goes."""
        self._server = server
        self._door = door
        self._most = most
        self._addresses = addresses
        self._open = 0
        self._served = 0
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._waiting: dict[int, Connection] = {}  # in the order in which they began to wait
        self._listening = False
        self._listen_from = 0.0
        self._next_sweep = 0.0
        self._complained = -_REPEAT
        self.watch(door.loads.bell(door.place), self._rung)

    def watch(self, descriptor: int, then: Callable[[], None]) -> None:
        """Call ``then`` in a turn in which ``descriptor`` can be read."""
        self._selector.register(descriptor, selectors.EVENT_READ, then)

    def keep(self, connection: Connection, *, last: bool) -> None:
        """Take back a connection whose request was answered. It may be ready at once again, but if
        that was its ``last`` request it ends, once its client has had time to read."""
        self._count(served=-1)
        next_one = self._addresses.end(connection.origin)
        if next_one is not None:
            self._serve(next_one)
        connection.rest(last=last)
        self._advance(connection)

    def spares_thread(self, address: str) -> bool:
        """Whether a thread may wait a moment for a client of ``address`` that may ask again at
        once: half of them are free, and no other connection of the address waits for one."""
        half_free = 2 * self._served <= self._server.numthreads
        return half_free and self._server.ready and not self._addresses.is_queued(address)

    def turn(self, longest: float) -> None:
        """Do what can be done now, or within ``longest`` seconds."""
        if not self._listening and self._server.ready:
            longest = min(longest, self._listen_again())
        for key, _ in self._selector.select(min(longest, _SWEEP)):
            if not isinstance(key.data, Connection):
                key.data()
            # Else it went while an earlier one of this turn was dealt with.
            elif self._waiting.get(key.fd) is key.data:
                self._progress(key.data)
        self._sweep()

    @property
    def has_some(self) -> bool:
        """Whether there is a connection whose client may still ask something."""
        return self.serves_some or any(not connection.lingering for connection in self._all())

    @property
    def serves_some(self) -> bool:
        """Whether there is a request that is not answered yet."""
        return self._served > 0

    def close_door(self) -> None:
        """Take those who have come, and no new connection any more, once the server is no longer
        ready."""
        self._pause(0)
        for _ in range(BACKLOG):  # the kernel has let them in: closed upon, their requests are lost
            if not self._accept():
                break
        self._selector.unregister(self._door.loads.bell(self._door.place))
        with self._lock:  # nobody tells a load after that: the place may be another's
            self._door.loads.leave(self._door.place)
        self._door.listener.close()

    def part(self) -> None:
        """Close every connection that has not brought a whole head by now."""
        for connection in self._all():
            if not connection.lingering:
                self._advance(connection)
        for connection in self._addresses.queued():
            self._serve(connection)
        for connection in self._all():
            if not connection.lingering:
                self._forget(connection)
                self._drop(connection)

    def _pause(self, seconds: float) -> None:
        if self._listening:
            self._selector.unregister(self._door.listener)
            self._listening = False
        self._listen_from = time.monotonic() + seconds

    def _listen_again(self) -> float:
        """Open the door if its pause is over; for how many seconds it stays closed."""
        left = self._listen_from - time.monotonic()
        if left > 0:
            return left
        self._selector.register(self._door.listener, selectors.EVENT_READ, self._offered)
        self._listening = True
        self._count()
        # What is here by now was left to the others, and none has taken it. If all are full, taking
        # one after each pause would be too slow.
        most = self._server.numthreads if self._served >= self._server.numthreads else 1
        while most and self._accept():
            most -= 1
        return 0.0

    def _offered(self) -> None:
        """A new connection is there: take it, unless another worker should."""
        loads, place = self._door.loads, self._door.place
        own = loads.own(place)
        least, lightest = loads.lightest_other(place)
        # Of full workers all wait: one may have answered already, and is about to say so.
        if own > least or (own >= FULL and least < ABSENT):
            self._pause(_FULL if own >= FULL > least else _HEAVIER)
            loads.ring(lightest)
        else:
            self._accept()

    def _rung(self) -> None:
        """Another worker, heavier than this one, leaves a connection to it: end the pause."""
        loads, place = self._door.loads, self._door.place
        os.read(loads.bell(place), 1_024)
        if loads.own(place) < FULL:
            self._listen_from = 0.0

    def _accept(self) -> bool:
        """Take a new connection; whether there may be another one."""
        try:
            sock, address = self._door.listener.accept()
        except BlockingIOError:
            return False  # another worker was faster
        except ConnectionError:
            return True  # the client has left
        except OSError as error:
            self._lack(error)
            return False
        try:
            connection = Connection(self._server, sock, address)
        except OSError:  # gone already
            sock.close()
            return True
        self._count(opened=1)
        excess = self._addresses.came(connection.origin)
        if excess <= 0 or self._make_room(connection.origin):
            self._advance(connection)
        elif excess <= _TURNED_AWAY:
            connection.turn_away()
            self._linger(connection)
        else:
            self._drop(connection)
        return True

    def _make_room(self, address: str) -> bool:
        """End the longest idle connection of an address that has too many; whether there was one.

        Its client loses nothing: it opens another when it wants something.
        """
        for connection in self._all():
            if connection.origin == address and connection.idle:
                self._forget(connection)
                self._drop(connection)
                return True
        return False

    def _count(self, *, opened: int = 0, served: int = 0) -> None:
        """Note a change in the connections that are open, and in those that hold a thread."""
        with self._lock:
            self._open += opened
            self._served += served
            if self._server.ready:
                full = FULL if self._served >= self._server.numthreads else 0
                self._door.loads.tell(self._door.place, self._open + full)

    def _lack(self, error: OSError) -> None:
        """No file descriptor is left: end some connections, and do not try again at once."""
        now = time.monotonic()
        if now - self._complained > _REPEAT:
            self._complained = now
            log.warning("no new connection can be opened: %s", error.strerror)
        # Those that are about to send something are spared as long as others wait for nothing.
        idle = sum(connection.idle for connection in self._all())
        self._drop_oldest(min(idle, _FILES_SPARED) or _FILES_SPARED)
        self._pause(_NO_FILES_PAUSE)

    def _progress(self, connection: Connection) -> None:
        if not connection.lingering:
            self._advance(connection)
        elif connection.discard() is Step.GONE:
            self._forget(connection)
            self._drop(connection)

    def _advance(self, connection: Connection) -> None:
        try:
            step = connection.advance()
        except Exception as error:  # no client may bring down the worker of all
            log.error("%s: connection failed: %s", connection.remote_addr, where(error))
            step = Step.GONE
        if step is Step.WAIT:
            self._remember(connection)
            return
        self._forget(connection)
        if step is Step.DONE:
            self._linger(connection)
        elif step is Step.GONE:
            self._drop(connection)
        elif self._addresses.begin(connection):
            self._serve(connection)

    def _serve(self, connection: Connection) -> None:
        self._count(served=1)
        self._server.requests.put(connection)

    def _linger(self, connection: Connection) -> None:
        """Let its client read the answer, and close then."""
        try:
            connection.begin_lingering()
        except OSError:
            self._drop(connection)
        else:
            self._remember(connection)

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
        self._addresses.went(connection.origin)
        self._count(opened=-1)

    def _drop_oldest(self, count: int) -> None:
        """End those that have waited longest, idle ones first."""
        if count <= 0:
            return
        for connection in sorted(self._all(), key=lambda one: not one.idle)[:count]:
            self._forget(connection)
            self._drop(connection)
