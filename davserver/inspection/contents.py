"""Contents and their verdicts: which are to be inspected, by whom, and what was found.

A content is claimed in one transaction, inspected outside of any, and its verdict written in the
next. The claim is a lease: whoever dies in between leaves a row that is taken up once the lease is
over. Two that inspect the same content do no harm.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from davserver.errors import Unavailable
from davserver.inspection.clamd import Finding, ScannerAway, inspect
from davserver.model import Blob, Deposit, Inspection, Node, NodeState, Verdict
from davserver.model.database import Database
from davserver.settings import AntivirusSettings
from davserver.storage import BlobStore, Stored

log = logging.getLogger(__name__)

FRESH = timedelta(days=1)  # a verdict this much older than the bytes is of an older database
LEASE = 5.0  # seconds that a claim outlasts the longest inspection
KEPT = timedelta(days=1)  # that a verdict outlives the last file with this content

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Scan:
    """What an inspection needs, and until when it may last."""

    database: Database
    blobs: BlobStore
    settings: AntivirusSettings
    now: Clock
    stopping: Callable[[], bool] = lambda: False

    def due(self) -> int:
        """Inspect what deposits have brought; how many verdicts were found.

        Any number of processes may run this at once. The round ends early when the scanner cannot
        be used, and soon once ``stopping()``. Raises Unavailable when the database is away.
        """
        found = 0
        for stored in _waiting(self.database, self.now()) if self.settings.clamd else ():
            if self.stopping():
                break
            if not self._claim(stored):
                continue
            if not self._settle(stored, self.settings.timeout):
                break
            found += 1
        return found

    def at_once(self, stored: Stored, within: float) -> bool:
        """Inspect this content now, for a client that waits. Whether there is a verdict."""
        return bool(self.settings.clamd) and self._settle(stored, within)

    def _claim(self, stored: Stored) -> bool:
        """Take the lease of a content. False: another process has it, or it is done."""
        now = self.now()
        with self.database.writing() as session:
            row = _row(session, stored.sha256, now)
            if row.retry_at > now or known(session, stored, now, active=True) is not None:
                return False
            row.retry_at = now + timedelta(seconds=self.settings.timeout + LEASE)
            row.attempts += 1
        return True

    def _settle(self, stored: Stored, within: float) -> bool:
        """Inspect, and write down the verdict or when to try again."""
        try:
            finding = self._inspect(stored, within)
        except (ScannerAway, Unavailable) as error:
            self._put_off(stored, str(error))
            return False
        log.info("inspected", extra={"facts": {"sha256": stored.sha256, "finding": finding.name,
                                               "verdict": finding.verdict.value}})  # fmt: skip
        now = self.now()
        with self.database.writing() as session:
            row = _row(session, stored.sha256, now)
            row.verdict, row.finding = finding.verdict, finding.name[:200]
            row.engine, row.at = finding.engine[:120], now
            row.attempts, row.retry_at = 0, now
            session.execute(
                update(Deposit)
                .where(Deposit.sha256 == stored.sha256, Deposit.sealed_at.is_(None))
                .values(look_at=None)
            )
        return True

    def _inspect(self, stored: Stored, within: float) -> Finding:
        if stored.size > self.settings.max_bytes:
            most = self.settings.max_bytes // 1_000_000
            return Finding(Verdict.UNSCANNABLE, f"plus de {most} Mo")
        blocks = self.blobs.read(stored.key)
        return inspect(self.settings.clamd, blocks, within, self.stopping)

    def _put_off(self, stored: Stored, reason: str) -> None:
        log.warning("not inspected: %s", reason, extra={"facts": {"sha256": stored.sha256}})
        now = self.now()
        with self.database.writing() as session:
            row = _row(session, stored.sha256, now)
            delay = self.settings.retry_first * 2 ** min(max(0, row.attempts - 1), 20)
            if self.stopping():
                delay = 0.0
            row.retry_at = now + timedelta(seconds=min(delay, self.settings.retry_most))


def known(session: Session, stored: Stored, now: datetime, *, active: bool) -> Inspection | None:
    """The inspection that counts for these bytes. Where there is a scanner (``active``), not one
    that is much older than they are; without one, a bad verdict counts for ever."""
    row = session.scalar(select(Inspection).where(Inspection.sha256 == stored.sha256))
    if row is None or row.verdict is None or row.at is None:
        return None
    if not active and row.verdict is not Verdict.CLEAN:
        return row
    came = session.scalar(select(Blob.created).where(Blob.key == stored.key)) or now
    return row if row.at > came - FRESH else None


def forget(session: Session, now: datetime) -> None:
    """Delete what is known of contents that no row names any more."""
    session.execute(
        delete(Inspection)
        .where(
            Inspection.retry_at < now - KEPT,
            ~exists().where(Blob.sha256 == Inspection.sha256),
        )
        .execution_options(synchronize_session=False)
    )


def without_clean_verdict(*, active: bool) -> ColumnElement[bool]:
    """A condition on nodes: what was never found clean; without a scanner, what was found bad."""
    about = Inspection.sha256 == Node.sha256
    if active:
        return ~exists().where(about, Inspection.verdict == Verdict.CLEAN)
    bad = (Verdict.INFECTED, Verdict.UNSCANNABLE)
    return exists().where(about, Inspection.verdict.in_(bad))


def _waiting(database: Database, now: datetime) -> list[Stored]:
    """The contents of unfinished deposits that have no verdict, and whose time has come."""
    with database.reading() as session:
        rows = session.execute(
            select(Blob, Inspection)
            .join(Node, Node.blob_id == Blob.id)
            .join(Deposit, Deposit.node_id == Node.id)
            .outerjoin(Inspection, Inspection.sha256 == Blob.sha256)
            .where(
                Node.state == NodeState.RECEIVED,
                Deposit.sealed_at.is_(None),
                or_(Inspection.id.is_(None), Inspection.retry_at <= now),
                or_(Inspection.at.is_(None), Inspection.at < Blob.created),
            )
            # What makes the scanner hang must not keep the others waiting.
            .order_by(func.coalesce(Inspection.attempts, 0), Deposit.touched_at, Deposit.id)
        ).all()
        contents = {
            blob.sha256: Stored(blob.key, blob.size, blob.sha256)
            for blob, row in rows
            if row is None or row.at is None or row.at <= blob.created - FRESH
        }
        return list(contents.values())


def _row(session: Session, sha256: str, now: datetime) -> Inspection:
    """The row of a content, ours until the commit, made now if there is none."""
    wanted = select(Inspection).where(Inspection.sha256 == sha256).with_for_update()
    row = session.scalars(wanted).first()
    if row is not None:
        return row
    row = Inspection(sha256=sha256, retry_at=now, attempts=0)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another process has just made it
        return session.scalars(wanted).one()
    return row
