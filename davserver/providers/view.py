"""One resource as one person sees it: what its properties are told from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from davserver.model import Dossier, Lock, Node, NodeRole, NodeState
from davserver.policy.rights import Rights
from davserver.tree.entity_tags import Tags
from davserver.tree.lookup import Path
from davserver.work import Work


@dataclass
class View:
    """The resource, with what a listing has fetched for all its members.

    ``name`` is that of a member, empty for the resource that was asked for.
    """

    work: Work
    path: Path
    name: str
    node: Node
    dossier: Dossier | None
    folders: Sequence[Node]
    locks: Sequence[Lock]
    dead: dict[str, str]
    tags: Tags

    @cached_property
    def rights(self) -> Rights:
        """The rights in the folder, or in the folder of the file; at the root one only browses."""
        if self.dossier is None:
            return Rights.READ
        return self.work.rights_map(self.dossier).of(self.work.actor.id, self.chain)

    @cached_property
    def chain(self) -> tuple[int, ...]:
        """The ids of the folders down to the folder, or to the folder of the file."""
        inner = [*self.folders, *([self.node] if self.node.is_folder else [])]
        return tuple(folder.id for folder in inner)

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
