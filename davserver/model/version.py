"""Whether anything was committed since one last looked: asked at each request, for next to nothing.

What was computed from rows in one transaction is still true while the version that was asked
*before* that transaction stands still, whichever process or machine might have written.
"""

import sqlite3
import threading
from collections.abc import Hashable
from contextlib import suppress
from itertools import count

from sqlalchemy import Engine, text

from davserver.model.away import problems

# Two equal snapshots see the same transactions; numbers begin anew only with another server.
_SNAPSHOT = text("SELECT pg_current_snapshot()::text, pg_postmaster_start_time()::text")


class Version:
    """The version of all rows of a database; one per process, shared by its threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._own: sqlite3.Connection | None = None
        self._serials = count(1)
        self._serial = 0
        self._lock = threading.Lock()

    def now(self) -> Hashable:
        """A word that two states of the rows never share. Raises Unavailable."""
        if self._engine.dialect.name == "sqlite":
            return self._of_file()
        with problems(), self._engine.connect() as connection:
            return tuple(connection.execute(_SNAPSHOT).one())

    def _of_file(self) -> Hashable:
        """SQLite tells a connection whether any other one has committed: this one never does.

        Its numbers mean nothing to another connection, hence the serial one.
        """
        with problems(), self._lock:
            try:
                if self._own is None:
                    self._own = self._opened()
                    self._serial = next(self._serials)
                (number,) = self._own.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:
                self._close()
                raise
            return self._serial, number

    def _opened(self) -> sqlite3.Connection:
        path = self._engine.url.database or ""
        return sqlite3.connect(
            f"file:{path}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
        )

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._own is not None:
            with suppress(sqlite3.Error):
                self._own.close()
            self._own = None
