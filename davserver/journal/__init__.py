"""The journal: one hash-chained line per act, in the transaction of the act.

The chain shows that a line was changed, removed or put in between. That its end was cut off, or all
of it made anew, shows against a :class:`Head` that was kept elsewhere.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from davserver.errors import Unavailable
from davserver.model import JournalLine

BEGINNING = "0" * 64
_LAST_HASH = select(JournalLine.hash).order_by(JournalLine.id.desc()).limit(1)
_CHAIN_LOCK = 0x6461767365  # PostgreSQL: writers of the chain wait for each other on this number


@dataclass(frozen=True)
class Head:
    """The last line at some moment, in the words ``ID:HASH``: to be kept where nobody who can write
    to the database can change it."""

    id: int
    hash: str

    def __str__(self) -> str:
        return f"{self.id}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """The head that ``text`` names. Raises ValueError."""
        found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text.strip())
        if found is None:
            raise ValueError(text)
        return cls(int(found[1]), found[2])


def head(session: Session) -> Head:
    """The head of this moment; that of an empty journal is the beginning."""
    last = session.execute(
        select(JournalLine.id, JournalLine.hash).order_by(JournalLine.id.desc()).limit(1)
    ).first()
    return Head(last.id, last.hash) if last else Head(0, BEGINNING)


def record(
    session: Session,
    act: str,
    *,
    at: datetime,
    actor: str,
    channel: str,
    dossier_id: int | None = None,
    **facts: Any,
) -> None:
    """Add the line of an act; it is there if, and only if, the transaction commits."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _CHAIN_LOCK})
    previous = session.scalar(_LAST_HASH)
    row: dict[str, Any] = {
        "at": at,
        "dossier_id": dossier_id,
        "actor": actor,
        "channel": channel,
        "act": act,
        "facts": json.dumps(facts, ensure_ascii=False, sort_keys=True, default=str),
        "previous": previous or BEGINNING,
    }
    row["hash"] = chained(**row)
    try:
        session.execute(insert(JournalLine), row)
    except IntegrityError as error:
        raise Unavailable("Le journal ne peut pas être écrit : rien n'a été fait.") from error


def told(session: Session, act: str, dossier_id: int, at: datetime) -> list[dict[str, Any]]:
    """The facts of each line of ``act`` in a dossier at this very moment."""
    found = session.scalars(
        select(JournalLine.facts).where(
            JournalLine.dossier_id == dossier_id, JournalLine.act == act, JournalLine.at == at
        )
    )
    return [json.loads(facts) for facts in found]


def last(session: Session) -> datetime | None:
    """When the last line was written (UTC); None for an empty journal."""
    return session.scalar(select(JournalLine.at).order_by(JournalLine.id.desc()).limit(1))


def line_hash(line: JournalLine) -> str:
    """SHA-256 over the line and the hash before it."""
    return chained(
        line.at, line.dossier_id, line.actor, line.channel, line.act, line.facts, line.previous
    )


def chained(
    at: datetime, dossier_id: int | None, actor: str, channel: str, act: str, facts: str,
    previous: str,
) -> str:  # fmt: skip
    """As :func:`line_hash`, of a line that is no row yet."""
    told = [previous, at.astimezone(UTC).isoformat(), dossier_id, actor, channel, act, facts]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def faults(session: Session, known: Head | None = None) -> Iterator[str]:
    """What is wrong with the chain, naming each line; nothing for a sound one. ``known``: a head
    that was kept elsewhere, which the chain must still hold."""
    previous = BEGINNING
    for line in session.scalars(select(JournalLine).order_by(JournalLine.id)).yield_per(1000):
        if line.previous != previous:
            yield f"journal {line.id}: the line before it is missing or was changed"
        if line_hash(line) != line.hash:
            yield f"journal {line.id}: the line was changed"
        previous = line.hash
    if known is not None and known.id:
        there = session.scalar(select(JournalLine.hash).where(JournalLine.id == known.id))
        if there is None:
            yield f"journal {known.id}: the end was cut off: this line was kept elsewhere"
        elif there != known.hash:
            yield f"journal {known.id}: this is not the line that was kept elsewhere"
