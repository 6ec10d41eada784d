"""Addresses: the one parser from what clients send to names, and back.

The request line, the Destination header and the tags of the If header all pass here, are split
before they are decoded, and decoded once: policy and store receive the same list of names
(RFC 3986 §2.4).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlsplit

from davserver.errors import BadDestination, BadRequest
from davserver.names import composed, reordering, unprintable
from davserver.tree.lookup import Path

ROOT = "dav"  # the drive is mounted from /dav/; « / » is a collection that holds it
_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PLAIN = re.compile(r"(?:/[A-Za-z0-9%!$&'()*+,;=:@._~-]+)+/?")
_OFTEN = 1_000  # characters of a target that is remembered
_SAFE = "!$&'()*+,;=:@-._~"


@dataclass(frozen=True)
class Address:
    """Where a request points: ``site`` for « / » itself, else a path in the drive.

    ``spelt`` is the last name in the form in which the client gave it.

    ``echo`` is the target as the client spelt it, if it spelt the names in their one form: clients
    compare the hrefs of the answer with what they asked (RFC 4918 §8.3), escapes included.
    """

    path: Path
    site: bool = False
    slash: bool = False
    echo: str = ""
    spelt: str = ""


def parse(raw: str) -> Address:
    """The address of a raw request target. Raises BadRequest for what no name can be."""
    return _parsed_often(raw) if len(raw) <= _OFTEN else _parsed(raw)


def _parsed(raw: str) -> Address:
    target = raw.split("?", 1)[0]
    if "#" in target:
        raise BadRequest("Cette adresse est mal formée.")
    if target == "*":
        return Address((), site=True)
    decoded = [_decoded(segment) for segment in target.split("/") if segment]
    names = [composed(name) for name in decoded]
    slash = target.endswith("/")
    if not names:
        return Address((), site=True, slash=True)
    if names[0] != ROOT:
        return Address(tuple(names), site=True, slash=slash)
    faithful = decoded == names and _PLAIN.fullmatch(target)
    return Address(
        tuple(names[1:]), slash=slash, echo=target if faithful else "", spelt=decoded[-1]
    )


_parsed_often = lru_cache(maxsize=2_048)(_parsed)


def parse_url(url: str, hosts: frozenset[str]) -> Address:
    """The address in a Destination or an If tag: a path, or a URL of this server (``hosts``: the
    lower-case authorities by which the client knows it).

    Raises BadDestination for another server, BadRequest for nonsense.
    """
    url = url.strip(" ")  # blanks only: the last byte of a bare « à » is a white space to Python
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadRequest("L'adresse de destination est mal formée.") from None
    # urlsplit drops a tabulator, an empty query and an empty fragment, as if they were not there.
    if not parts.path.startswith("/") or any(char in url for char in "?#\t"):
        raise BadRequest("L'adresse de destination est mal formée.")
    if parts.scheme or parts.netloc:
        authority = parts.netloc.rpartition("@")[2]  # KDE writes login and password before it
        known = parts.scheme in ("http", "https") and authority.lower() in hosts
        if not known:
            raise BadDestination("La destination n'est pas sur ce serveur.")
    return parse(parts.path)


def href(path: Path, *, folder: bool) -> str:
    """The absolute path of a resource, as answers give it: upper-case escapes, folders with a
    slash."""
    names = "".join("/" + _quoted(name) for name in (ROOT, *path))
    return names + ("/" if folder else "")


def below(base: str, names: Path, *, folder: bool = False) -> str:
    """The href of what lies at ``names`` below the resource at ``base``, or of that one itself."""
    path = base.rstrip("/") + "".join("/" + _quoted(name) for name in names)
    return path + ("/" if folder else "")


@lru_cache(maxsize=2_048)
def _quoted(name: str) -> str:
    return quote(name, safe=_SAFE)


def _decoded(segment: str) -> str:
    """The name that a segment spells, in whatever form."""
    try:
        raw = segment.encode("latin-1")
        if _ESCAPE.search(raw):
            raise ValueError
        name = unquote_to_bytes(raw).decode("utf-8")
    except ValueError:
        raise BadRequest("Cette adresse est mal formée : elle n'est pas en UTF-8.") from None
    forbidden = "/" in name or "\\" in name or name in (".", "..")
    if forbidden or unprintable(name) or reordering(name):
        raise BadRequest(
            "Ce nom contient un caractère interdit.", phrase="Caractere interdit dans le nom"
        )
    return name
