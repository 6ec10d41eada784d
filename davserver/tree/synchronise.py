"""What has changed in a folder since a moment (RFC 6578), as one person may know it.

A sync token names the last change that the person can know of, and the rights under which he knew
it: after a change of rights he begins anew, since what he sees may have changed without an act.
Side files are nobody's to synchronise.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from davserver.errors import Refused
from davserver.model import Dossier, Node, NodeKind, NodeRole, NodeState, Removal
from davserver.tree.lookup import Path, Spot, folders_seen, sees
from davserver.tree.members import Member, batches, ids_below
from davserver.work import Work

_TOKEN = re.compile(r"urn:davserver:sync:([0-9a-f]{16})-([0-9a-f]{20})")


@dataclass(frozen=True)
class Removed:
    """A name that is gone, by its path from the root of the drive."""

    path: Path
    is_folder: bool


@dataclass(frozen=True)
class Changed:
    """A node that came or changed, by its path from the root of the drive."""

    path: Path
    member: Member


@dataclass(frozen=True)
class Changes:
    """What came or changed, oldest first, and what is gone, up to ``token``."""

    changed: list[Changed]
    removed: list[Removed]
    token: str


def is_token(text: str | None) -> bool:
    """Whether ``text`` is a sync token of this server, valid or not."""
    return text is not None and _TOKEN.fullmatch(text) is not None


def token(work: Work, dossier: Dossier) -> str:
    """The sync token of this moment. One serves for all folders of the dossier."""
    return _token(work, dossier, _last_known(work, dossier))


def since(work: Work, spot: Spot, start: str, *, deep: bool) -> Changes:
    """What has changed in the folder of ``spot`` since the token ``start`` (empty: all there is),
    among its members, or at any depth if ``deep``. The caller has asked the gate about the folder.

    Raises Refused with « valid-sync-token » for a token that is none, or no longer.
    """
    dossier, folder = spot.existing()
    after = _number(work, dossier, start)
    if start and any(one.came > after for one in (*spot.folders, folder)):
        raise _begin_anew()  # what was here then, at this address, was another folder
    view = _View(work, spot, dossier, folder, deep=deep)
    changed = []
    for node in _later(work, dossier, folder, after, deep=deep):
        folders = view.folders_to(node.parent_id)
        if folders is not None and sees(work, dossier, folders, node):
            changed.append(Changed(view.path(folders, node.name), Member(node, folders)))
    last = max([_last_known(work, dossier), *(change.member.node.change for change in changed)])
    removed = []
    if start:
        all_gone = work.session.scalars(
            select(Removal)
            .where(Removal.dossier_id == dossier.id, Removal.change > after)
            .order_by(Removal.change, Removal.id)
        ).all()
        view.find_present(all_gone)
        for gone in all_gone:
            if (path := view.path_of(gone)) is not None:
                removed.append(Removed(path, gone.kind is NodeKind.FOLDER))
                last = max(last, gone.change)
    return Changes(changed, list(dict.fromkeys(removed)), _token(work, dossier, last))


def _later(work: Work, dossier: Dossier, folder: Node, after: int, *, deep: bool) -> list[Node]:
    """What bears a later number than ``after``, oldest first; if ``deep``, also what came with a
    folder, whose address alone is new."""
    wanted = select(Node).where(Node.state != NodeState.SIDE, Node.id != folder.id)
    found = {
        node.id: node
        for node in work.session.scalars(
            wanted.where(Node.dossier_id == dossier.id, Node.change > after)
        )
    }
    moved = [node.id for node in found.values() if deep and node.came > after >= 0]
    for some in batches(moved):
        below = ids_below(*some)
        inside = work.session.scalars(wanted.where(Node.id.in_(select(below.c.id))))
        found.update((node.id, node) for node in inside)
    return sorted(found.values(), key=lambda node: (node.change, node.id))


class _View:
    """The folders of the report as the actor sees them."""

    def __init__(
        self, work: Work, spot: Spot, dossier: Dossier, folder: Node, *, deep: bool
    ) -> None:
        self._work = work
        self._dossier = dossier
        self._base = spot.path
        self._depth = len(spot.folders) + 1
        self._known: dict[int | None, tuple[Node, ...] | None] = {
            folder.id: (*spot.folders, folder)
        }
        self._deep = deep
        self._present: dict[tuple[int | None, str], Node] = {}

    def find_present(self, removals: Sequence[Removal]) -> None:
        """Look up what stands today where something was removed."""
        parents = sorted({gone.parent_id for gone in removals})
        for some in batches(parents):
            for node in self._work.session.scalars(
                select(Node).where(Node.parent_id.in_(some), Node.scratch_of == 0)
            ):
                self._present[node.parent_id, node.name] = node

    def folders_to(self, folder_id: int | None) -> tuple[Node, ...] | None:
        """The folders down to this one, itself included; None where the report does not reach, or
        something on the way is hidden."""
        if folder_id not in self._known:
            self._known[folder_id] = self._found(folder_id) if self._deep else None
        return self._known[folder_id]

    def _found(self, folder_id: int | None) -> tuple[Node, ...] | None:
        folder = self._work.session.get(Node, folder_id) if folder_id is not None else None
        if folder is None or folder.state is NodeState.SIDE:
            return None
        before = self.folders_to(folder.parent_id)
        if before is None or not sees(self._work, self._dossier, before, folder):
            return None
        return (*before, folder)

    def path_of(self, gone: Removal) -> Path | None:
        """The path of a removed name; None for who never saw it, or sees something there again."""
        folders = self.folders_to(gone.parent_id)
        if folders is None or any(folder.came > gone.change for folder in folders):
            return None  # it went while its folder was at another address
        # Judged as if it stood there still; what the actor sees there now is told instead.
        was = Node(
            id=gone.node_id,
            name=gone.name,
            kind=gone.kind,
            role=NodeRole.PLAIN,
            state=NodeState.PUBLISHED if gone.only_for is None else NodeState.RESERVED,
            author_id=gone.only_for,
            size=0,
        )
        if not sees(self._work, self._dossier, folders, was):
            return None
        there = self._present.get((gone.parent_id, gone.name))
        if there is not None and sees(self._work, self._dossier, folders, there):
            if there.kind is NodeKind.FILE and was.kind is NodeKind.FILE:
                return None  # told as it is now
            if self._deep or there.kind is not was.kind:
                # What was in the old folder is gone, too, and nobody knows its names any more.
                raise _begin_anew()
            return None
        return self.path(folders, gone.name)

    def path(self, folders: tuple[Node, ...], name: str) -> Path:
        """The path of a member under the name by which the client knows the folder."""
        return (*self._base, *(folder.name for folder in folders[self._depth :]), name)


def _number(work: Work, dossier: Dossier, text: str) -> int:
    """The change that a token names, -1 for the beginning."""
    if not text:
        return -1
    found = _TOKEN.fullmatch(text)
    if found is None:
        raise _begin_anew()
    number = int(found[1], 16) ^ _mask(_secret(work, dossier), found[2])
    if text != _token(work, dossier, number):
        raise _begin_anew()
    if number > dossier.change:
        raise _begin_anew()  # given by a future that a restored backup does not know
    return number


def _begin_anew() -> Refused:
    return Refused(
        "Ce repère de synchronisation n'est plus valable : reprenez depuis le début.",
        phrase="Reprendre la synchronisation",
        condition="valid-sync-token",
    )


def _token(work: Work, dossier: Dossier, number: int) -> str:
    """The token of a change, sealed for one person and the rights under which he knows it, so that
    no other token can be made from it. Its number is masked by the seal: two tokens do not tell how
    much happened between them that the person did not see."""
    secret = _secret(work, dossier)
    seal = _digest(f"{secret} {number}")[:20]
    return f"urn:davserver:sync:{number ^ _mask(secret, seal):016x}-{seal}"


def _secret(work: Work, dossier: Dossier) -> str:
    """What seals one person's tokens: the revision of the rights is random and told to nobody."""
    return f"{dossier.rights_revision} {dossier.id} {work.actor.id}"


def _mask(secret: str, seal: str) -> int:
    """64 bits that nobody can foretell who does not know ``secret``."""
    return int(_digest(f"{secret} {seal}")[:16], 16)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _last_known(work: Work, dossier: Dossier) -> int:
    """The number of the last change in the dossier that the actor can know of: what others do
    unseen must not show in his tokens."""
    me = work.actor.id
    own = select(func.max(Node.change)).where(
        Node.dossier_id == dossier.id,
        Node.state.in_((NodeState.RESERVED, NodeState.RECEIVED)),
        Node.author_id == me,
    )
    dropped = select(func.max(Removal.change)).where(
        Removal.dossier_id == dossier.id, Removal.only_for == me
    )
    return max(
        [0, *(last for _, last, _ in folders_seen(work, dossier))]
        + [work.session.scalar(query) or 0 for query in (own, dropped)]
    )
