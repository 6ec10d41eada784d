"""How the workers share the connections that come in."""

import mmap
import os
from contextlib import suppress

# A worker whose threads are all busy is heavier than any that has a thread to spare.
FULL = 1 << 32
ABSENT = (1 << 64) - 1  # more than any load


class Loads:
    """The load of the worker at each place, in memory that all of them share: its open connections,
    and FULL.

    Made before the fork. Each number is written by one process only, the worker itself, or the
    parent while there is none; its eight aligned bytes are written at once, so nothing is locked.
    Each worker has a bell too, by which the others offer it a connection that it does not await.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._loads = memoryview(mmap.mmap(-1, 8 * places)).cast("Q")
        self._bells = [os.pipe() for _ in range(places)]
        for place, ends in enumerate(self._bells):
            self.leave(place)
            for end in ends:
                os.set_blocking(end, False)

    def leave(self, place: int) -> None:
        """Say that there is no worker at ``place``, or none that accepts."""
        self._loads[place] = ABSENT

    def tell(self, place: int, load: int) -> None:
        """Say what the worker at ``place`` has to do."""
        self._loads[place] = load

    def own(self, place: int) -> int:
        """The load of the worker at ``place``, as it was told."""
        return self._loads[place]

    def lightest_other(self, place: int) -> tuple[int, int]:
        """The least load of another worker, and its place; ABSENT when there is no other."""
        others = ((load, other) for other, load in enumerate(self._loads) if other != place)
        return min(others, default=(ABSENT, place))

    def ring(self, place: int) -> None:
        """Offer a connection to the worker at ``place``."""
        with suppress(BlockingIOError):  # it was rung so often that it will wake up in any case
            os.write(self._bells[place][1], b"!")

    def bell(self, place: int) -> int:
        """The descriptor that can be read when the worker at ``place`` is rung."""
        return self._bells[place][0]

    def close(self) -> None:
        """Give back the descriptors of the bells."""
        for ends in self._bells:
            for end in ends:
                os.close(end)
