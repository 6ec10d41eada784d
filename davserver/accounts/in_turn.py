"""What is asked many times at once is examined once: the others wait for what comes of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Condition

from davserver.errors import Busy

INSIDE = 40  # threads of one process: the others are for those who are logged in


class InTurn:
    """Lets one thread at a time in for each key. A drive that is mounted anew, or a client that
    sends fifty files side by side, asks with one password on all its connections at once."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside: set[bytes] = set()
        self._places = BoundedSemaphore(INSIDE)

    @contextmanager
    def of(self, key: bytes) -> Iterator[None]:
        """Wait until no other thread is in for ``key``. Raises Busy where too many are here."""
        if not self._places.acquire(blocking=False):
            raise Busy("Trop de connexions à la fois : réessayez dans quelques secondes.")
        try:
            with self._changed:
                self._changed.wait_for(lambda: key not in self._inside)
                self._inside.add(key)
            try:
                yield
            finally:
                with self._changed:
                    self._inside.remove(key)
                    self._changed.notify_all()
        finally:
            self._places.release()
