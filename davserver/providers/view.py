"""One resource as one person sees it: what its properties are told from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from davserver.model import Dossier, Lock, Node, NodeRole, NodeState, Platform
from davserver.policy.rights import Rights
from davserver.providers.facts import Facts
from davserver.tree import room, synchronise
from davserver.tree.entity_tags import Tags
from davserver.tree.lookup import Path, shown_date, shown_name
from davserver.tree.room import Room
from davserver.work import Work
from davserver.work.outline import Chain


class Shared:
    """What the resources of one answer have in common, fetched once per dossier."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.tags = Tags(work)
        self._tokens: dict[int, str] = {}
        self._rooms: dict[int, Room] = {}
        self._experts: dict[int, int] = {}
        self._rights: dict[Chain, Rights] = {}

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

    def rights(self, dossier: Dossier, chain: Chain) -> Rights:
        """The actor's rights in the last folder of ``chain``."""
        if chain not in self._rights:
            self._rights[chain] = self._work.rights_along(dossier, chain)
        return self._rights[chain]

    def expert(self, dossier: Dossier) -> int:
        """The id of the expert whose dossier it is."""
        if dossier.id not in self._experts:
            platform = self._work.session.get_one(Platform, dossier.platform_id)
            self._experts[dossier.id] = platform.expert_id
        return self._experts[dossier.id]


@dataclass
class View:
    """The resource, with what a listing has fetched for all its members.

    ``name`` is that of a member, empty for the resource that was asked for. ``above`` are the ids
    of its ``folders``. ``locks`` are its own, then those that it inherits.
    """

    work: Work
    path: Path
    name: str
    node: Node
    dossier: Dossier | None
    folders: Sequence[Node]
    above: Chain
    locks: Sequence[Lock]
    dead: dict[str, str]
    shared: Shared

    @cached_property
    def rights(self) -> Rights:
        """The rights in the folder, or in the folder of the file; at the root one only browses."""
        if self.dossier is None:
            return Rights.READ
        return self.shared.rights(self.dossier, self.chain)

    @property
    def chain(self) -> Chain:
        """The ids of the folders down to the folder, or to the folder of the file."""
        return (*self.above, self.node.id) if self.node.is_folder else self.above

    @cached_property
    def facts(self) -> Facts:
        """What its ordinary properties are told from."""
        node = self.node
        return Facts(
            shown_name(node, self.dossier), node.is_folder, node.size, node.sha256, node.created,
            self.modified, self.shared.tags.of(node), self.changeable,
        )  # fmt: skip

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
