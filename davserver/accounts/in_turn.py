"""What is asked many times at once is examined once: the others wait for what comes of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Condition

from davserver.errors import Busy

WAITING = 32  # threads of one process that wait here: as many as one address may have of them


class InTurn:
    """Lets one thread at a time in for each key. A drive that is mounted anew, or a client that
    sends fifty files side by side, asks with one password on all its connections at once."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside: set[bytes] = set()
        self._places = BoundedSemaphore(WAITING)

    @contextmanager
    def of(self, key: bytes) -> Iterator[None]:
        """Wait until no other thread is in for ``key``. Raises Busy where too many wait."""
        with self._changed:
            if key in self._inside:
                self._wait(key)
            self._inside.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._inside.remove(key)
                self._changed.notify_all()

    def _wait(self, key: bytes) -> None:
        if not self._places.acquire(blocking=False):
            raise Busy("Trop de connexions à la fois : réessayez dans quelques secondes.")
        try:
            while key in self._inside:
                self._changed.wait()
        finally:
            self._places.release()
