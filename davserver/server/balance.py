"""How the workers share the connections that come in."""

import mmap

# A worker whose threads are all busy is heavier than any that has a thread to spare.
FULL = 1 << 32
ABSENT = (1 << 64) - 1  # more than any load


class Loads:
    """The load of each worker, in memory that all of them share: its open connections, and FULL.

    Made before the fork. Each number is written by one process only, the worker itself, or the
    parent while there is none; its eight aligned bytes are written at once, so nothing is locked.
    """

    def __init__(self, workers: int) -> None:
        self._loads = memoryview(mmap.mmap(-1, 8 * workers)).cast("Q")
        for place in range(workers):
            self.leave(place)

    def leave(self, place: int) -> None:
        """Say that there is no worker at ``place``, or none that accepts."""
        self._loads[place] = ABSENT

    def tell(self, place: int, load: int) -> None:
        """Say what the worker at ``place`` has to do."""
        self._loads[place] = load

    def own(self, place: int) -> int:
        """The load of the worker at ``place``, as it was told."""
        return self._loads[place]

    def least_other(self, place: int) -> int:
        """The least load of another worker; ABSENT when there is no other."""
        others = (load for other, load in enumerate(self._loads) if other != place)
        return min(others, default=ABSENT)
