"""COPY: new nodes that name the same bytes. What the actor does not see is not copied."""

from sqlalchemy import select

from davserver.errors import Refused
from davserver.model import DeadProperty, Dossier, Node, NodeState
from davserver.tree import folders as making
from davserver.tree import locks, publication, put, side_files, verbs, write
from davserver.tree.lookup import Path, Spot, sees
from davserver.tree.members import Member
from davserver.tree.put import Guard
from davserver.tree.relocate import Relocation, held_ends
from davserver.work import Work


def copy(
    work: Work,
    source_path: Path,
    target_path: Path,
    guard: Guard,
    *,
    overwrite: bool,
    deep: bool,
) -> Relocation:
    """Copy a node, with all its members if ``deep`` (RFC 4918 §9.8.3), whole or not at all."""
    both = held_ends(work, source_path, target_path, overwrite=overwrite)
    _, node = both.source.existing()
    if both.target.node is not None and both.target.node.id == node.id:
        raise Refused("La source et la destination sont le même document.")
    there, _ = both.target.place()
    guard(work, both.source)
    inside = _visible(work, both) if deep else []
    target = both.target.as_seen()
    work.gate.require(verbs.copy(work, both.source, inside, target, both.overwritten))
    both.target.require_free()
    if verbs.is_side(work, target.freed(), folder=node.is_folder):
        side_files.require_room(work, node.size + sum(member.node.size for member in inside))
    locks.require(work, target.folders, target.node, membership=True, deep=True)
    if target.node is not None and not node.is_folder and not target.node.is_open:
        # What others have under this name stays until they may have the copy.
        content = write.content_of(work, node)
        publication.require(work, there, target.folders, target.name, content)
    if target.node is not None:
        write.remove_tree(work, there, target.node)
    _copy(work, there, target, node, inside)
    return both


def _visible(work: Work, both: Relocation) -> list[Member]:
    """The members that exist for the actor; nothing below a hidden folder."""
    dossier, node = both.source.existing()
    shown = {node.id}
    found = []
    for member in both.inside:
        if member.node.parent_id in shown and member.node.state is not NodeState.SIDE:
            if sees(work, dossier, member.folders, member.node):
                shown.add(member.node.id)
                found.append(member)
    return found


def _copy(work: Work, there: Dossier, target: Spot, node: Node, inside: list[Member]) -> None:
    copies: dict[int, tuple[Node, tuple[Node, ...]]] = {}

    def one(original: Node, folders: tuple[Node, ...], name: str) -> None:
        spot = Spot((*target.path, name), there, folders, None, seen=False)
        if original.is_folder:
            made = making.create(work, there, spot)
        else:
            # What is no side file does not become one by lying in a folder that is copied.
            side = None if original is node else folders[-1].state is NodeState.SIDE
            made = put.create(work, there, spot, write.content_of(work, original), side=side)
        copies[original.id] = (made, (*folders, made))
        for dead in work.session.scalars(
            select(DeadProperty).where(DeadProperty.node_id == original.id)
        ):
            work.session.add(DeadProperty(node_id=made.id, tag=dead.tag, xml=dead.xml))

    one(node, target.folders, target.name)
    for member in inside:
        if member.node.parent_id is not None:
            one(member.node, copies[member.node.parent_id][1], member.node.name)
    write.record(
        work,
        "node.copy",
        there,
        source=node.name,
        to=write.path_of(target.folders, target.name),
        members=len(inside),
    )
