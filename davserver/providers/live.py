"""Live properties: what the server knows of a resource (RFC 4918 §15, RFC 4331, RFC 3744)."""

from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape, quoteattr

from davserver.model import Lock, Node
from davserver.providers import access
from davserver.providers.address import href
from davserver.providers.answers import http_date
from davserver.providers.resources import content_type
from davserver.providers.view import View
from davserver.tree.lookup import Path, shown_name
from davserver.tree.properties import trifling
from davserver.work import Work

XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
_SUPPORTED = "".join(
    f"<D:lockentry><D:lockscope><D:{scope}/></D:lockscope>"
    "<D:locktype><D:write/></D:locktype></D:lockentry>"
    for scope in ("exclusive", "shared")
)


def _resourcetype(view: View) -> str:
    return "<D:collection/>" if view.node.is_folder else ""


def _supportedlock(view: View) -> str:
    # Empty where nothing can be locked: LibreOffice then opens read-only without an error.
    return _SUPPORTED if view.changeable else ""


def _win32_attributes(view: View) -> str:
    # Read-only and « archive », or « archive » alone; folders: « directory ».
    if view.node.is_folder:
        return "00000010"
    return "00000020" if view.changeable else "00000021"


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


def _checksums(view: View) -> str | None:
    if view.node.is_folder or not view.node.sha256:
        return None
    return f'<C:checksum xmlns:C="http://owncloud.org/ns">SHA256:{view.node.sha256}</C:checksum>'


def _lockdiscovery(view: View) -> str:
    # A listing repeats what is inherited for each member: without the owner, who may be of 4,096
    # characters, and stands at the root.
    way = (*view.folders, view.node)
    return "".join(
        _activelock(
            lock,
            view.work,
            lockroot(lock, view.path, way),
            owned=lock.node_id == view.node.id,
        )
        for lock in view.locks
    )


_DAV: dict[str, Callable[[View], str | None]] = {
    "creationdate": lambda view: view.node.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "displayname": lambda view: escape(shown_name(view.node, view.dossier)),
    "getlastmodified": lambda view: http_date(view.modified),
    "resourcetype": _resourcetype,
    "getcontentlength": lambda view: None if view.node.is_folder else str(view.node.size),
    "getcontenttype": lambda view: None if view.node.is_folder else content_type(view.node.name),
    "getetag": lambda view: view.shared.tags.of(view.node),
    "supportedlock": _supportedlock,
    "lockdiscovery": _lockdiscovery,
}
# Told only to who asks for them by name (RFC 4331 §2, RFC 3744 §5).
_DAV_NAMED: dict[str, Callable[[View], str | None]] = {
    "quota-available-bytes": lambda view: _quota(view, used=False),
    "quota-used-bytes": lambda view: _quota(view, used=True),
    "sync-token": _sync_token,
    "supported-report-set": _reports,
}
_OTHER: dict[str, Callable[[View], str | None]] = {
    "{urn:schemas-microsoft-com:}Win32FileAttributes": _win32_attributes,
    "{urn:schemas-microsoft-com:}Win32CreationTime": lambda view: http_date(view.node.created),
    "{urn:schemas-microsoft-com:}Win32LastModifiedTime": lambda view: http_date(view.modified),
    "{urn:schemas-microsoft-com:}Win32LastAccessTime": lambda view: http_date(view.modified),
    "{http://owncloud.org/ns}checksums": _checksums,
    "{http://apache.org/dav/props/}executable": lambda view: None if view.node.is_folder else "F",
}
# Set by file managers; tree/properties.py says what becomes of it.
_SETTABLE = frozenset(tag for tag in _OTHER if tag != "{http://owncloud.org/ns}checksums")
ALL = tuple(f"{{DAV:}}{name}" for name in _DAV)
_VALUES = (
    {f"{{DAV:}}{name}": value for name, value in (_DAV | _DAV_NAMED).items()}
    | {f"{{DAV:}}{name}": value for name, value in access.PROPERTIES.items()}
    | _OTHER
)


def is_protected(tag: str) -> bool:
    """Whether clients may not set this property: a live one, or an invented one of « DAV: », which
    some programs take for an answer of the server (Explorer hides what is « ishidden »)."""
    invented = tag.startswith("{DAV:}") and not trifling(tag)
    return invented or (tag in _VALUES and tag not in _SETTABLE)


def names(view: View) -> list[str]:
    """The properties that this resource has, for ``propname``."""
    return [tag for tag in ALL if _VALUES[tag](view) is not None] + list(view.dead)


def usual(view: View) -> list[str]:
    """The properties told for ``allprop``: not the name again, which the href has. Windows reads no
    listing beyond 1,000,000 bytes."""
    return [tag for tag in names(view) if tag != "{DAV:}displayname"]


def element(view: View, tag: str) -> str | None:
    """The property ``tag`` of a resource as XML; None when it has no such property."""
    if tag in view.dead:
        return view.dead[tag]
    value = _VALUES[tag](view) if tag in _VALUES else None
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
    namespace, _, name = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    if namespace == "DAV:":
        return f"D:{name}", f"D:{name}"
    if namespace == XML_NAMESPACE:  # no other prefix may be bound to it
        return f"xml:{name}", f"xml:{name}"
    if not namespace:
        return f'{name} xmlns=""', name
    return f"P:{name} xmlns:P={quoteattr(namespace)}", f"P:{name}"
