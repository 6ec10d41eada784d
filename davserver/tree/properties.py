"""Dead properties: what clients store and the server gives back unread (RFC 4918 §4, §9.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from sqlalchemy import select

from davserver.dates import parsed
from davserver.errors import BadRequest, Full
from davserver.model import DeadProperty, Dossier, Node
from davserver.tree import changes, locks, verbs, write
from davserver.tree.lookup import Path, Spot, find_held
from davserver.tree.members import among
from davserver.tree.put import Guard
from davserver.work import Work

LONGEST_NAME = 255  # characters, namespace included
MOST_BYTES = 65_536  # of all dead properties of one resource
# Of what will be sealed so: others list it for years, and Windows no listing beyond 1,000,000.
MOST_OF_DEPOSIT = 4_096


@dataclass(frozen=True)
class Change:
    """A property's Clark name (``{namespace}name``), its new XML (None removes it) and the text in
    it."""

    tag: str
    xml: str | None
    text: str = ""


# What file managers set on what they have just written: their dates and their attributes.
_DATES = ("{urn:schemas-microsoft-com:}Win32LastModifiedTime", "{SAR:}lastmodified",
          "{DAV:}lastmodified")  # fmt: skip
_IGNORED = ("{http://apache.org/dav/props/}executable", "{DAV:}displayname")
_MICROSOFTS = "{urn:schemas-microsoft-com:}"


def trifling(tag: str) -> bool:
    """Whether setting this is no description of the document: a date, which becomes the one shown,
    or what is accepted and not kept."""
    return tag in (*_DATES, *_IGNORED) or tag.startswith(_MICROSOFTS)


def describe(work: Work, path: Path, wanted: Sequence[Change], guard: Guard) -> tuple[Spot, bool]:
    """Set and remove properties, all or none. Returns the spot and whether it was permitted.

    A sealed piece keeps what it has: for a short while after the seal dates are accepted without
    effect, since file managers set them last and call the whole copy failed otherwise.
    """
    spot = find_held(work, path)
    dossier, node = spot.existing()
    if node.is_piece:
        # Whatever its conditions: the token of who has just written is gone with the seal.
        return spot, write.just_sealed(work, node) and all(
            trifling(change.tag) for change in wanted
        )
    guard(work, spot)
    if all(trifling(change.tag) for change in wanted):
        permitted = all(work.gate.permits(action) for action in verbs.proppatch(work, spot))
        if not permitted:
            return spot, False
    else:
        work.gate.require(verbs.proppatch(work, spot))
    locks.require(work, spot.folders, node)
    set_all(work, dossier, node, wanted)
    deposit = write.deposit_of(work, node) if node.is_open else None
    if deposit is not None:
        deposit.touched_at = work.now
    return spot, True


def set_all(work: Work, dossier: Dossier, node: Node, wanted: Sequence[Change]) -> None:
    """Set and remove properties of ``node``. The caller has asked the gate."""
    for change in wanted:
        if change.tag in _DATES:
            told = write.date(work, node, parsed(change.text))
        else:
            told = not trifling(change.tag) and _set(work, node, change.tag, change.xml)
        if told:
            changes.changed(work, dossier, node)


def dead(work: Work, nodes: Sequence[Node], listed: Node | None) -> dict[int, dict[str, str]]:
    """The dead properties of each of ``nodes``, by node id and Clark name. ``listed``: see
    :func:`among`."""
    found: dict[int, dict[str, str]] = {}
    for these in among(DeadProperty.node_id, nodes, listed):
        for row in work.session.scalars(select(DeadProperty).where(these)):
            found.setdefault(row.node_id, {})[row.tag] = row.xml
    return found


def name_in(xml: str) -> str | None:
    """The Clark name of the element that ``xml`` is; None where one of the usual parsers (expat)
    does not take it, so that it would make a whole listing unreadable."""
    try:
        return ElementTree.fromstring(xml).tag
    except ElementTree.ParseError:
        return None


def _set(work: Work, node: Node, tag: str, xml: str | None) -> bool:
    """Set or remove one property; whether it is another one than before."""
    if len(tag) > LONGEST_NAME:
        raise BadRequest("Le nom d'une propriété est trop long.")
    if xml is not None and name_in(xml) != tag:
        raise BadRequest("Cette propriété ne pourrait pas être relue par tous les programmes.")
    before = work.session.get(DeadProperty, (node.id, tag))
    if (before.xml if before is not None else None) == xml:
        return False
    if before is not None:
        work.session.delete(before)
        work.session.flush()
    if xml is None:
        return True
    most = MOST_OF_DEPOSIT if node.is_open else MOST_BYTES
    kept = work.session.scalars(select(DeadProperty.xml).where(DeadProperty.node_id == node.id))
    if sum(len(other.encode()) for other in kept) + len(xml.encode()) > most:
        raise Full("Trop de propriétés sur ce document.", phrase="Trop de proprietes")
    work.session.add(DeadProperty(node_id=node.id, tag=tag, xml=xml))
    work.session.flush()
    return True
