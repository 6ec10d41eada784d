"""Passwords: argon2id, in a form that carries its own parameters (RFC 9106)."""

import secrets
from functools import cache
from threading import BoundedSemaphore

from passlib.context import CryptContext

LONGEST = 256  # characters: argon2 takes any length, a request should not
_AT_ONCE = BoundedSemaphore(4)  # each hash takes 64 MB: guessing must not take the memory of all
_CONTEXT = CryptContext(schemes=["argon2"], argon2__type="ID")
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is misread on paper


class BadPassword(ValueError):
    """A password that cannot be set; the text is a French sentence."""


def hashed(password: str) -> str:
    """The hash to keep. Raises BadPassword for an empty or endless one."""
    if not password or len(password) > LONGEST or "\x00" in password:
        raise BadPassword(f"Un mot de passe a de 1 à {LONGEST} caractères.")
    with _AT_ONCE:
        return str(_CONTEXT.hash(password))


def matches(password: str, known: str) -> bool:
    """Whether ``password`` is the one of the hash ``known``; False for a malformed hash."""
    if len(password) > LONGEST or "\x00" in password:
        return False
    with _AT_ONCE:
        try:
            return bool(_CONTEXT.verify(password, known))
        except ValueError:
            return False


def generated() -> str:
    """A random password that can be read over the telephone (about 79 bits)."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


@cache
def unusable() -> str:
    """A hash that nothing matches: an unknown login must cost as much as a known one."""
    return hashed(secrets.token_hex(16))
