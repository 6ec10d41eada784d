"""Opening the database: one engine per process, two kinds of transaction.

SQLite by default (WAL, ``synchronous=FULL``: an acknowledged commit survives a power cut; foreign
keys on; writers take their lock at BEGIN, because a reader that becomes a writer is refused at once
however long the busy timeout). The same code runs on PostgreSQL, where a writer locks the dossier
it changes (:meth:`davserver.work.Work.hold`), and a commit whose answer was lost is looked up.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import sqlalchemy.exc
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.orm import Session

from davserver.errors import Unavailable
from davserver.model import schema
from davserver.model.away import AWAY, problems
from davserver.model.version import Version
from davserver.model.writers import Writers

BUSY_TIMEOUT = 30_000  # milliseconds a writer waits for its turn, then for those who do not queue
OUTCOME_TIMEOUT = 30.0  # seconds to find out whether a commit whose answer was lost was done
_MOST = 40  # connections of one process: more threads wait for one
# Of these so many stay open: one of SQLite keeps 2 MiB of pages, and as much of statements.
_KEPT = 6
_CONNECT_TIMEOUT = 5  # seconds for a new connection to PostgreSQL
_ASK_AGAIN = 0.1  # seconds

# What the server is told of a connection. That a machine has vanished it would notice after two
# hours by itself, and everybody would wait for what a transaction from there has locked.
_SESSION: Mapping[str, object] = {
    "lock_timeout": BUSY_TIMEOUT,
    "timezone": "UTC",
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": BUSY_TIMEOUT,
    "client_connection_check_interval": 10_000,  # milliseconds, while it works or waits
}
_POSTGRESQL: Mapping[str, Any] = {
    "connect_timeout": _CONNECT_TIMEOUT,
    # A server that has vanished is noticed: unanswered bytes, or none at all, end the connection.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": BUSY_TIMEOUT,
    "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
}
# By itself each connection keeps 128 prepared statements, of some 10 KiB.
_SQLITE: Mapping[str, Any] = {"cached_statements": 64}
_CONNECT: Mapping[str, Mapping[str, Any]] = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}
_TRANSACTION = text("SELECT CAST(pg_current_xact_id_if_assigned() AS text)")
_OUTCOME = text("SELECT pg_xact_status(CAST(:transaction AS xid8))")

log = logging.getLogger(__name__)


class Database:
    """The engine and its transactions. Not to be carried across a fork."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(
            url,
            pool_size=_KEPT,
            max_overflow=_MOST - _KEPT,
            pool_pre_ping=True,
            pool_use_lifo=True,  # the last one first: it finds what it has just read
            connect_args=_CONNECT[make_url(url).get_backend_name()],
        )
        self._writers: Writers | None = None
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine)
            self._writers = Writers(Path(self.engine.url.database or ""))
        self.version = Version(self.engine)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A read transaction: one consistent view. Raises Unavailable when the database is away."""
        with self._session(write=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A write transaction: commits at the end of the block, rolls back at any exception.

        When the block has ended without exception, what was written is durable. What it has read or
        written is detached then, and as it was.
        """
        with self._turn(), self._session(write=True) as session:
            yield session
            # Nothing more is loaded, and a commit that fails must not make forget what was loaded.
            session.flush()
            session.expunge_all()
            mark = _transaction(session)
            try:
                session.commit()
            except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError):
                # Perhaps only the answer was lost.
                if mark is None or not self._was_committed(mark):
                    raise

    @contextmanager
    def _session(self, *, write: bool) -> Iterator[Session]:
        with problems(), self.engine.connect() as connection:
            connection = connection.execution_options(davserver_write=write)
            if not write and connection.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with Session(connection, expire_on_commit=False, autoflush=True) as session:
                # BEGIN now: a writer that had to wait must not look at its clock before.
                session.connection()
                yield session

    def _turn(self) -> AbstractContextManager[None]:
        """A writer's turn, where the database has but one: who waits for it has no connection, and
        so keeps none from the readers. Raises Unavailable."""
        if self._writers is None:
            return nullcontext()
        return self._writers.inside(BUSY_TIMEOUT / 1_000)

    def _was_committed(self, transaction: str) -> bool:
        """What became of a transaction of PostgreSQL whose commit was not answered.

        The server itself knows; it is asked until it tells. Raises Unavailable when it does not.
        """
        end = time.monotonic() + OUTCOME_TIMEOUT
        while time.monotonic() < end:
            with suppress(sqlalchemy.exc.DBAPIError):
                with self.engine.connect() as connection:
                    outcome = connection.scalar(_OUTCOME, {"transaction": transaction})
                if outcome in ("committed", "aborted"):
                    log.warning("a commit was not answered; it was %s", outcome)
                    return bool(outcome == "committed")
            time.sleep(_ASK_AGAIN)
        raise Unavailable(AWAY)

    def schema(self) -> str | None:
        """The schema revision of the database; None for an empty one."""
        with self.engine.connect() as connection:
            return schema.current(connection)

    def upgrade(self) -> None:
        """Bring the schema to this program's revision (an empty database gets all of it). Raises
        WrongSchema for that of a newer program."""
        with self.engine.connect() as connection:
            schema.upgrade(connection.execution_options(davserver_write=True))
            connection.commit()

    def require_schema(self) -> None:
        """Raise WrongSchema unless the database is of this program's revision."""
        with self.engine.connect() as connection:
            schema.require(connection)

    def close(self) -> None:
        """Give back all connections."""
        self.version.close()
        if self._writers is not None:
            self._writers.close()
        self.engine.dispose()


def _transaction(session: Session) -> str | None:
    """The number by which PostgreSQL can tell later what became of this transaction; None where
    nothing was written, or where no connection can be lost."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    number: str | None = session.scalar(_TRANSACTION)
    return number


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        # The driver must not open transactions by itself: BEGIN is ours, below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        write = connection.get_execution_options().get("davserver_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
