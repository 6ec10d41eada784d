"""What the ordinary properties of a resource are told from: plain values, compared and hashed.

Two resources with the same facts have the same properties, so what was written of one is found
again for the other, in the next listing and in those of other people: nothing can be out of date.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from xml.sax.saxutils import escape

from davserver.providers.answers import http_date
from davserver.providers.resources import content_type


class Facts(NamedTuple):
    """A resource as one person knows it. ``name`` is the one shown, ``tag`` its entity tag,
    ``modified`` the date that he may know, ``size`` bytes. ``changeable``: whether content, name
    and properties may be changed by him."""

    name: str
    is_folder: bool
    size: int
    sha256: str
    created: datetime
    modified: datetime
    tag: str
    changeable: bool


_SUPPORTED = "".join(
    f"<D:lockentry><D:lockscope><D:{scope}/></D:lockscope>"
    "<D:locktype><D:write/></D:locktype></D:lockentry>"
    for scope in ("exclusive", "shared")
)


def _resourcetype(facts: Facts) -> str:
    return "<D:collection/>" if facts.is_folder else ""


def _supportedlock(facts: Facts) -> str:
    # Empty where nothing can be locked: LibreOffice then opens read-only without an error.
    return _SUPPORTED if facts.changeable else ""


def _win32_attributes(facts: Facts) -> str:
    # Read-only and « archive », or « archive » alone; folders: « directory ».
    if facts.is_folder:
        return "00000010"
    return "00000020" if facts.changeable else "00000021"


def _checksums(facts: Facts) -> str | None:
    if facts.is_folder or not facts.sha256:
        return None
    return f'<C:checksum xmlns:C="http://owncloud.org/ns">SHA256:{facts.sha256}</C:checksum>'


DAV: dict[str, Callable[[Facts], str | None]] = {
    "creationdate": lambda facts: facts.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "displayname": lambda facts: escape(facts.name),
    "getlastmodified": lambda facts: http_date(facts.modified),
    "resourcetype": _resourcetype,
    "getcontentlength": lambda facts: None if facts.is_folder else str(facts.size),
    "getcontenttype": lambda facts: None if facts.is_folder else content_type(facts.name),
    "getetag": lambda facts: facts.tag,
    "supportedlock": _supportedlock,
}
OTHER: dict[str, Callable[[Facts], str | None]] = {
    "{urn:schemas-microsoft-com:}Win32FileAttributes": _win32_attributes,
    "{urn:schemas-microsoft-com:}Win32CreationTime": lambda facts: http_date(facts.created),
    "{urn:schemas-microsoft-com:}Win32LastModifiedTime": lambda facts: http_date(facts.modified),
    "{urn:schemas-microsoft-com:}Win32LastAccessTime": lambda facts: http_date(facts.modified),
    "{http://owncloud.org/ns}checksums": _checksums,
    "{http://apache.org/dav/props/}executable": lambda facts: None if facts.is_folder else "F",
}
