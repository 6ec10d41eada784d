"""What the database raises when it is away, full or another one, as problems of ours; the log is
told why."""

import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy.exc

from davserver.errors import Full, Unavailable

AWAY = "La base de données est momentanément indisponible."
_NO_CONNECTION = re.compile(
    "connection refused|timeout expired|authentication failed|server closed the connection|"
    "does not exist|could not translate|No such file|starting up|shutting down|no pg_hba",
    re.IGNORECASE,
)
_DISK_FULL = "53100"  # PostgreSQL's code

# The name by which the log has always told of it.
log = logging.getLogger("davserver.model.database")


@contextmanager
def problems() -> Iterator[None]:
    """Raises Unavailable or Full for what the database or its driver raises in the block."""
    try:
        yield
    except sqlalchemy.exc.OperationalError as error:
        if "full" in str(error.orig) or getattr(error.orig, "sqlstate", "") == _DISK_FULL:
            raise Full("Le serveur n'a plus de place : rien n'a été enregistré.") from error
        log.warning("the database refuses or is away: %s", _reason(error.orig))
        raise Unavailable(AWAY) from error
    except sqlalchemy.exc.ProgrammingError as error:
        # A table that is missing: another database answers under this address. Never "empty".
        log.error("the database is not the one of this program: %s", _line(error.orig))
        raise Unavailable(AWAY) from error
    except sqlalchemy.exc.DatabaseError as error:
        # The kinds of it are failures of the program; it by itself is a file that is damaged.
        if type(error) is not sqlalchemy.exc.DatabaseError:
            raise
        log.error("the database is damaged: %s", _reason(error.orig))
        raise Unavailable(AWAY) from error
    except sqlite3.Error as error:
        if type(error) is sqlite3.DatabaseError:
            log.error("the database is damaged: %s", _reason(error))
        else:
            log.warning("the database refuses or is away: %s", _reason(error))
        raise Unavailable(AWAY) from error
    except (sqlalchemy.exc.InterfaceError, sqlalchemy.exc.TimeoutError) as error:
        log.warning("the database refuses or is away: %s", type(error).__name__)
        raise Unavailable(AWAY) from error


def _reason(error: object) -> str:
    """What the driver says, in a few words: SQLite's own are fixed, PostgreSQL's name people, so
    that its code must do, or what failed of a connection that it never had."""
    if isinstance(error, sqlite3.Error):
        return _line(error)
    state = getattr(error, "sqlstate", None)
    said = _NO_CONNECTION.search(str(error))
    told = state or (said.group(0) if said else "")
    return " ".join(filter(None, (type(error).__name__, told)))


def _line(error: object) -> str:
    return " ".join(str(error).split())
