"""From a path to what stands there, as the actor may know it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.orm import contains_eager

from davserver.errors import Conflict, Locked, NotFound, Refused
from davserver.model import (
    Dossier,
    DossierKind,
    Grant,
    Membership,
    Node,
    NodeRole,
    NodeState,
    Platform,
)
from davserver.names import composed, name_key
from davserver.policy import Act, Rights
from davserver.tree.members import below, is_left_document
from davserver.work import Work

ROOT_ID = 1
SPACE_NAME = "Espace de l'expert"
_SPACE_KEY = name_key(SPACE_NAME)

Path = tuple[str, ...]
"""Names from the root of the drive down, decoded once, in NFC; ``()`` is the root."""


_MINE_OR_REAL: ColumnElement[bool] = or_(Node.scratch_of == 0, Node.scratch_of == bindparam("me"))
_CHILD = (
    select(Node)
    .where(
        Node.parent_id == bindparam("folder"), Node.name_key == bindparam("key"), _MINE_OR_REAL
    )
    .order_by(Node.scratch_of.desc())
    .limit(1)
)  # fmt: skip
_MEMBERS = (
    select(Node)
    .where(Node.parent_id == bindparam("folder"), _MINE_OR_REAL)
    .order_by(Node.name_key, Node.scratch_of)
)
_SOURCES = (
    select(Node, Dossier)
    .join(Dossier, Dossier.id == Node.dossier_id)
    .join(Dossier.platform)
    .options(contains_eager(Dossier.platform))
)
_SOURCE = _SOURCES.where(
    Node.parent_id == ROOT_ID,
    Node.name_key == bindparam("key"),
    Dossier.kind == DossierKind.EXPERTISE,
)
_MY_GROUPS = select(Membership.group_id).where(Membership.user_id == bindparam("me"))
_MY_DOSSIERS = (
    select(Node.dossier_id)
    .join(Grant, Grant.node_id == Node.id)
    .where(or_(Grant.user_id == bindparam("me"), Grant.group_id.in_(_MY_GROUPS)))
)
# By the dossiers, which are few: not among all that lies at the root.
_GRANTED = _SOURCES.where(
    Node.sources(),
    Dossier.kind == bindparam("kind"),
    Node.dossier_id.in_(_MY_DOSSIERS),
).order_by((Platform.expert_id == bindparam("me")).desc(), Node.name_key)


@dataclass(frozen=True)
class Spot:
    """A place in the tree. ``folders`` lead from the dossier's source folder to the parent.

    ``node`` is what stands there, also when the actor may not see it; ``seen`` says whether he may.
    ``dossier`` is None for the root, and for a place whose way is missing or hidden (``lost``).
    """

    path: Path
    dossier: Dossier | None
    folders: tuple[Node, ...]
    node: Node | None
    seen: bool
    lost: bool = False

    @property
    def name(self) -> str:
        return self.path[-1] if self.path else ""

    @property
    def parent(self) -> Node | None:
        return self.folders[-1] if self.folders else None

    @property
    def is_folder(self) -> bool:
        return self.node is not None and self.node.is_folder

    @property
    def is_root(self) -> bool:
        return not self.path

    def existing(self) -> tuple[Dossier, Node]:
        """What stands here. Raises NotFound where nothing does, or nothing that may be seen, and
        Refused for the root, which belongs to no dossier."""
        if self.is_root:
            raise Refused("La racine du lecteur ne se modifie pas.", phrase="Racine protegee")
        if self.node is None or not self.seen or self.lost or self.dossier is None:
            raise NotFound("Ce fichier ou ce dossier n'existe pas.")
        return self.dossier, self.node

    def as_seen(self) -> "Spot":
        """The spot as the actor knows it: what he does not see is a free name."""
        return self if self.seen else replace(self, node=None)

    def freed(self) -> "Spot":
        """The spot once what stands there is gone: where something that overwrites it lands."""
        return replace(self, node=None)

    def require_free(self) -> None:
        """To be asked of a name that the actor sees as free, after the gate has let him write here:
        raises Locked where somebody else is depositing, Refused where something is hidden."""
        if self.node is None or self.seen:
            return
        if self.node.is_open:
            raise Locked(
                "Quelqu'un d'autre est en train de déposer sous ce nom.",
                phrase="Depot en cours sous ce nom",
            )
        raise Refused("Ce nom n'est pas disponible.", phrase="Nom non disponible")

    def is_spelt_otherwise(self, *, way: bool) -> bool:
        """Whether the client calls what stands here by another spelling than its own: other
        capitals, « ss » for « ß », but not another form of the accents. ``way``: the folders on the
        way to it are compared, too; where nothing stands, they alone."""
        if self.node is not None and self.node.role is not NodeRole.PLAIN:
            return False
        steps = [*zip(self.folders, self.path, strict=False)] if way else []
        elsewhere = any(
            folder.name != given for folder, given in steps if folder.role is NodeRole.PLAIN
        )
        return elsewhere or (self.node is not None and self.name != self.node.name)

    def place(self) -> tuple[Dossier, Node]:
        """The folder where a name may be created. Raises Conflict where it is missing."""
        if self.lost:
            raise Conflict("Le dossier où vous écrivez n'existe pas.")
        if self.dossier is None or self.parent is None:
            raise Refused("On ne crée rien ici : choisissez un dossier d'expertise.")
        return self.dossier, self.parent


def find(work: Work, path: Sequence[str]) -> Spot:
    """The spot of ``path``. A way that is missing and one that is hidden give the same answer."""
    steps: Path = tuple(composed(name) for name in path)
    if not steps:
        return Spot((), None, (), work.session.get_one(Node, ROOT_ID), seen=True)
    found = _source(work, steps[0])
    if found is None:
        return Spot(steps, None, (), None, seen=False, lost=len(steps) > 1)
    folders: list[Node] = []
    node: Node | None = found[0]
    dossier = found[1]
    for name in steps[1:]:
        if node is None or not node.is_folder or not sees(work, dossier, folders, node):
            return Spot(steps, None, (), None, seen=False, lost=True)
        folders.append(node)
        node = child(work, node, name)
    seen = node is not None and sees(work, dossier, folders, node)
    return Spot(steps, dossier, tuple(folders), node, seen=seen)


def find_held(work: Work, path: Sequence[str]) -> Spot:
    """As :func:`find`, for who is about to write: other writers of the dossier wait from here on,
    and what they did while this one waited is seen."""
    spot = find(work, path)
    if spot.dossier is not None and work.hold(spot.dossier):
        return find(work, path)
    return spot


def sees(work: Work, dossier: Dossier, folders: Sequence[Node], node: Node) -> bool:
    """Whether ``node`` exists for the actor."""
    return work.gate.permits(work.action(Act.SEE, dossier, folders, node))


def child(work: Work, folder: Node, name: str) -> Node | None:
    """The member of ``folder`` called ``name``: the actor's own side file before the real one."""
    asked = {"folder": folder.id, "key": name_key(name), "me": work.actor.id}
    return work.session.scalars(_CHILD, asked).first()


def members(work: Work, spot: Spot) -> list[Node]:
    """What the actor sees in the folder of ``spot``, in the order of names."""
    if spot.is_root:
        return sources(work)
    dossier, folder = spot.existing()
    chain = [*spot.folders, folder]
    nodes = work.session.scalars(_MEMBERS, {"folder": folder.id, "me": work.actor.id}).all()
    # One name is one member: of two the own side file, as :func:`child` has it.
    found = {node.name_key: node for node in nodes}.values()
    visible = _visible(work, dossier, chain, found)
    # A Mac removes a folder only if its listing is empty: litter alone does not count.
    if folder.state is NodeState.SIDE or any(_counts(work, chain, node) for node in visible):
        return visible
    return []


def _visible(
    work: Work, dossier: Dossier, chain: Sequence[Node], nodes: Iterable[Node]
) -> list[Node]:
    """Those of the members of a folder that exist for the actor."""
    judged: dict[tuple[NodeState, int | None], bool] = {}
    visible = []
    for node in nodes:
        if node.is_folder or not work.gate.sees_alike:
            seen = sees(work, dossier, chain, node)
        else:
            kind = (node.state, node.author_id)
            if kind not in judged:
                judged[kind] = sees(work, dossier, chain, node)
            seen = judged[kind]
        if seen:
            visible.append(node)
    return visible


def _counts(work: Work, folders: Sequence[Node], node: Node) -> bool:
    """Whether a person has something in ``node``: all but litter and files without content."""
    if node.state is not NodeState.SIDE or is_left_document(folders, node):
        return True
    return any(
        is_left_document(member.folders, member.node) for member in below(work, folders, node)
    )


def sources(work: Work) -> list[Node]:
    """The source folders that the actor sees at the root, his own space included.

    One « Espace de l'expert » is shown: the actor's own, else the first that is opened to him.
    """
    dossiers = _seen_sources(work, DossierKind.EXPERTISE)
    rest = sorted((node for node, _ in dossiers), key=lambda node: node.name_key)
    space = _space(work)
    return [*rest, *([space[0]] if space else [])]


def _source(work: Work, name: str) -> tuple[Node, Dossier] | None:
    """The source folder called ``name``, with its dossier; of the spaces the one that the actor
    sees."""
    key = name_key(name)
    if key == _SPACE_KEY:
        return _space(work)
    found = work.session.execute(_SOURCE, {"key": key}).first()
    return None if found is None else (found[0], found[1])


def _space(work: Work) -> tuple[Node, Dossier] | None:
    return next(iter(_seen_sources(work, DossierKind.EXPERT_SPACE)), None)


def _seen_sources(work: Work, kind: DossierKind) -> list[tuple[Node, Dossier]]:
    """The source folders of this kind in which the actor has a grant and that exist for him, his
    own first, then in the order of names."""
    asked = {"kind": kind, "me": work.actor.id}
    rows = work.session.execute(_GRANTED, asked).all()
    work.keep(dossier for _, dossier in rows)
    return [(node, dossier) for node, dossier in rows if sees(work, dossier, [], node)]


def folders_seen(work: Work, dossier: Dossier) -> Iterator[tuple[int, int, bool]]:
    """All folders of ``dossier`` that the actor may see: see :meth:`Outline.seen`."""
    source = work.session.scalars(
        select(Node.id).where(Node.sources(), Node.dossier_id == dossier.id)
    ).one()
    return work.outline(dossier).seen(
        source, work.actor.id, lambda chain: work.rights_along(dossier, chain)
    )


def box_of(folders: Sequence[Node]) -> Node | None:
    """The mailbox among ``folders``; there is never one inside another."""
    return next((folder for folder in folders if folder.role is NodeRole.MAILBOX), None)


def shown_name(node: Node, dossier: Dossier | None) -> str:
    """The name under which ``node`` is shown: an expert's space has one name for all experts."""
    if node.role is NodeRole.SOURCE and dossier and dossier.kind is DossierKind.EXPERT_SPACE:
        return SPACE_NAME
    return node.name


def shown_date(node: Node, rights: Rights) -> datetime:
    """The date under which ``node`` is shown to who has ``rights`` in it. A folder's date tells of
    its files: who sees none of them is told when it was made."""
    return node.created if node.is_folder and Rights.VIEW not in rights else node.modified
