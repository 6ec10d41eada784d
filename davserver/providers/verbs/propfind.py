"""PROPFIND (RFC 4918 §9.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from davserver.errors import BadRequest, Refused
from davserver.model import Dossier, Node
from davserver.providers import live
from davserver.providers.address import href, member_href
from davserver.providers.answers import Answer, multistatus, response
from davserver.providers.exchange import Exchange
from davserver.providers.live import View
from davserver.tree import locking, properties, verbs
from davserver.tree.lookup import Spot, find, members, shown_name
from davserver.work import Work


@dataclass(frozen=True)
class _Asked:
    """Which properties: named ones, all with some more, or only their names."""

    named: tuple[str, ...] = ()
    everything: bool = False
    only_names: bool = False


def answer(exchange: Exchange) -> Answer:
    """207. Without a Depth header the folder and its members are listed, never a whole dossier."""
    if exchange.depth("1", ("0", "1", "infinity")) == "infinity":
        raise Refused(
            "Un dossier entier ne se liste pas en une fois.",
            phrase="Depth infinity refuse",
            condition="propfind-finite-depth",
        )
    asked = _asked(exchange.xml())
    deep = exchange.depth("1", ("0", "1")) == "1"
    with exchange.site.reading(exchange.actor, exchange.client) as work:
        spot = find(work, exchange.path)
        work.gate.require(verbs.propfind(work, spot))
        exchange.conditions.guard_get(work, spot)
        base = exchange.address.echo or href(spot.path, folder=spot.is_folder)
        return multistatus(_one(view, asked, base) for view in _views(work, spot, deep=deep))


def _views(work: Work, spot: Spot, *, deep: bool) -> Iterator[View]:
    """The resource and, if ``deep``, its members, with all that their properties need."""
    assert spot.node is not None  # the gate has let the request through
    inside = members(work, spot) if deep and spot.node.is_folder else []
    nodes = [spot.node, *inside]
    locks = locking.live_on(work, nodes)
    dead = properties.dead(work, nodes)

    def view(name: str, node: Node, dossier: Dossier | None, folders: Sequence[Node]) -> View:
        path = (*spot.path, name) if name else spot.path
        return View(
            work, path, name, node, dossier, folders, locks.get(node.id, []), dead.get(node.id, {})
        )

    yield view("", spot.node, spot.dossier, spot.folders)
    for node in inside:
        dossier = spot.dossier
        if dossier is None and node.dossier_id is not None:
            dossier = work.session.get_one(Dossier, node.dossier_id)
        folders = () if spot.is_root else (*spot.folders, spot.node)
        yield view(shown_name(node, dossier), node, dossier, folders)


def _one(view: View, asked: _Asked, base: str) -> str:
    where = member_href(base, view.name, folder=view.node.is_folder)
    if asked.only_names:
        return response(where, [(200, "".join(live.empty(tag) for tag in live.names(view)))])
    tags = [*live.usual(view), *asked.named] if asked.everything else list(asked.named)
    found, missing = [], []
    for tag in dict.fromkeys(tags):
        element = live.element(view, tag)
        if element is None:
            missing.append(live.empty(tag))
        else:
            found.append(element)
    propstats = [(200, "".join(found))] if found or not missing else []
    if missing:
        propstats.append((404, "".join(missing)))
    return response(where, propstats)


def _asked(body: Any) -> _Asked:
    """What the body asks; an empty one asks for all (§9.1). Raises BadRequest."""
    if body is None:
        return _Asked(everything=True)
    children = {child.tag: child for child in body}
    kinds = [tag for tag in ("prop", "allprop", "propname") if f"{{DAV:}}{tag}" in children]
    if body.tag != "{DAV:}propfind" or len(kinds) != 1:
        raise BadRequest("Cette demande de propriétés est mal formée.")
    if kinds == ["propname"]:
        return _Asked(only_names=True)
    part = children.get("{DAV:}prop", children.get("{DAV:}include"))
    named = tuple(child.tag for child in part) if part is not None else ()
    return _Asked(named, everything=kinds == ["allprop"])
