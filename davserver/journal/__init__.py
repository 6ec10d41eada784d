"""The journal: one hash-chained line per act, in the transaction of the act."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from davserver.errors import Unavailable
from davserver.model import JournalLine

BEGINNING = "0" * 64
_CHAIN_LOCK = 0x6461767365  # PostgreSQL: writers of the chain wait for each other on this number


def record(
    session: Session,
    act: str,
    *,
    at: datetime,
    actor: str,
    channel: str,
    dossier_id: int | None = None,
    **facts: Any,
) -> JournalLine:
    """Add the line of an act; it is there if, and only if, the transaction commits."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _CHAIN_LOCK})
    previous = session.scalar(select(JournalLine.hash).order_by(JournalLine.id.desc()).limit(1))
    line = JournalLine(
        at=at,
        dossier_id=dossier_id,
        actor=actor,
        channel=channel,
        act=act,
        facts=json.dumps(facts, ensure_ascii=False, sort_keys=True, default=str),
        previous=previous or BEGINNING,
        hash="",
    )
    line.hash = line_hash(line)
    session.add(line)
    try:
        session.flush()
    except IntegrityError as error:
        raise Unavailable("Le journal ne peut pas être écrit : rien n'a été fait.") from error
    return line


def last(session: Session) -> datetime | None:
    """When the last line was written (UTC); None for an empty journal."""
    return session.scalar(select(JournalLine.at).order_by(JournalLine.id.desc()).limit(1))


def line_hash(line: JournalLine) -> str:
    """SHA-256 over the line and the hash before it."""
    content = json.dumps(
        [
            line.previous,
            line.at.astimezone(UTC).isoformat(),
            line.dossier_id,
            line.actor,
            line.channel,
            line.act,
            line.facts,
        ],
        ensure_ascii=False,
    )
    return hashlib.sha256(content.encode()).hexdigest()


def faults(session: Session) -> Iterator[str]:
    """What is wrong with the chain, naming each line; nothing for a sound one."""
    previous = BEGINNING
    for line in session.scalars(select(JournalLine).order_by(JournalLine.id)).yield_per(1000):
        if line.previous != previous:
            yield f"journal {line.id}: the line before it is missing or was changed"
        if line_hash(line) != line.hash:
            yield f"journal {line.id}: the line was changed"
        previous = line.hash
