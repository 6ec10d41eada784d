"""All rows of one database into another one, whatever the two are."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, ForeignKeyConstraint, Table, delete, insert, select, text
from sqlalchemy.orm import Session
from sqlalchemy.schema import AddConstraint, DropConstraint

from davserver.model import Base, sequences
from davserver.model.database import Database

BATCH = 1_000  # rows written together

Row = dict[str, Any]
Change = Callable[[Table, Row], Row | None]


def as_it_is(table: Table, row: Row) -> Row | None:
    """The row as it is; None would leave it out."""
    return row


def copy(
    source: Session,
    target: Session,
    change: Change = as_it_is,
    leave: frozenset[str] = frozenset(),
) -> None:
    """Fill ``target``, of the same schema, with the rows of ``source`` and nothing else, but for
    the tables to ``leave`` as they are. Ids stay, and none that ``source`` has given is given
    again."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in leave]
    with _references_later(target.connection()):
        for table in reversed(tables):
            target.execute(delete(table))
        for table in tables:
            found = source.execute(
                select(table).order_by(*table.primary_key), execution_options={"yield_per": BATCH}
            )
            for part in found.partitions():
                rows = [change(table, row._asdict()) for row in part]
                if written := [row for row in rows if row is not None]:
                    target.execute(insert(table), written)
    sequences.go_on(target, sequences.given(source))


def save(source: Session, file: Path) -> None:
    """Write all rows to a new SQLite database."""
    saved = Database(f"sqlite:///{file}")
    try:
        saved.upgrade()
        with saved.writing() as target:
            copy(source, target)
    finally:
        saved.close()
    # A file of its own, which may be read where nothing can be written.
    plain = sqlite3.connect(file)
    plain.execute("PRAGMA journal_mode = DELETE")
    plain.close()


def ask(file: Path, query: str) -> list[tuple[Any, ...]]:
    """What SQLite answers about saved rows of any schema; the file is not written to."""
    connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro&immutable=1", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@contextmanager
def _references_later(connection: Connection) -> Iterator[None]:
    """Rows may name rows that come after them: what they name is looked for at the end."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        yield
        return
    keys = [
        constraint
        for table in Base.metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, ForeignKeyConstraint)
    ]
    for key in keys:
        connection.execute(DropConstraint(key))
    yield
    for key in keys:
        connection.execute(AddConstraint(key))
