"""What time it is: the machine's clock, without its jumps.

A wrong time server or a hand may set the clock of a machine a day back or ten years on. Locks,
reservations, the deadline and the sweep go by the clock, and deposits are dated by it: a jump is
not believed before it has stood for a while.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from mmap import mmap

log = logging.getLogger("davserver.clock")

STANDS = 600.0  # seconds that a jump must have stood to be believed
TOLERANCE = 2.0  # seconds that the clock may be set by, at once, without being said to jump
# Goes on while the machine sleeps, where there is such a clock.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """UTC as it is called: shared by the threads of a process and by its forks.

    It never goes back, but when a jump backwards is believed; then for all at once.
    """

    def __init__(
        self,
        machine: Callable[[], float] = time.time,
        steady: Callable[[], float] = lambda: time.clock_gettime(_STEADY),
    ) -> None:
        self._machine = machine
        self._steady = steady
        self._lock = threading.Lock()
        # How much the time is ahead of the steady clock (seconds), in memory that forks share.
        self._ahead = memoryview(mmap(-1, 8)).cast("d")
        self._ahead[0] = machine() - steady()
        self._last = machine()  # seconds since 1970
        self._jump = 0.0  # seconds that the machine's clock is off, since…
        self._jumped = 0.0  # … then, by the steady clock

    def __call__(self) -> datetime:
        with self._lock:
            seconds = self._look()
            # Further back than what is tolerated it goes only by a jump that is believed.
            self._last = seconds if seconds < self._last - TOLERANCE else max(self._last, seconds)
            return datetime.fromtimestamp(self._last, UTC)

    def _look(self) -> float:
        machine, steady = self._machine(), self._steady()
        counted = steady + self._ahead[0]
        off = machine - counted
        if abs(off) > TOLERANCE:
            if abs(off - self._jump) > TOLERANCE:
                self._jump, self._jumped = off, steady
                log.error("the clock has jumped by %.0f s: not believed for %.0f s", off, STANDS)
            if steady - self._jumped < STANDS:
                return counted
            log.error("the jump of the clock by %.0f s has stood: it is believed", off)
        self._jump = 0.0
        self._ahead[0] = machine - steady
        return machine
