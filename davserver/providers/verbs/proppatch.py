"""PROPPATCH (RFC 4918 §9.2): all or none."""

from typing import Any

from lxml import etree

from davserver.errors import BadRequest
from davserver.providers import live
from davserver.providers.address import href
from davserver.providers.answers import Answer, multistatus, response
from davserver.providers.exchange import Exchange
from davserver.tree import properties
from davserver.tree.lookup import find


def answer(exchange: Exchange) -> Answer:
    """207 with the outcome of each property. Properties of the server cannot be set."""
    exchange.depth("0", ("0",))
    changes = _changes(exchange.xml())
    protected = [tag for tag, _ in changes if live.is_protected(tag)]
    if protected:
        with exchange.site.reading(exchange.actor, exchange.client) as work:
            spot = find(work, exchange.path)
            _, node = spot.existing()
        bad, permitted = protected, False
    else:
        with exchange.site.writing(exchange.actor, exchange.client) as work:
            spot, permitted = properties.describe(
                work, exchange.path, changes, exchange.conditions.guard
            )
        bad = [tag for tag, _ in changes]
        _, node = spot.existing()
    tags = list(dict.fromkeys(tag for tag, _ in changes))
    if permitted:
        outcome = [(200, _names(tags))]
    else:
        rest = [tag for tag in tags if tag not in bad]
        outcome = [(403, _names([tag for tag in tags if tag in bad]))]
        if rest:
            outcome.append((424, _names(rest)))
    return multistatus([response(href(spot.path, folder=node.is_folder), outcome)])


def _names(tags: list[str]) -> str:
    return "".join(live.empty(tag) for tag in tags)


def _changes(body: Any) -> list[properties.Change]:
    """The changes in document order (§9.2). Raises BadRequest for what is no propertyupdate."""
    if body is None or body.tag != "{DAV:}propertyupdate":
        raise BadRequest("Cette demande de modification de propriétés est mal formée.")
    changes: list[properties.Change] = []
    for instruction in body:
        for prop in instruction.iterfind("{DAV:}prop"):
            for element in prop:
                if instruction.tag == "{DAV:}set":
                    changes.append((element.tag, _kept(element)))
                elif instruction.tag == "{DAV:}remove":
                    changes.append((element.tag, None))
    if not changes:
        raise BadRequest("Cette demande ne change aucune propriété.")
    return changes


def _kept(element: etree._Element) -> str:
    """The element on its own, its inherited language included (§4.3)."""
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    if language not in element.attrib:
        for parent in element.iterancestors():
            if language in parent.attrib:
                element.set(language, parent.attrib[language])
                break
    return etree.tostring(element, encoding="unicode", with_tail=False)
