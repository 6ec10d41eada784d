"""Live properties: what the server knows of a resource (RFC 4918 §15, RFC 4331, RFC 3744)."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

from davserver.model import Lock, Node
from davserver.providers import access, facts
from davserver.providers.address import href
from davserver.providers.facts import Facts
from davserver.providers.view import View
from davserver.tree.lookup import Path
from davserver.tree.properties import LONGEST_NAME, trifling
from davserver.work import Work

XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


def _quota(view: View, *, used: bool) -> str | None:
    # A Mac that is told a quota hangs while it mounts.
    hangs = view.work.client.program.hangs_on_quota
    if view.dossier is None or not view.node.is_folder or hangs:
        return None
    room = view.shared.room(view.dossier)
    return str(room.used if used else room.left)


def _sync_token(view: View) -> str | None:
    # Of a folder in a dossier: the root holds dossiers, each with a history of its own.
    if view.dossier is None or not view.node.is_folder:
        return None
    return view.shared.token(view.dossier)


def _reports(view: View) -> str:
    if view.dossier is None or not view.node.is_folder:
        return ""
    return "<D:supported-report><D:report><D:sync-collection/></D:report></D:supported-report>"


def _lockdiscovery(view: View) -> str:
    # A listing repeats what is inherited for each member: without the owner, who may be of 4,096
    # characters, and stands at the root.
    way = view.way
    return "".join(
        _activelock(
            lock,
            view.work,
            lockroot(lock, view.path, way),
            owned=lock.node_id == view.node.id,
        )
        for lock in view.locks
    )


# Told only to who asks for them by name (RFC 4331 §2, RFC 3744 §5).
_DAV_NAMED: dict[str, Callable[[View], str | None]] = {
    "quota-available-bytes": lambda view: _quota(view, used=False),
    "quota-used-bytes": lambda view: _quota(view, used=True),
    "sync-token": _sync_token,
    "supported-report-set": _reports,
}
# Set by file managers; tree/properties.py says what becomes of it.
_SETTABLE = frozenset(tag for tag in facts.OTHER if tag != "{http://owncloud.org/ns}checksums")
_OF_FACTS = {f"{{DAV:}}{name}": value for name, value in facts.DAV.items()} | facts.OTHER
_LOCKS = "{DAV:}lockdiscovery"
_OF_VIEW = {
    _LOCKS: _lockdiscovery,
    **{f"{{DAV:}}{name}": value for name, value in (_DAV_NAMED | access.PROPERTIES).items()},
}
USUAL = (*(f"{{DAV:}}{name}" for name in facts.DAV), _LOCKS)


def is_protected(tag: str) -> bool:
    """Whether clients may not set this property: a live one, or an invented one of « DAV: », which
    some programs take for an answer of the server (Explorer hides what is « ishidden »)."""
    invented = tag.startswith("{DAV:}") and not trifling(tag)
    return invented or ((tag in _OF_FACTS or tag in _OF_VIEW) and tag not in _SETTABLE)


def names(view: View) -> list[str]:
    """The properties that this resource has, for ``propname``."""
    return [tag for tag in USUAL if _value(view, tag) is not None] + list(view.dead)


def element(view: View, tag: str) -> str | None:
    """The property ``tag`` of a resource as XML; None when it has no such property."""
    if tag in view.dead:
        return view.dead[tag]
    return _element(tag, _value(view, tag))


def is_plain(tag: str) -> bool:
    """Whether of a resource without locks and dead properties :func:`plain` tells ``tag``."""
    return tag not in _OF_VIEW or tag == _LOCKS


def plain(known: Facts, tag: str) -> str | None:
    """As :func:`element`, of a resource without locks and dead properties."""
    value = _OF_FACTS[tag](known) if tag in _OF_FACTS else "" if tag == _LOCKS else None
    return _element(tag, value)


def _value(view: View, tag: str) -> str | None:
    if tag in _OF_FACTS:
        return _OF_FACTS[tag](view.facts)
    return _OF_VIEW[tag](view) if tag in _OF_VIEW else None


def _element(tag: str, value: str | None) -> str | None:
    if value is None:
        return None
    opening, closing = _tags(tag)
    return f"<{opening}>{value}</{closing}>" if value else f"<{opening}/>"


def empty(tag: str) -> str:
    """The property's name alone, as an empty element."""
    return f"<{_tags(tag)[0]}/>"


def lockdiscovery(lock: Lock, work: Work, root: str) -> str:
    """The lockdiscovery property (RFC 4918 §15.8) of one lock. ``root``: see lockroot."""
    return f"<D:lockdiscovery>{_activelock(lock, work, root)}</D:lockdiscovery>"


def lockroot(lock: Lock, path: Path, way: Sequence[Node]) -> str:
    """The href of where ``lock`` stands: at ``path`` or above it. ``way``: the folders that lead
    there, from the dossier's source folder on, and what stands there itself."""
    depth, node = next((n, node) for n, node in enumerate(way, 1) if node.id == lock.node_id)
    return href(path[:depth], folder=node.is_folder)


def _activelock(lock: Lock, work: Work, root: str, *, owned: bool = True) -> str:
    """The lock as XML; its owner if ``owned``. Owner and token are shown to who took it alone."""
    scope = "exclusive" if lock.exclusive else "shared"
    depth = "infinity" if lock.infinite else "0"
    mine = lock.user_id == work.actor.id
    token = f"<D:locktoken><D:href>{lock.token}</D:href></D:locktoken>" if mine else ""
    left = max(0, int((lock.expires - work.now).total_seconds()))
    return (
        f"<D:activelock><D:locktype><D:write/></D:locktype>"
        f"<D:lockscope><D:{scope}/></D:lockscope><D:depth>{depth}</D:depth>"
        f"{lock.owner if mine and owned else ''}<D:timeout>Second-{left}</D:timeout>{token}"
        f"<D:lockroot><D:href>{escape(root)}</D:href></D:lockroot></D:activelock>"
    )


def _tags(tag: str) -> tuple[str, str]:
    """The opening and closing tag of a Clark name; ``D:`` for DAV:, since some parsers know only
    declared prefixes."""
    return _tags_often(tag) if len(tag) <= LONGEST_NAME else _tags_of(tag)


def _tags_of(tag: str) -> tuple[str, str]:
    namespace, _, name = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    if namespace == "DAV:":
        return f"D:{name}", f"D:{name}"
    if namespace == XML_NAMESPACE:  # no other prefix may be bound to it
        return f"xml:{name}", f"xml:{name}"
    if not namespace:
        return f'{name} xmlns=""', name
    return f"P:{name} xmlns:P={quoteattr(namespace)}", f"P:{name}"


_tags_often = lru_cache(maxsize=1_000)(_tags_of)
