"""What commands print: tables for people, JSON for programs."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

_WIDE = 1_000  # columns of what is no terminal: nothing is folded there


def print_json(value: object) -> None:
    """``value`` as indented JSON, its letters as they are."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table of plain text; None is an empty cell."""
    width = None if sys.stdout.isatty() else _WIDE
    console = Console(markup=False, emoji=False, highlight=False, width=width)
    table = Table(*columns, box=None, pad_edge=False, show_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def print_facts(facts: Iterable[tuple[str, Any]]) -> None:
    """Facts one below the other; those that are None are left out."""
    shown = [(name, _cell(value)) for name, value in facts if value is not None]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        print(f"{name.ljust(width)}  {value}")


def instant(time: datetime | None) -> str | None:
    """``time`` in ISO 8601, UTC."""
    return None if time is None else time.astimezone(UTC).isoformat()


def megabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1_000_000:.1f} MB"


def _cell(value: Any) -> str:
    """``value`` as text that cannot steer a terminal: programs name themselves as they like."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return "".join(
        "\ufffd" if unicodedata.category(char)[0] == "C" else char for char in str(value)
    )
