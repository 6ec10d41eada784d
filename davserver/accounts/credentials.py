"""Who is asking: login and password, verified once and remembered, revoked at once.

What is remembered is only that a password matched a hash, or did not. Each request reads the rows
of the account, unless nothing at all was committed since they were read; so a changed password, a
disabled or a removed account and a revoked device are refused at their next request, in every
process and on open connections too.

A password that is remembered as right is never throttled, whoever else guesses. One remembered as
wrong is no further guess: a mounted drive repeats it every few seconds. All refusals are alike, in
what they say and in the time they take. A right one enters also when nothing can be written.
"""

import hmac
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.accounts import devices, naming, passwords
from davserver.accounts.in_turn import InTurn
from davserver.accounts.throttle import Pace, Throttle, Verdict, Visitor
from davserver.errors import Busy, Full, Unavailable
from davserver.model import DevicePassword, SecondFactor, User
from davserver.model.database import Database
from davserver.model.snapshots import Snapshots
from davserver.policy import Actor, Device
from davserver.settings import LoginSettings

log = logging.getLogger(__name__)

KEPT = 10_000  # pairs of login and password remembered per process, right and wrong ones each


@dataclass(frozen=True)
class _Account:
    """What one request reads: ``user_id`` 0 for nobody; ``hash`` is what a right main password
    matches, and nothing matches that of who may not log in by it. ``actor`` is None for those."""

    user_id: int
    hash: str
    actor: Actor | None


class Credentials:
    """Verifies logins; one per process, shared by its threads."""

    def __init__(
        self, database: Database, clock: Callable[[], datetime], settings: LoginSettings
    ) -> None:
        self._database = database
        self._clock = clock
        self._throttle = Throttle(settings)
        self._pace = Pace()
        self._secret = secrets.token_bytes(32)
        self._in_turn = InTurn()
        self._right = _Memory()
        self._wrong = _Memory()
        self._entered: Snapshots[Actor] = Snapshots(KEPT)

    def prepare(self) -> None:
        """Do beforehand what the first unknown login would else wait for."""
        self._pace.note(passwords.cost())

    def enter(self, login: str, password: str, *, address: str, door: str) -> Actor | None:
        """Who logs in from ``address`` by ``door``, or None.

        An unknown, a disabled and a wrong one take the same time, as does whoever guesses too often
        to be looked at. Raises Busy when too many log in at once, Unavailable.
        """
        version = self._database.version.now()  # before the rows are read: see Version
        key = self._digest(f"{login}\x00{password}\x00{door}")
        state = (version, self._clock().date())  # a device tells on which day it was used last
        actor = self._entered.kept(key, state)
        if actor is None:
            actor = self._read_and_verified(login, password, address, door)
            if actor is not None:
                self._entered.keep(key, state, actor)
        return actor

    def _read_and_verified(
        self, login: str, password: str, address: str, door: str
    ) -> Actor | None:
        visitor = Visitor(login.strip().lower(), address)
        with self._database.reading() as session:
            found = devices.of_password(session, visitor.login, password)
            account = _read(session, visitor.login)
        if found is not None and not found[0].disabled:
            user, device = found
            self._note_use(device, door)
            return actor_of(user, devices.facts(device))
        return account.actor if self._verified(visitor, password, account) else None

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._secret, text.encode("utf-8", "surrogatepass"), "sha256")

    def _verified(self, visitor: Visitor, password: str, account: _Account) -> bool:
        key = self._digest(f"{visitor.login}\x00{password}\x00{account.hash}")
        if self._right.has(key):
            return True
        with self._in_turn.of(key):
            if self._right.has(key):  # one that was before in the line has been found right
                return True
            right = None if self._wrong.has(key) else self._examined(visitor, password, account)
            if right is not None:
                (self._right if right else self._wrong).add(key)
                return right
        self._pace.keep()
        return False

    def _examined(self, visitor: Visitor, password: str, account: _Account) -> bool | None:
        """Whether the password is right; None for who guesses too often to be told."""
        begun = time.monotonic()
        with self._database.reading() as session:
            verdict, known = self._throttle.verdict(
                session, visitor, account.user_id, self._clock()
            )
        if verdict is not Verdict.EXAMINED:
            log.warning("login throttled", extra={"facts": {"client": visitor.address}})
        if verdict is Verdict.BUSY:
            raise Busy("Trop d'essais pour ce compte : réessayez dans quelques secondes.")
        if verdict is Verdict.REFUSED:
            return None
        if passwords.matches(password, account.hash):
            if not known:
                with suppress(Full, Unavailable), self._database.writing() as session:
                    self._throttle.succeeded(session, visitor, account.user_id, self._clock())
            return True
        with self._database.writing() as session:
            self._throttle.failed(session, visitor, self._clock())
        self._pace.note(time.monotonic() - begun)
        return False

    def _note_use(self, device: DevicePassword, door: str) -> None:
        today = self._clock().date()
        if (device.used_on, device.used_by) != (today, door):
            with suppress(Full, Unavailable), self._database.writing() as session:
                devices.note_use(session, device.id, door, today)


class _Memory:
    """The last keys that were added or asked for, at most :data:`KEPT`."""

    def __init__(self) -> None:
        self._keys: OrderedDict[bytes, None] = OrderedDict()
        self._lock = Lock()

    def has(self, key: bytes) -> bool:
        with self._lock:
            if key not in self._keys:
                return False
            self._keys.move_to_end(key)
            return True

    def add(self, key: bytes) -> None:
        with self._lock:
            self._keys[key] = None
            while len(self._keys) > KEPT:
                self._keys.popitem(last=False)


def actor_of(user: User, device: Device | None = None) -> Actor:
    """``user`` as the one who acts, by this device of his."""
    return Actor(id=user.id, login=user.login or "", name=user.display_name, device=device)


def still_valid(session: Session, actor: Actor) -> bool:
    """Whether ``actor`` may still act: his account and his device are there. For whoever was
    let in some time ago, at the beginning of a long transfer."""
    user = session.get(User, actor.id)
    if user is None or user.login is None or user.disabled:
        return False
    return actor.device is None or session.get(DevicePassword, actor.device.id) is not None


def _read(session: Session, login: str) -> _Account:
    found = None
    if naming.is_login(login):
        found = session.execute(
            select(User, SecondFactor.user_id)
            .outerjoin(SecondFactor, SecondFactor.user_id == User.id)
            .where(User.login == login)
        ).first()
    user, two_steps = found if found is not None else (None, None)
    if user is None or user.disabled or two_steps is not None:
        return _Account(user.id if user is not None else 0, passwords.unusable(), None)
    return _Account(user.id, user.password_hash, actor_of(user))
