"""One resource as one person sees it: what its properties are told from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from davserver.model import Dossier, Lock, Node, NodeRole, NodeState, Platform
from davserver.policy.rights import Rights
from davserver.tree import room, synchronise
from davserver.tree.entity_tags import Tags
from davserver.tree.lookup import Path, shown_date
from davserver.tree.room import Room
from davserver.work import Work


class Shared:
    """What the resources of one answer have in common, fetched once per dossier."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.tags = Tags(work)
        self._tokens: dict[int, str] = {}
        self._rooms: dict[int, Room] = {}
        self._experts: dict[int, int] = {}

    def token(self, dossier: Dossier) -> str:
        """The sync token of this moment (RFC 6578 §4)."""
        if dossier.id not in self._tokens:
            self._tokens[dossier.id] = synchronise.token(self._work, dossier)
        return self._tokens[dossier.id]

    def room(self, dossier: Dossier) -> Room:
        """How much is used and left (RFC 4331), as the actor may know it."""
        if dossier.id not in self._rooms:
            self._rooms[dossier.id] = room.as_seen(self._work, dossier)
        return self._rooms[dossier.id]

    def expert(self, dossier: Dossier) -> int:
        """The id of the expert whose dossier it is."""
        if dossier.id not in self._experts:
            platform = self._work.session.get_one(Platform, dossier.platform_id)
            self._experts[dossier.id] = platform.expert_id
        return self._experts[dossier.id]


@dataclass
class View:
    """The resource, with what a listing has fetched for all its members.

    ``name`` is that of a member, empty for the resource that was asked for. ``locks`` are its
    own, then those that it inherits.
    """

    work: Work
    path: Path
    name: str
    node: Node
    dossier: Dossier | None
    folders: Sequence[Node]
    locks: Sequence[Lock]
    dead: dict[str, str]
    shared: Shared

    @cached_property
    def rights(self) -> Rights:
        """The rights in the folder, or in the folder of the file; at the root one only browses."""
        if self.dossier is None:
            return Rights.READ
        return self.work.rights_along(self.dossier, self.chain)

    @cached_property
    def chain(self) -> tuple[int, ...]:
        """The ids of the folders down to the folder, or to the folder of the file."""
        inner = [*self.folders, *([self.node] if self.node.is_folder else [])]
        return tuple(folder.id for folder in inner)

    @property
    def modified(self) -> datetime:
        """The date that this person may know of."""
        return shown_date(self.node, self.rights)

    @property
    def own_open(self) -> bool:
        """An unfinished or side file, which its author may still change."""
        return self.node.state is not NodeState.PUBLISHED

    @property
    def changeable(self) -> bool:
        """Whether content, name and properties may be changed: what clients lock for."""
        if self.own_open:
            return True
        fixed = self.node.is_piece or self.node.role is not NodeRole.PLAIN
        return not fixed and Rights.MODIFY in self.rights
