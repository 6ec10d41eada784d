"""WsgiDAV's view of the tree: a folder and a file as they are for one person at one moment."""

import mimetypes
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from wsgidav.dav_provider import DAVCollection, DAVNonCollection

from davserver.model import Blob, Node
from davserver.policy import Rights
from davserver.storage import Stored
from davserver.tree.entity_tags import Tags
from davserver.tree.lookup import Spot, members, shown_date
from davserver.work import Work

# What Windows and old tables do not know, or know under several names.
_TYPES = {
    ".dwg": "image/vnd.dwg",
    ".dxf": "image/vnd.dxf",
    ".heic": "image/heic",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pdf": "application/pdf",
}


def content_type(name: str) -> str:
    """The media type by the name's ending."""
    ending = "." + name.rpartition(".")[2].lower()
    return _TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


class _Shown:
    """What WsgiDAV asks alike of a file and of a folder. ``tag``: its entity tag, quoted;
    ``modified``: the date under which this person sees it."""

    def __init__(
        self, path: str, environ: dict[str, Any], node: Node, tag: str, modified: datetime
    ) -> None:
        super().__init__(path, environ)  # type: ignore[call-arg]
        self.node = node
        self.tag = tag
        self.modified = modified

    def get_creation_date(self) -> float:
        return self.node.created.timestamp()

    def get_last_modified(self) -> float:
        return self.modified.timestamp()

    def get_display_name(self) -> str:
        return self.node.name

    def get_etag(self) -> str:
        return self.tag.strip('"')

    def support_etag(self) -> bool:
        return True


class File(_Shown, DAVNonCollection):
    """A file. Its content is read from the blob store, outside of any transaction."""

    def __init__(
        self,
        path: str,
        environ: dict[str, Any],
        node: Node,
        tag: str,
        piece: Stored | None,
        work: Work,
    ) -> None:
        super().__init__(path, environ, node, tag, node.modified)
        self._piece = piece
        self._blobs = work.blobs
        self._checked = work.caches.checked

    def get_content_length(self) -> int:
        return self.node.size

    def get_content_type(self) -> str:
        return content_type(self.node.name)

    def support_ranges(self) -> bool:
        return True

    def get_content(self) -> Iterator[bytes]:
        return self.read(0, self.node.size)

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """``length`` bytes from ``start``. Raises Unavailable when the store is away, or when the
        piece is damaged and this would end it."""
        if self._piece is None:
            return iter(())
        return self._checked.read(self._blobs, self._piece, start, length)


class Folder(_Shown, DAVCollection):
    """A folder; ``list_names`` gives its members as this person sees them."""

    def __init__(
        self,
        path: str,
        environ: dict[str, Any],
        node: Node,
        tag: str,
        modified: datetime,
        list_names: Callable[[], list[str]],
    ) -> None:
        super().__init__(path, environ, node, tag, modified)
        self._list_names = list_names

    def get_member_names(self) -> list[str]:
        return self._list_names()


def resource(work: Work, spot: Spot, environ: dict[str, Any]) -> File | Folder | None:
    """What the actor may know of ``spot``; None: nothing there for him.

    Who gives him the content of a file asks the gate before. A folder's names are read while
    ``work`` lasts.
    """
    node = spot.node
    if node is None or not spot.seen:
        return None
    path = "/" + "/".join(spot.path)
    tag = Tags(work).of(node)
    if node.is_folder:
        rights = (
            Rights.READ
            if spot.dossier is None
            else work.rights_in(spot.dossier, [*spot.folders, node])
        )
        return Folder(
            path, environ, node, tag, shown_date(node, rights),
            lambda: [m.name for m in members(work, spot)],
        )  # fmt: skip
    blob = work.session.get(Blob, node.blob_id) if node.blob_id is not None else None
    piece = Stored(blob.key, blob.size, blob.sha256) if blob is not None else None
    return File(path, environ, node, tag, piece, work)
