"""New workers for old: one place after the other, so that always some of them take connections."""

import math
import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from davserver.server.balance import ABSENT, Loads

LEAVING = signal.SIGUSR1  # to a worker: end what is begun, however long it lasts
_LOOK = 0.05  # seconds from one look at who leaves to the next


class Followed:
    """The workers that are to be followed, and those that have been and are not at their end yet.

    A worker that is told to leave makes its place free as soon as it takes no more connections. The
    next one is told when the one that follows at that place takes them.
    """

    def __init__(self, loads: Loads) -> None:
        self._loads = loads
        self._waiting: deque[int] = deque()  # process ids
        self._told: set[int] = set()
        self._awaited: int | None = None  # the place that somebody leaves, or where one begins
        self._left = False  # whether that place is free

    @property
    def next_look(self) -> float:
        """When to ask again, on the monotonic clock."""
        busy = self._waiting or self._awaited is not None
        return time.monotonic() + _LOOK if busy else math.inf

    def begin(self, workers: Iterable[int]) -> None:
        """Have these workers followed (process ids), after those that are to be by now."""
        known = self._told.union(self._waiting)
        self._waiting.extend(pid for pid in workers if pid not in known)

    def has(self, pid: int) -> bool:
        """Whether this worker, which has ended, had been told to."""
        return pid in self._told

    def free(self, places: Mapping[int, int]) -> Iterator[int]:
        """Go on; the place, if there is one now, at which a new worker is to be started.
        ``places``: of the workers that live, by process ids."""
        self._told &= places.keys()
        if self._awaited is not None:
            here = self._loads.own(self._awaited) != ABSENT
            if not self._left and not here:
                self._left = True
                yield self._awaited
            elif self._left and here:
                self._awaited = None
        while self._awaited is None and self._waiting:
            pid = self._waiting.popleft()
            if pid in places:  # else it has died, and was replaced by a new one
                self._awaited, self._left = places[pid], False
                self._told.add(pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, LEAVING)
