"""MKCOL (RFC 4918 §9.3), also with properties (RFC 5689)."""

from typing import Any

from davserver.errors import UnsupportedBody
from davserver.providers import property_changes
from davserver.providers.answers import Answer, mkcol_response
from davserver.providers.exchange import Exchange
from davserver.tree import folders
from davserver.tree.properties import Change

_TYPE = "{DAV:}resourcetype"


def answer(exchange: Exchange) -> Answer:
    """201; the folder and its properties are made together, or nothing is."""
    if exchange.announced != 0 and not exchange.has_xml:
        raise UnsupportedBody("La création d'un dossier ne prend pas ce contenu.")
    body = exchange.xml()
    changes = [] if body is None else _changes(body)
    kinds = [child.tag for child in _resourcetype(body)]
    described = [change for change in changes if change.tag != _TYPE]
    bad = property_changes.protected(described, exchange.path[-1] if exchange.path else "")
    if kinds not in ([], ["{DAV:}collection"]):
        return mkcol_response(property_changes.outcome(changes, [_TYPE]), "valid-resourcetype")
    if bad:
        return mkcol_response(property_changes.outcome(changes, bad))
    with exchange.site.reading(exchange.actor, exchange.client) as work:
        folders.announce(work, exchange.path)
    with exchange.site.writing(exchange.actor, exchange.client) as work:
        folders.make(work, exchange.path, exchange.conditions.guard, described)
    return Answer(201)


def _changes(body: Any) -> list[Change]:
    """The properties of a ``D:mkcol`` body. Raises UnsupportedBody for any other."""
    if body.tag != "{DAV:}mkcol":
        raise UnsupportedBody("La création d'un dossier ne prend pas ce contenu.")
    return property_changes.read(body.iterfind("{DAV:}set"))


def _resourcetype(body: Any) -> list[Any]:
    if body is None:
        return []
    return [kind for found in body.iterfind(f"{{DAV:}}set/{{DAV:}}prop/{_TYPE}") for kind in found]
