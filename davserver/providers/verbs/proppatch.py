"""PROPPATCH (RFC 4918 §9.2): all or none."""

from typing import Any

from davserver.errors import BadRequest
from davserver.providers import property_changes
from davserver.providers.address import href
from davserver.providers.answers import Answer, multistatus, propstats, response
from davserver.providers.exchange import Exchange
from davserver.tree import properties
from davserver.tree.lookup import find
from davserver.tree.properties import Change


def answer(exchange: Exchange) -> Answer:
    """207 with the outcome of each property; 204 for a success of which nobody wants to hear."""
    exchange.depth("0", ("0",))
    changes = _changes(exchange.xml())
    bad = property_changes.protected(changes, exchange.path[-1] if exchange.path else "")
    if bad:
        with exchange.site.reading(exchange.actor, exchange.client) as work:
            spot = find(work, exchange.path)
            _, node = spot.existing()
    else:
        with exchange.site.writing(exchange.actor, exchange.client) as work:
            spot, permitted = properties.describe(
                work, exchange.path, changes, exchange.conditions.guard
            )
            _, node = spot.existing()
        bad = [] if permitted else [change.tag for change in changes]
    if not bad and exchange.prefers("return=minimal"):
        return exchange.preferred(Answer(204), "return=minimal")
    where = exchange.address.echo or href(spot.path, folder=node.is_folder)
    return multistatus([response(where, propstats(property_changes.outcome(changes, bad)))])


def _changes(body: Any) -> list[Change]:
    """The changes asked. Raises BadRequest for what is no propertyupdate."""
    if body is None or body.tag != "{DAV:}propertyupdate":
        raise BadRequest("Cette demande de modification de propriétés est mal formée.")
    changes = property_changes.read(body)
    if not changes:
        raise BadRequest("Cette demande ne change aucune propriété.")
    return changes
