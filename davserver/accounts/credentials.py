"""Who is asking: login and password, verified once and remembered, revoked at once.

What is remembered is only that a password matched a hash. Each request reads the account's row, so
a changed password, a disabled or a removed account is refused at its next request, in every
process and on open connections too.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from threading import Lock

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.accounts import passwords
from davserver.errors import Unauthenticated
from davserver.model import User
from davserver.policy import Actor

KEPT = 10_000  # verified pairs remembered per process


class Credentials:
    """Verifies logins; one per process, shared by its threads."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._verified: OrderedDict[bytes, str] = OrderedDict()
        self._lock = Lock()

    def prepare(self) -> None:
        """Do beforehand what the first unknown login would else wait for."""
        passwords.unusable()

    def actor(self, session: Session, login: str, password: str) -> Actor | None:
        """Who logs in, or None. An unknown, a disabled and a wrong one take the same time."""
        user = session.scalars(select(User).where(User.login == login.strip().lower())).first()
        if user is None or user.disabled:
            self._matches(login, password, passwords.unusable())
            return None
        if not self._matches(login, password, user.password_hash):
            return None
        return actor_of(user)

    def _matches(self, login: str, password: str, known: str) -> bool:
        key = hmac.new(self._secret, f"{login}\x00{password}".encode(), hashlib.sha256).digest()
        with self._lock:
            if self._verified.get(key) == known:
                self._verified.move_to_end(key)
                return True
        if not passwords.matches(password, known):
            return False
        with self._lock:
            self._verified[key] = known
            while len(self._verified) > KEPT:
                self._verified.popitem(last=False)
        return True


def require_enabled(session: Session, actor: Actor) -> None:
    """To be asked where something is written long after its author was let in. Raises
    Unauthenticated when his account has been shut out or removed meanwhile."""
    if session.scalar(select(User.disabled).where(User.id == actor.id)) is not False:
        raise Unauthenticated("Ce compte n'est plus ouvert.")


def actor_of(user: User) -> Actor:
    """``user`` as the one who acts."""
    return Actor(id=user.id, login=user.login or "", name=user.display_name)
