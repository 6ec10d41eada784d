"""The queue of those who write to SQLite, which lets in one at a time.

SQLite's own waiting is a sleep of up to 100 ms, and another look; of two processes that write
without pause, one can look in vain for seconds. Here each comes in its turn. It is a courtesy, no
guard: SQLite itself keeps writers apart, those too that could not queue.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from davserver.errors import Unavailable
from davserver.model.away import AWAY

_PAUSE = 0.0005  # seconds from one look to the next
_PATIENCE = 1.0  # seconds in the queue: a process that was halted there must not stop all others
_NEXT, _INSIDE = 0, 1  # places in the queue, as bytes of its file
SUFFIX = "-writers"  # of the file's name, after the database's

log = logging.getLogger(__name__)


class Writers:
    """The queue for one database. Each process has one, and shares it among its threads.

    At its head stand one writer and the one who is next. Who has been inside and comes back finds
    somebody next, and waits: so two processes take turns. A process that ends, however it ends,
    leaves its places (they are locks of its file).
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(database.name + SUFFIX)
        self._ours = threading.Lock()  # the locks of a file are those of a process
        self._file: int | None = None

    @contextmanager
    def inside(self, seconds: float) -> Iterator[None]:
        """Wait for one's turn, at most so long. Raises Unavailable after that."""
        end = time.monotonic() + seconds
        if not self._ours.acquire(timeout=seconds):
            log.warning("the database refuses or is away: other writers have not ended")
            raise Unavailable(AWAY)
        try:
            with self._among_processes(min(end, time.monotonic() + _PATIENCE)):
                yield
        finally:
            self._ours.release()

    def close(self) -> None:
        """Give back the file, unless somebody is inside."""
        if self._file is not None and self._ours.acquire(blocking=False):
            os.close(self._file)
            self._file = None
            self._ours.release()

    @contextmanager
    def _among_processes(self, end: float) -> Iterator[None]:
        file = self._opened()
        if file is None:
            yield
            return
        if _take(file, _NEXT, end):
            _take(file, _INSIDE, end)
            _leave(file, _NEXT)
        try:
            yield
        finally:
            _leave(file, _INSIDE)

    def _opened(self) -> int | None:
        """The file, kept open: to close it would end the locks. None where there can be none."""
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                # As SQLite does with its own: a command of root's must not keep the server out.
                owner = self._database.stat()
                os.fchown(self._file, owner.st_uid, owner.st_gid)
            except OSError as error:
                # No room, or somebody else's file: SQLite's waiting will do.
                log.debug("no queue of writers: %s", error.strerror)
        return self._file


def _take(file: int, place: int, end: float) -> bool:
    """Whether the place is this process's by ``end``, on the monotonic clock."""
    while time.monotonic() < end:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except BlockingIOError:
            time.sleep(_PAUSE)
        except OSError:
            return False  # a file system without locks: SQLite's waiting will do
        else:
            return True
    return False


def _leave(file: int, place: int) -> None:
    with suppress(OSError):
        fcntl.lockf(file, fcntl.LOCK_UN, 1, place)
