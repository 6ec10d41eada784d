"""How the workers share the connections that come in."""

import mmap

_ABSENT = (1 << 64) - 1


class Loads:
    """How many connections each worker has open, in memory that all of them share.

    Made before the fork. Each count is written by one process only, the worker itself, or the
    parent while there is none; eight aligned bytes are written at once, so nothing is locked.
    """

    def __init__(self, workers: int) -> None:
        self._counts = memoryview(mmap.mmap(-1, 8 * workers)).cast("Q")
        for place in range(workers):
            self.leave(place)

    def leave(self, place: int) -> None:
        """Say that the worker at ``place`` is not serving."""
        self._counts[place] = _ABSENT

    def tell(self, place: int, count: int) -> None:
        """Say how many connections the worker at ``place`` has open."""
        self._counts[place] = count

    def others(self, place: int) -> int | None:
        """The least that another worker than that at ``place`` has open; None without another."""
        counts = [count for other, count in enumerate(self._counts) if other != place]
        least = min(counts, default=_ABSENT)
        return None if least == _ABSENT else least
