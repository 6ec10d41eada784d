"""Passwords: argon2id, in a form that carries its own parameters (RFC 9106).

A hash takes 64 MB and a good part of a second of one core: one is computed at a time, the others
wait. How many may wait is bounded where people log in (:mod:`davserver.accounts.in_turn`).
"""

import secrets
import time
from functools import cache
from threading import Lock

from passlib.context import CryptContext

from davserver.errors import Busy

LONGEST = 256  # characters: argon2 takes any length, a request should not
_CONTEXT = CryptContext(schemes=["argon2"], argon2__type="ID")
# What argon2 says that is given no memory or no thread; passlib blames the hash for it.
_LACKING = ("Memory allocation error", "Threading failure")
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is misread on paper
_COMPUTING = Lock()  # of one process; a hash uses several cores by itself


class BadPassword(ValueError):
    """A password that cannot be set; the text is a French sentence."""


def hashed(password: str) -> str:
    """The hash to keep. Raises BadPassword for an empty or endless one."""
    if not possible(password):
        raise BadPassword(f"Un mot de passe a de 1 à {LONGEST} caractères.")
    with _COMPUTING:
        return str(_CONTEXT.hash(password))


def possible(password: str) -> bool:
    """Whether it could be somebody's password."""
    return 0 < len(password) <= LONGEST and "\x00" not in password


def matches(password: str, known: str) -> bool:
    """Whether ``password`` is the one of the hash ``known``; False for a malformed hash. One that
    nobody can have costs as much as any other. Raises Busy for want of memory."""
    with _COMPUTING:
        try:
            found = bool(_CONTEXT.verify(password if possible(password) else "", known))
        except ValueError as error:
            if any(lack in str(error) for lack in _LACKING):
                raise Busy("Le serveur manque de mémoire : réessayez dans un moment.") from None
            return False
        return found and possible(password)


def generated(groups: int = 4) -> str:
    """A random password that can be read over the telephone: about 20 bits for each of its
    ``groups`` of four characters."""
    parts = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(groups))
    return "-".join(parts)


def unusable() -> str:
    """A hash that nothing matches: an unknown login must cost as much as a known one."""
    return _first()[0]


def cost() -> float:
    """The seconds that one hash took, when the first one was computed."""
    return _first()[1]


@cache
def _first() -> tuple[str, float]:
    begun = time.monotonic()
    return hashed(secrets.token_hex(16)), time.monotonic() - begun
