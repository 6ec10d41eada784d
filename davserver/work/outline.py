"""The folders of one dossier as they stand: where each lies, and when it last changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.model import Dossier, Node, NodeState
from davserver.policy.rights import Rights

Chain = tuple[int, ...]
"""The ids of the folders from the source folder down to one of them, itself included."""
RightsIn = Callable[[Chain], Rights]
"""The rights of one person in the last folder of a chain."""


@dataclass(frozen=True, slots=True)
class _Folder:
    parent_id: int | None
    state: NodeState
    author_id: int | None
    change: int
    members_change: int


class Outline:
    """A snapshot, valid for one state of a dossier. Reads no row once built.

    ``tags`` remembers what was computed from it, by user, revision of the rights, and folder.
    """

    def __init__(self, session: Session, dossier: Dossier) -> None:
        self.tags: dict[tuple[int, int, int], str] = {}
        self._folders: dict[int, _Folder] = {}
        self._children: dict[int | None, list[int]] = {}
        rows = session.execute(
            select(
                Node.id, Node.parent_id, Node.state, Node.author_id, Node.change,
                Node.members_change,
            )
            .where(
                Node.folders(),
                Node.dossier_id == dossier.id,
                Node.state != NodeState.SIDE,
            )
            .order_by(Node.id)
        )  # fmt: skip
        for folder_id, parent_id, state, author_id, change, members_change in rows:
            self._folders[folder_id] = _Folder(parent_id, state, author_id, change, members_change)
            self._children.setdefault(parent_id, []).append(folder_id)

    def chain(self, folder_id: int | None) -> Chain:
        """The way to a folder from the source folder down; empty for one that is not here."""
        found: list[int] = []
        while folder_id in self._folders:
            found.append(folder_id)
            folder_id = self._folders[folder_id].parent_id
        return tuple(reversed(found))

    def seen(
        self, folder_id: int, user_id: int, rights: RightsIn
    ) -> Iterator[tuple[int, int, bool]]:
        """The folder and all folders below it that somebody may see, each with its last change as
        he may know it, and whether he sees its files: else their changes are none of his."""
        pending = [(folder_id, self.chain(folder_id))]
        while pending:
            current, chain = pending.pop()
            folder = self._folders.get(current)
            if folder is None:
                continue
            granted = rights(chain)
            hidden = folder.state is not NodeState.PUBLISHED and folder.author_id != user_id
            if hidden or Rights.BROWSE not in granted:
                continue
            views = Rights.VIEW in granted
            last = max(folder.change, folder.members_change) if views else folder.change
            yield current, last, views
            pending += [(child, (*chain, child)) for child in self._children.get(current, ())]
