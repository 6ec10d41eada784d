"""The numbers that tables give as ids: none is given twice, whatever was removed or restored."""

from collections.abc import Mapping

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from davserver.model.columns import Base


def numbered() -> list[Table]:
    """The tables that give ids."""
    return [table for table in Base.metadata.sorted_tables if "id" in table.primary_key.columns]


def given(session: Session) -> dict[str, int]:
    """The last id that each table has given, by its name; 0 for none yet."""
    if session.get_bind().dialect.name == "sqlite":
        last = {row[0]: row[1] for row in session.execute(text("SELECT * FROM sqlite_sequence"))}
    else:
        last = {
            table.name: session.scalar(
                text("SELECT pg_sequence_last_value(pg_get_serial_sequence(:name, 'id'))"),
                {"name": f'"{table.name}"'},
            )
            for table in numbered()
        }
    return {table.name: last.get(table.name) or 0 for table in numbered()}


def go_on(session: Session, after: Mapping[str, int]) -> None:
    """Let each table give ids above those of ``after`` (by name; 0: from the first on)."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    for name, last in after.items():
        if sqlite:
            session.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
            statement = "INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"
            session.execute(text(statement), {"name": name, "last": last})
        else:
            session.execute(
                text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :number, :given)"),
                {"name": f'"{name}"', "number": max(last, 1), "given": last > 0},
            )
