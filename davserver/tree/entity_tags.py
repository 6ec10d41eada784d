"""Entity tags: one word per state of a resource (RFC 9110 §8.8.3, RFC 4918 §15.6), quoted.

A file's tag is its content's: a seal, a MOVE or a lock does not change it. A folder's tag is one
person's: it changes when something below that this person may see comes, goes or changes, at any
depth, and only then. Programs that synchronise walk down only where it has changed.
"""

import hashlib
from collections.abc import Sequence

from sqlalchemy import select

from davserver.model import Dossier, Node, NodeKind, NodeState
from davserver.tree.lookup import ROOT_ID, sources
from davserver.work import Work

NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4"  # the start of the SHA-256 of no byte
REMEMBERED = 10_000  # tags remembered per outline


def of_file(node: Node) -> str:
    """The strong tag of a file."""
    return f'"{node.sha256[:40] or NOTHING}"'


class Tags:
    """The tags that one work gives: what they need of a dossier is fetched once."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._unfinished: dict[int, list[tuple[int, int | None, int]]] = {}

    def of(self, node: Node) -> str:
        """The tag of a file, or of a folder as the actor sees it."""
        if not node.is_folder:
            return of_file(node)
        if node.id == ROOT_ID:
            inside = [(source.id, self.of(source)) for source in sources(self._work)]
            return f'"{_digest(inside)}"'
        dossier = self._work.session.get_one(Dossier, node.dossier_id)
        tag = self._of_shown(dossier, node)
        own = self._own(dossier, node)
        return f'"{_digest([tag, own]) if own else tag}"'

    def _of_shown(self, dossier: Dossier, folder: Node) -> str:
        """The digest of all but the actor's unfinished files."""
        me, outline = self._work.actor.id, self._work.outline(dossier)
        key = (me, dossier.rights_revision, folder.id)
        found = outline.tags.get(key)
        if found is None:
            # All devices that see a dossier read it alike: the tag is the same for all of them.
            seen = outline.seen(
                folder.id, me, lambda chain: self._work.rights_along(dossier, chain)
            )
            found = _digest([folder.id, sorted(seen)])
            if len(outline.tags) >= REMEMBERED:
                outline.tags.clear()
            outline.tags[key] = found
        return found

    def _own(self, dossier: Dossier, folder: Node) -> list[tuple[int, int]]:
        """The actor's unfinished files below ``folder``, each with its last change."""
        if dossier.id not in self._unfinished:
            rows = self._work.session.execute(
                select(Node.id, Node.parent_id, Node.change)
                .where(
                    Node.dossier_id == dossier.id,
                    Node.state.in_((NodeState.RESERVED, NodeState.RECEIVED)),
                    Node.author_id == self._work.actor.id,
                    Node.kind == NodeKind.FILE,
                )
                .order_by(Node.id)
            )
            self._unfinished[dossier.id] = [(row[0], row[1], row[2]) for row in rows]
        unfinished = self._unfinished[dossier.id]
        outline = self._work.outline(dossier) if unfinished else None
        return [
            (node_id, change)
            for node_id, parent_id, change in unfinished
            if outline is not None and folder.id in outline.chain(parent_id)
        ]


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:40]
