"""One resource as one person sees it: what its properties are told from."""

from collections.abc import Sequence
from dataclasses import dataclass

from davserver.model import Dossier, Lock, Node, NodeRole, NodeState
from davserver.policy.rights import Rights
from davserver.providers.facts import Facts
from davserver.tree import locking, locks, properties, room, synchronise
from davserver.tree.entity_tags import Tags
from davserver.tree.lookup import Path, shown_date, shown_name
from davserver.tree.room import Room
from davserver.work import Work
from davserver.work.outline import Chain


class Shared:
    """What the resources of one answer need, fetched once for all of them. ``above``: the folders
    that lead to ``nodes``, where they inherit locks; one may come twice. ``listed``: the folder of
    which all members are among ``nodes``."""

    def __init__(
        self,
        work: Work,
        nodes: Sequence[Node],
        above: Sequence[Node],
        listed: Node | None = None,
    ) -> None:
        self._work = work
        self.tags = Tags(work)
        self.locks = locking.live_on(work, [*nodes, *above], listed)
        self.dead = properties.dead(work, nodes, listed)
        self._tokens: dict[int, str] = {}
        self._rooms: dict[int, Room] = {}
        self._around: dict[tuple[int | None, int | None], Surroundings] = {}

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

    def in_folder(self, dossier: Dossier | None, folders: tuple[Node, ...]) -> "Surroundings":
        """The surroundings of what lies in the last of ``folders``; at the root those of a source
        folder are its dossier's."""
        key = (dossier.id if dossier else None, folders[-1].id if folders else None)
        if key not in self._around:
            inherited = [
                lock
                for folder in reversed(folders)
                for lock in self.locks.get(folder.id, ())
                if lock.infinite
            ]
            above = tuple(folder.id for folder in folders)
            self._around[key] = Surroundings(
                self._work, dossier, folders, above, self._rights(dossier, above),
                inherited[: locks.MOST_ON_ONE], self,
            )  # fmt: skip
        return self._around[key]

    def _rights(self, dossier: Dossier | None, above: Chain) -> Rights:
        # At the root one only browses.
        return Rights.READ if dossier is None else self._work.rights_along(dossier, above)


@dataclass(slots=True)
class Surroundings:
    """What the resources in one folder have in common: the ``folders`` that lead there, from the
    dossier's source folder on, with their ids, the ``rights`` of the actor in its files, and the
    locks that all inherit."""

    work: Work
    dossier: Dossier | None
    folders: tuple[Node, ...]
    above: Chain
    rights: Rights
    inherited: Sequence[Lock]
    shared: Shared

    def view(self, path: Path, name: str, node: Node) -> "View":
        """A resource that lies here: see :class:`View`."""
        rights = self.rights
        if node.is_folder and self.dossier is not None:
            rights = self.work.rights_along(self.dossier, (*self.above, node.id))
        locks = [*self.shared.locks.get(node.id, ()), *self.inherited]
        dead = self.shared.dead.get(node.id, {})
        return View(self, path, name, node, rights, locks, dead)


@dataclass(slots=True)
class View:
    """The resource, with what a listing has fetched for all its members.

    ``name`` is that of a member, empty for the resource that was asked for. ``rights`` are those in
    the folder, or in the folder of the file; at the root one only browses. ``locks`` are its own,
    then those that it inherits.
    """

    around: Surroundings
    path: Path
    name: str
    node: Node
    rights: Rights
    locks: Sequence[Lock]
    dead: dict[str, str]
    _facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        """What its ordinary properties are told from."""
        if self._facts is None:
            node, rights = self.node, self.rights
            self._facts = Facts(
                shown_name(node, self.dossier), node.is_folder, node.size, node.sha256,
                node.created, shown_date(node, rights), self.shared.tags.of(node),
                _changeable(node, rights),
            )  # fmt: skip
        return self._facts

    @property
    def work(self) -> Work:
        return self.around.work

    @property
    def dossier(self) -> Dossier | None:
        return self.around.dossier

    @property
    def shared(self) -> Shared:
        return self.around.shared

    @property
    def way(self) -> tuple[Node, ...]:
        """The folders that lead to the resource, from the source folder on, and itself."""
        return (*self.around.folders, self.node)

    @property
    def chain(self) -> Chain:
        """The ids of the folders down to the folder, or to the folder of the file."""
        above = self.around.above
        return (*above, self.node.id) if self.node.is_folder else above

    @property
    def own_open(self) -> bool:
        """An unfinished or side file, which its author may still change."""
        return _is_own_open(self.node)


def _is_own_open(node: Node) -> bool:
    return node.state is not NodeState.PUBLISHED


def _changeable(node: Node, rights: Rights) -> bool:
    """Whether content, name and properties may be changed: what clients lock for."""
    if _is_own_open(node):
        return True
    fixed = node.is_piece or node.role is not NodeRole.PLAIN
    return not fixed and Rights.MODIFY in rights
