"""New workers for old, one after the other: the new one is proven before the old one leaves."""

import logging
import math
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from davserver.server.balance import ABSENT, Loads

LEAVING = signal.SIGUSR1  # to a worker: end what is begun, however long it lasts
_LOOK = 0.05  # seconds from one look to the next, meanwhile
_TO_BEGIN = 60.0  # seconds that a new worker has to take connections
_TO_CLOSE = 15.0  # seconds that an old one has to take none any more

log = logging.getLogger("davserver.server")


class Followed:
    """The workers that are to be followed, and those that have been and are not at their end yet.

    A new worker starts at the spare place. When it takes connections, an old one is told to leave;
    when that one takes none any more, its place is the spare one. It has no place from then on: it
    only ends what it has begun.
    """

    def __init__(self, loads: Loads, places: dict[int, int]) -> None:
        """``places``: those of the workers that take connections or are to, by process ids; kept up
        to date by the parent and here."""
        self._loads = loads
        self._places = places
        self._waiting: deque[int] = deque()
        self._new: int | None = None  # one that has begun and takes no connections yet
        self._old: int | None = None  # the one that it follows
        self._until = 0.0
        self.leaving: set[int] = set()

    @property
    def next_look(self) -> float:
        """When to go on, on the monotonic clock."""
        return time.monotonic() + _LOOK if self.busy else math.inf

    @property
    def busy(self) -> bool:
        """Whether somebody is to be followed, or is being followed."""
        return bool(self._waiting) or self._old is not None

    def begin(self, workers: Iterable[int]) -> None:
        """Have these workers followed (process ids), after those that are to be by now."""
        known = {self._old, *self._waiting}
        self._waiting.extend(pid for pid in workers if pid not in known)

    def go_on(self, fork: Callable[[int], int], due: Collection[int]) -> None:
        """Take the next step, if it is time. ``fork`` starts a worker at a place and returns its
        process id; raises OSError. ``due``: the places at which one that died is to be replaced."""
        if self._old is None:
            self._start_next(fork, due)
        elif self._new is not None:
            if self._loads.own(self._places[self._new]) != ABSENT:
                self._new, self._until = None, time.monotonic() + _TO_CLOSE
                _send(self._old, LEAVING)
            elif time.monotonic() > self._until:
                log.error("worker %d does not begin: it is ended", self._new)
                _send(self._new, signal.SIGKILL)
        elif self._loads.own(self._places[self._old]) == ABSENT:
            del self._places[self._old]
            self.leaving.add(self._old)
            self._old = None
        elif time.monotonic() > self._until:
            log.error("worker %d does not leave: it is ended", self._old)
            _send(self._old, signal.SIGKILL)

    def has_failed(self, pid: int) -> bool:
        """Whether this worker, which has ended, was a new one that never took a connection: no
        other is followed then."""
        if pid != self._new:
            return False
        self._new = self._old = None
        self._waiting.clear()
        return True

    def has_left(self, pid: int) -> bool:
        """Whether this worker, which has ended, has been followed by another, or is now."""
        if pid == self._old:
            self._old = self._new = None
            return True
        known = pid in self.leaving
        self.leaving.discard(pid)
        return known

    def _start_next(self, fork: Callable[[int], int], due: Collection[int]) -> None:
        while self._waiting:
            pid = self._waiting.popleft()
            if pid in self._places:  # else it has died, and was replaced by a new one
                taken = {*self._places.values(), *due}
                spare = next(p for p in range(self._loads.places) if p not in taken)
                try:
                    self._new = fork(spare)
                except OSError as error:
                    log.error("a worker could not be forked: %s", error.strerror)
                    self._waiting.clear()
                    return
                self._old, self._until = pid, time.monotonic() + _TO_BEGIN
                return


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
