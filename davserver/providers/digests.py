"""Checksums that clients send with a body, and those that they are told (RFC 9530).

What a client says of its content is verified before anything is kept: a disk or a line that turns
bits shows here or never. Algorithms that are not known are ignored, as RFC 9530 §2 has it.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

from davserver.errors import BadRequest
from davserver.model import Node


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Adler32:
    def __init__(self) -> None:
        self._sum = 1

    def update(self, data: bytes, /) -> None:
        self._sum = zlib.adler32(data, self._sum)

    def digest(self) -> bytes:
        return self._sum.to_bytes(4, "big")


def _md5() -> _Hash:
    return hashlib.md5(usedforsecurity=False)  # against broken lines, not against forgers


def _sha1() -> _Hash:
    return hashlib.sha1(usedforsecurity=False)


_ALGORITHMS: dict[str, Callable[[], _Hash]] = {
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "sha1": _sha1,
    "md5": _md5,
    "adler32": _Adler32,
}
_NAMES = {"sha-256": "sha256", "sha-512": "sha512", "sha": "sha1", "sha-1": "sha1"}
_MEMBER = re.compile(r"\s*([a-z0-9-]+)\s*=\s*:([A-Za-z0-9+/=]*):\s*(?:;[^,]*)?", re.IGNORECASE)


class Announced:
    """The checksums announced with one body. Raises BadRequest when made from malformed ones."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        said = [
            *_oc(headers.get("oc-checksum", "")),
            *_dictionary(headers.get("content-digest", "")),
            *_dictionary(headers.get("repr-digest", "")),
            *_instance(headers.get("digest", "")),
            *_instance(_with_name("md5", headers.get("content-md5", ""))),
        ]
        self._expected = [
            (_ALGORITHMS[name](), digest) for name, digest in said if name in _ALGORITHMS
        ]

    def update(self, block: bytes) -> None:
        """Count the next block of the body."""
        for found, _ in self._expected:
            found.update(block)

    def require(self) -> None:
        """Raise BadRequest unless the body was the one announced."""
        if any(found.digest() != digest for found, digest in self._expected):
            raise BadRequest(
                "Le fichier reçu n'est pas celui que votre programme a annoncé : rien n'a été "
                "enregistré. Recommencez l'envoi.",
                phrase="Somme de controle differente",
            )


def told(node: Node) -> tuple[tuple[str, str], ...]:
    """The headers that tell a file's checksum, for its whole content."""
    if not node.sha256:
        return ()
    value = base64.b64encode(bytes.fromhex(node.sha256)).decode()
    return (("Repr-Digest", f"sha-256=:{value}:"), ("OC-Checksum", f"SHA256:{node.sha256}"))


def _oc(text: str) -> list[tuple[str, bytes]]:
    """``SHA1:0123… MD5:…``, in hexadecimal digits (ownCloud's header)."""
    found = []
    for part in text.split():
        name, colon, digits = part.partition(":")
        if not colon or not digits:
            raise _malformed()
        if name.lower() not in _ALGORITHMS:
            continue
        try:
            found.append((name.lower(), bytes.fromhex(digits)))
        except ValueError:
            raise _malformed() from None
    return found


def _dictionary(text: str) -> list[tuple[str, bytes]]:
    """``sha-256=:…:, sha-512=:…:`` (RFC 9530 §2, RFC 8941 §3.2)."""
    found = []
    for part in text.split(",") if text.strip() else ():
        match = _MEMBER.fullmatch(part)
        if match is None:
            raise _malformed()
        found.append(_named(match[1], match[2]))
    return found


def _instance(text: str) -> list[tuple[str, bytes]]:
    """``SHA-256=…,MD5=…`` (RFC 3230 §4.3.1)."""
    found = []
    for part in text.split(",") if text.strip() else ():
        name, equals, value = part.strip().partition("=")
        if not equals:
            raise _malformed()
        found.append(_named(name, value))
    return found


def _with_name(name: str, value: str) -> str:
    return f"{name}={value.strip()}" if value.strip() else ""


def _named(name: str, value: str) -> tuple[str, bytes]:
    known = _NAMES.get(name.lower(), name.lower())
    if known not in _ALGORITHMS:
        return known, b""  # its value may have any form
    try:
        return known, base64.b64decode(value, validate=True)
    except ValueError:  # binascii.Error is one
        raise _malformed() from None


def _malformed() -> BadRequest:
    return BadRequest("La somme de contrôle annoncée est mal formée.")
