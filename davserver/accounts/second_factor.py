"""Login in two steps: a code of six digits that changes every 30 seconds (TOTP, RFC 6238).

The web door asks for it after the password. The drive cannot ask, so it takes only the passwords of
devices from whoever has it. How many codes are tried is bounded by the throttle of logins.
"""

from datetime import datetime

from passlib.totp import TOTP
from sqlalchemy import update
from sqlalchemy.orm import Session

from davserver.accounts.people import PeopleProblem
from davserver.model import SecondFactor, User

ISSUER = "davserver"
SLACK = 30  # seconds that a person's clock may be wrong, either way


def enable(session: Session, user: User, now: datetime) -> str:
    """Ask for a code from now on. Returns the ``otpauth:`` URI, shown once, for the program that
    makes the codes. Raises PeopleProblem for who has it already."""
    if session.get(SecondFactor, user.id) is not None:
        raise PeopleProblem(f"« {user.login} » se connecte déjà en deux étapes.")
    made = TOTP.new()
    session.add(SecondFactor(user_id=user.id, secret=made.base32_key, counter=0, created=now))
    session.flush()
    return str(made.to_uri(label=user.login or "", issuer=ISSUER))


def disable(session: Session, user: User) -> None:
    """Ask for no code any more. Raises PeopleProblem for who has none."""
    found = session.get(SecondFactor, user.id)
    if found is None:
        raise PeopleProblem(f"« {user.login} » ne se connecte pas en deux étapes.")
    session.delete(found)
    session.flush()


def is_enabled(session: Session, user: User) -> bool:
    """Whether ``user`` logs in in two steps."""
    return session.get(SecondFactor, user.id) is not None


def accepts(session: Session, user: User, code: str, now: datetime) -> bool:
    """Whether ``code`` is the one of this moment, in a transaction that writes. Each is taken once,
    also by several processes at the same time."""
    found = session.get(SecondFactor, user.id)
    if found is None:
        return False
    try:
        match = TOTP(found.secret, format="base32").match(code, time=now, window=SLACK)
    except ValueError:  # wrong, or no code at all
        return False
    taken = session.scalars(
        update(SecondFactor)
        .where(SecondFactor.user_id == user.id, SecondFactor.counter < match.counter)
        .values(counter=match.counter)
        .returning(SecondFactor.user_id)
    )
    return taken.first() is not None
