"""PROPFIND (RFC 4918 §9.1)."""

from dataclasses import replace

from davserver.errors import NotFound
from davserver.providers import listing
from davserver.providers.address import href
from davserver.providers.answers import Answer, multistatus
from davserver.providers.exchange import Exchange
from davserver.tree import verbs
from davserver.tree.lookup import Spot, find


def answer(exchange: Exchange) -> Answer:
    """207. A folder is listed with its members at most, never a whole dossier; so it is without a
    Depth header, since programs that send none mean this."""
    depth = exchange.depth("1", ("0", "1", "infinity"))
    minimal, no_root = exchange.prefers("return=minimal"), exchange.prefers("depth-noroot")
    asked = listing.asked(exchange.xml(), minimal=minimal)
    with exchange.site.reading(exchange.actor, exchange.client) as work:
        spot = find(work, exchange.path)
        if _is_mistaken(exchange, spot):
            raise NotFound("Aucun fichier ne porte ce nom, écrit ainsi.")
        work.gate.require(verbs.propfind(work, spot))
        if depth == "infinity" and spot.is_folder:
            raise listing.Endless
        exchange.conditions.guard_get(work, spot)
        base = exchange.address.echo or href(spot.path, folder=spot.is_folder)
        views = [
            view
            for view in listing.listing(work, spot, deep=depth == "1")
            if view.name or not (no_root and depth == "1")
        ]
        shown = [listing.described(view, asked, base) for view in views]
        # How long a lock still lasts is told anew each time.
        lasting = not any(view.locks for view in views)
    offered = ("return=minimal", "depth-noroot") if depth == "1" else ("return=minimal",)
    return replace(exchange.preferred(multistatus(shown), *offered), lasting=lasting)


def _is_mistaken(exchange: Exchange, spot: Spot) -> bool:
    """Whether the client would take another file for its own: one it has under another spelling."""
    exact = exchange.client.program.case_exact and not spot.is_folder
    return exact and spot.seen and spot.is_spelt_otherwise(way=False)
