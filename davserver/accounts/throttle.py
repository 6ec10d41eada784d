"""Guesses of passwords, slowed down: per account and address, per address, per account.

Each failure fills a vessel that drains with time; while it is full, nothing more is examined. One
moment tells all of a vessel: that at which it is empty, when its row may go. They are rows, so all
processes see them. What is examined at the same time is bounded by :mod:`passwords`, which is how
far the vessels may run over.
"""

import hashlib
import ipaddress
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from threading import BoundedSemaphore

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from davserver.model import LoginTrace
from davserver.settings import LoginSettings

KNOWN = timedelta(days=30)  # that an address is known after its last login
PAUSING = 4  # refusals at once that take the time of an examined guess


class Verdict(Enum):
    """What becomes of a guess. BUSY: too many for this account from everywhere; whoever is right
    may come again in a moment. REFUSED: too many from there; it counts as a wrong one."""

    EXAMINED = auto()
    REFUSED = auto()
    BUSY = auto()


@dataclass(frozen=True)
class Visitor:
    """A login as it was typed, in small letters, and the address that it came from."""

    login: str
    address: str

    @property
    def pair(self) -> str:
        return _subject("pair", self.login, neighbourhood(self.address))

    @property
    def place(self) -> str:
        return _subject("address", neighbourhood(self.address))

    @property
    def account(self) -> str:
        return _subject("account", self.login)

    def known(self, user_id: int) -> str:
        return _subject("known", str(user_id), neighbourhood(self.address))


class Pace:
    """How long it takes to examine a wrong password: what is refused unexamined must not show it.

    Only a few wait so at once; a flood is answered at once, else it would take all the threads.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._places = BoundedSemaphore(PAUSING)

    def note(self, seconds: float) -> None:
        """A wrong password took so long; the mean of the last ones counts."""
        self._seconds += (seconds - self._seconds) / (4 if self._seconds else 1)

    def keep(self) -> None:
        """Wait as long."""
        if self._places.acquire(blocking=False):
            try:
                time.sleep(self._seconds)
            finally:
                self._places.release()


class Throttle:
    """Judges guesses by what is remembered of earlier ones. Holds no state of its own."""

    def __init__(self, settings: LoginSettings) -> None:
        self._settings = settings

    def verdict(
        self, session: Session, visitor: Visitor, user_id: int, now: datetime
    ) -> tuple[Verdict, bool]:
        """What becomes of a guess, and whether its address is known: that the user ``user_id`` (0
        for nobody) has logged in from there lately. Whoever else guesses does not stop him."""
        subjects = (visitor.pair, visitor.place, visitor.account, visitor.known(user_id))
        rows = session.execute(
            select(LoginTrace.subject, LoginTrace.until).where(LoginTrace.subject.in_(subjects))
        )
        until = {subject: moment for subject, moment in rows if moment > now}
        known = visitor.known(user_id) in until
        full = [
            subject in until and until[subject] > now + room
            for subject, room in zip(subjects, self._rooms(), strict=False)
        ]
        if full[0] or (full[1] and not known):
            return Verdict.REFUSED, known
        if full[2] and not known:
            return Verdict.BUSY, known
        return Verdict.EXAMINED, known

    def failed(self, session: Session, visitor: Visitor, now: datetime) -> None:
        """Count a failure in a transaction that writes."""
        # Always in this order: two that count at once do not wait for each other in a circle.
        subjects = (visitor.pair, visitor.place, visitor.account)
        for subject, drop in zip(subjects, self._drops(), strict=True):
            row = session.get(LoginTrace, subject, with_for_update=True)
            full_until = now if row is None else max(row.until, now)
            _remember(session, row, subject, full_until + drop)

    def succeeded(self, session: Session, visitor: Visitor, user_id: int, now: datetime) -> None:
        """Remember the address of a right password in a transaction that writes; the mistakes
        before it are forgiven, but not those with other accounts."""
        session.execute(delete(LoginTrace).where(LoginTrace.subject == visitor.pair))
        subject = visitor.known(user_id)
        row = session.get(LoginTrace, subject, with_for_update=True)
        _remember(session, row, subject, now + KNOWN)

    def _drops(self) -> Sequence[timedelta]:
        """What one failure adds to each vessel: the time in which it drains again."""
        chosen = self._settings
        return [
            timedelta(seconds=seconds)
            for seconds in (chosen.guess_every, chosen.address_every, chosen.account_every)
        ]

    def _rooms(self) -> Sequence[timedelta]:
        """How much each vessel may hold for one more guess to be examined."""
        chosen = self._settings
        most = (chosen.guesses, chosen.address_guesses, chosen.account_guesses)
        return [drop * (guesses - 1) for drop, guesses in zip(self._drops(), most, strict=True)]


def forget(session: Session, now: datetime) -> None:
    """Drop the rows that mean nothing any more."""
    session.execute(delete(LoginTrace).where(LoginTrace.until <= now))


def neighbourhood(address: str) -> str:
    """What counts as one address: of IPv6, the network that one customer has (64 bits)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _remember(session: Session, row: LoginTrace | None, subject: str, until: datetime) -> None:
    if row is not None:
        row.until = until
        session.flush()
        return
    # Somebody may have counted the same at this very moment: one guess more or less.
    with suppress(IntegrityError), session.begin_nested():
        session.add(LoginTrace(subject=subject, until=until))


def _subject(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
