"""The rows of a site behind its back: read, or changed as no operation would."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import backends


def alter(data: Path, *statements: str) -> None:
    """Change rows of the site in ``data``; no constraint is looked at."""
    with _connected(data) as connection:
        for statement in statements:
            connection.execute(statement)


def ask(data: Path, statement: str) -> list[Any]:
    """The rows that ``statement`` finds."""
    with _connected(data) as connection:
        return list(connection.execute(statement).fetchall())


@contextmanager
def _connected(data: Path) -> Iterator[Any]:
    if backends.is_scaled():
        with backends.rows(data) as connection:
            # Foreign keys are triggers: a replica has none.
            connection.execute("SET session_replication_role = replica")
            yield connection
        return
    database = sqlite3.connect(data / "davserver.sqlite", timeout=30)
    try:
        yield database
        database.commit()
    finally:
        database.close()
