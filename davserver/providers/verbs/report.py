"""REPORT (RFC 3253 §3.6): ``sync-collection``, what has changed since a moment (RFC 6578)."""

import re
from typing import Any
from xml.sax.saxutils import escape

from davserver.errors import BadRequest, Full, Refused
from davserver.providers import listing
from davserver.providers.address import below, href
from davserver.providers.answers import Answer, gone, multistatus
from davserver.providers.exchange import Exchange
from davserver.tree import synchronise, verbs
from davserver.tree.lookup import find


def answer(exchange: Exchange) -> Answer:
    """207 with what came, changed and went, and the token to begin from next time."""
    exchange.depth("0", ("0",))
    body = exchange.xml()
    if body is None or body.tag != "{DAV:}sync-collection":
        raise Refused(
            "Ce rapport n'existe pas ici.", phrase="Rapport inconnu", condition="supported-report"
        )
    start, deep, most = _text(body, "sync-token"), _level(body), _limit(body)
    asked = _asked(body, minimal=exchange.prefers("return=minimal"))
    with exchange.site.reading(exchange.actor, exchange.client) as work:
        spot = find(work, exchange.path)
        work.gate.require(verbs.propfind(work, spot))
        exchange.conditions.guard_get(work, spot)
        if spot.is_root or not spot.is_folder:
            raise Refused(
                "On ne synchronise qu'un dossier, à partir de celui de l'expertise.",
                phrase="Choisissez un dossier d'expertise",
                condition="supported-report",
            )
        changes = synchronise.since(work, spot, start, deep=deep)
        if most is not None and len(changes.changed) + len(changes.removed) > most:
            # A part of the changes has no moment of its own (RFC 6578 §3.7 permits to refuse).
            raise Full(
                "Il y a plus de changements que votre programme n'en accepte.",
                phrase="Trop de changements",
                condition="number-of-matches-within-limits",
            )
        dossier, _ = spot.existing()
        base = exchange.address.echo or href(spot.path, folder=True)
        here = len(spot.path)
        found = [(change.path, change.member) for change in changes.changed]
        shown = [
            listing.described(view, asked, below(base, path[here:]))
            for path, view in listing.views(work, dossier, found)
        ]
    for removed in changes.removed:
        shown.append(gone(below(base, removed.path[here:], folder=removed.is_folder)))
    token = f"<D:sync-token>{escape(changes.token)}</D:sync-token>"
    return exchange.preferred(multistatus([*shown, token]), "return=minimal")


def _asked(body: Any, *, minimal: bool) -> listing.Asked:
    part = body.find("{DAV:}prop")
    if part is None:
        raise BadRequest("Cette demande de synchronisation ne nomme aucune propriété.")
    return listing.Asked(tuple(child.tag for child in part), minimal=minimal)


def _level(body: Any) -> bool:
    """Whether all depths are asked. Raises BadRequest: the level must be said (§6.3)."""
    level = _text(body, "sync-level")
    if level not in ("1", "infinite"):
        raise BadRequest("Il manque la profondeur de la synchronisation.")
    return level == "infinite"


def _limit(body: Any) -> int | None:
    """The most changes that the client takes (RFC 5323 §5.17)."""
    text = body.findtext("{DAV:}limit/{DAV:}nresults")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise BadRequest("Le nombre de résultats voulu n'est pas un nombre.")
    return int(text)


def _text(body: Any, name: str) -> str:
    return (body.findtext(f"{{DAV:}}{name}") or "").strip()
