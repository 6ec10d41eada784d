"""Ids are given once: what a removed row was must never be taken for another one."""

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from davserver.model import JournalLine, sequences


def faults(session: Session) -> Iterator[str]:
    """No table has a row with an id that it has still to give."""
    highest = {
        table.name: session.scalar(select(func.max(table.c.id))) or 0
        for table in sequences.numbered()
    }
    # Asked last: on PostgreSQL these are not of the transaction, and only rise.
    given = sequences.given(session)
    for name, last in given.items():
        if highest[name] > last:
            yield f"{name}: id {highest[name]} is there, and was not given yet (last: {last})"
    journal = JournalLine.__tablename__
    # SQLite takes back an id with the transaction that did not commit: the last one has a row.
    if session.get_bind().dialect.name == "sqlite" and highest[journal] < given[journal]:
        yield f"journal: it ends at line {highest[journal]}, but had {given[journal]}"
