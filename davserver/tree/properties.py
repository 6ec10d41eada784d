"""Dead properties: what clients store and the server gives back unread (RFC 4918 §4, §9.2)."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from davserver.errors import BadRequest, Full
from davserver.model import DeadProperty, Node
from davserver.tree import locks, verbs, write
from davserver.tree.lookup import Path, Spot, find
from davserver.tree.put import Guard
from davserver.work import Work

LONGEST_NAME = 255  # characters, namespace included
MOST_BYTES = 65_536  # of all dead properties of one resource
Change = tuple[str, str | None]
"""A property's Clark name (``{namespace}name``) and its new XML; None removes it."""

_IGNORED = ("{urn:schemas-microsoft-com:}", "{http://apache.org/dav/props/}executable")
_IGNORED_NAMES = ("{DAV:}lastmodified", "{SAR:}lastmodified")


def ignored(tag: str) -> bool:
    """Dates and attributes that file managers set on what they have written: accepted, not kept,
    since the dates of a deposit are the server's."""
    return tag.startswith(_IGNORED) or tag in _IGNORED_NAMES


def describe(work: Work, path: Path, changes: Sequence[Change], guard: Guard) -> tuple[Spot, bool]:
    """Set and remove properties, all or none. Returns the spot and whether it was permitted.

    A sealed piece keeps what it has: for a short while after the seal dates are accepted without
    effect, since file managers set them last and call the whole copy failed otherwise.
    """
    spot = find(work, path)
    _, node = spot.existing()
    guard(work, spot)
    if node.is_piece:
        return spot, write.just_sealed(work, node) and all(ignored(tag) for tag, _ in changes)
    dossier, _ = spot.existing()
    work.hold(dossier)
    if all(ignored(tag) for tag, _ in changes):
        permitted = all(work.gate.permits(action) for action in verbs.proppatch(work, spot))
        if not permitted:
            return spot, False
    else:
        work.gate.require(verbs.proppatch(work, spot))
    locks.require(work, spot.folders, node)
    for tag, xml in changes:
        if not ignored(tag):
            _set(work, node, tag, xml)
    deposit = write.deposit_of(work, node) if node.is_open else None
    if deposit is not None:
        deposit.touched_at = work.now
    return spot, True


def dead(work: Work, nodes: Sequence[Node]) -> dict[int, dict[str, str]]:
    """The dead properties of each of ``nodes``, by node id and Clark name."""
    found: dict[int, dict[str, str]] = {}
    ids = [node.id for node in nodes]
    for start in range(0, len(ids), 500):
        for row in work.session.scalars(
            select(DeadProperty).where(DeadProperty.node_id.in_(ids[start : start + 500]))
        ):
            found.setdefault(row.node_id, {})[row.tag] = row.xml
    return found


def _set(work: Work, node: Node, tag: str, xml: str | None) -> None:
    if len(tag) > LONGEST_NAME:
        raise BadRequest("Le nom d'une propriété est trop long.")
    work.session.execute(
        delete(DeadProperty).where(DeadProperty.node_id == node.id, DeadProperty.tag == tag)
    )
    if xml is None:
        return
    kept = work.session.scalars(select(DeadProperty.xml).where(DeadProperty.node_id == node.id))
    if sum(len(other.encode()) for other in kept) + len(xml.encode()) > MOST_BYTES:
        raise Full("Trop de propriétés sur ce document.", phrase="Trop de proprietes")
    work.session.add(DeadProperty(node_id=node.id, tag=tag, xml=xml))
    work.session.flush()
