"""MOVE: a node to another name or folder. Rows change, never bytes; identity stays.

Filing is a MOVE too: the expert's, of a piece, from a mailbox into the archive of the same lawyer.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from sqlalchemy import delete, select, update

from davserver.errors import PreconditionFailed, Refused
from davserver.model import AlertRule, Deposit, Dossier, Grant, Node, NodeRole, NodeState
from davserver.names import composed, name_key
from davserver.policy import nearest
from davserver.tree import (
    changes,
    holding,
    locks,
    publication,
    put,
    saving,
    side_files,
    verbs,
    write,
)
from davserver.tree.lookup import Path, Spot, box_of, find
from davserver.tree.members import Member, below, ids_below
from davserver.tree.put import Guard
from davserver.work import Work, entry_of


@dataclass(frozen=True)
class Relocation:
    """Both ends of a MOVE or COPY with everything that they touch."""

    work: Work
    source: Spot
    target: Spot
    overwritten: list[Member]

    @cached_property
    def inside(self) -> list[Member]:
        """All that is below the source: to be asked for before anything has moved."""
        return below(self.work, self.source.folders, self.source.node)

    @property
    def created(self) -> bool:
        """Whether the target's name was free."""
        return self.target.node is None or not self.target.seen


def ends(work: Work, source_path: Path, target_path: Path, *, overwrite: bool) -> Relocation:
    """Both ends, with the checks that MOVE and COPY share (RFC 4918 §9.8, §9.9).

    Raises NotFound, Conflict, Locked (a name that somebody else is depositing), PreconditionFailed
    (taken, and the client does not want to overwrite), Refused (one end lies within the other).
    """
    source = find(work, source_path)
    _, node = source.existing()
    target = find(work, target_path)
    same = target.node is not None and target.node.id == node.id
    if same and composed(target.name) == node.name:
        raise Refused("La source et la destination sont le même document.")
    if any(folder.id == node.id for folder in target.folders):
        raise Refused("Un dossier ne peut pas aller dans lui-même.")
    if target.node is not None and any(f.id == target.node.id for f in source.folders):
        raise Refused("La destination contient la source : elle serait détruite.")
    target.place()
    if target.node is not None and target.seen and not same and not overwrite:
        raise PreconditionFailed("Ce nom est déjà pris.", phrase="Nom deja pris")
    return Relocation(
        work,
        source,
        target,
        below(work, target.folders, target.node) if target.seen and not same else [],
    )


def held_ends(work: Work, source_path: Path, target_path: Path, *, overwrite: bool) -> Relocation:
    """As :func:`ends`, with both dossiers held, always in one order."""
    both = ends(work, source_path, target_path, overwrite=overwrite)
    dossiers = {both.source.existing()[0], both.target.place()[0]}
    in_order = sorted(dossiers, key=lambda dossier: (dossier.platform_id, dossier.id))
    past = [work.hold(dossier) for dossier in in_order]
    return ends(work, source_path, target_path, overwrite=overwrite) if any(past) else both


def move(
    work: Work, source_path: Path, target_path: Path, guard: Guard, *, overwrite: bool
) -> Relocation:
    """Move a node with all its members, whole or not at all."""
    both = held_ends(work, source_path, target_path, overwrite=overwrite)
    dossier, node = both.source.existing()
    there, _ = both.target.place()
    guard(work, both.source)
    same = both.target.node is not None and both.target.node.id == node.id
    # A name that changes only its case or form is its own target: nothing is overwritten.
    target = replace(both.target, node=None) if same else both.target.as_seen()
    aside = saving.set_aside(work, both.source, target)
    if aside is None:
        inside = [] if verbs.is_rename(both.source, target) else both.inside
        work.gate.require(verbs.move(work, both.source, inside, target, both.overwritten))
    if not same:
        both.target.require_free()
    # The content of a side file goes into what stands there; all else overwrites it.
    landing = target if node.state is NodeState.SIDE else target.freed()
    side = verbs.is_side(work, landing, folder=node.is_folder)
    if side and node.is_open:
        side_files.require_room(work, node.size)
    locks.require(work, both.source.folders, node, membership=True, deep=True)
    if not same:
        locks.require(work, target.folders, target.node, membership=True, deep=True)
    if aside is not None:
        _save(work, dossier, node, aside, target)
    elif node.state is NodeState.SIDE and not side:
        _land(work, dossier, node, there, target)
    else:
        if target.parent is not None and target.parent.id != node.parent_id:
            publication.require_all(work, there, target.folders, node)
        _rename(work, dossier, node, both, there, target)
    return both


def _land(work: Work, dossier: Dossier, node: Node, there: Dossier, target: Spot) -> None:
    """A temporary file takes the name of a document: its content arrives there as by PUT."""
    if node.is_folder:
        raise Refused("Un dossier temporaire ne peut pas devenir un dossier déposé.")
    put.adopt(work, there, target, node)
    write.remove_tree(work, dossier, node)


def _save(work: Work, dossier: Dossier, node: Node, aside: Spot, target: Spot) -> None:
    """The document ``aside`` takes its name back with the content of the side file ``node``, as if
    the program had written into it: it stays one document, announced once. The old content stays
    under the temporary name, for the program to remove."""
    there, document = aside.existing()
    locks.require(work, aside.folders, document, membership=True, deep=True)
    before = write.content_of(work, document)
    _rename(work, there, document, Relocation(work, aside, target, []), there, target)
    put.adopt(work, there, replace(target, node=document, seen=True), node)
    write.remove_tree(work, dossier, node)
    put.keep_aside(work, there, aside.freed(), before)


def _rename(
    work: Work, dossier: Dossier, node: Node, both: Relocation, there: Dossier, target: Spot
) -> None:
    _, parent = target.place()
    facts = {
        "path": write.path_of(both.source.folders, node.name),
        "to": write.path_of(target.folders, target.name),
    }
    was_open = node.is_open
    changes.goes(work, dossier, node)
    if target.node is not None:
        write.remove_tree(work, there, target.node)
    locks.drop_in(work, node)
    if there.id != dossier.id:
        _change_dossier(work, dossier, there, node)
    node.parent_id = parent.id
    node.name = composed(target.name)
    node.spelt = ""
    node.name_key = name_key(target.name)
    write.flush_name(work)
    if was_open and not node.is_folder:
        _move_unfinished(work, there, target, node)
        if node.state is NodeState.SIDE:
            write.record(work, "deposit.aside", there, size=node.size, sha256=node.sha256, **facts)
    elif node.state is NodeState.PUBLISHED:
        if box_of(target.folders) is not None and not _from_archive(both):
            _deposit_published(work, there, target, node)
        write.record(work, _act(both, target, node), there, number=node.number, **facts)
    if there.id == dossier.id:
        changes.came(work, there, node)
    else:
        changes.came_from_afar(work, there, node)
    work.session.flush()


def _move_unfinished(work: Work, there: Dossier, target: Spot, node: Node) -> None:
    """An author renames what he has not finished, sets it aside, or takes it to another folder."""
    if verbs.is_side(work, Spot(target.path, there, target.folders, None, seen=False)):
        deposit = write.deposit_of(work, node)
        if deposit is not None:
            work.session.delete(deposit)
        work.grow(there, -node.size)
        node.state = NodeState.SIDE
        node.scratch_of = work.actor.id
    elif not put.publishes(work, there, target, write.content_of(work, node)):
        deposit = write.open_deposit(work, there, target.folders, node)
        holding.look_again(deposit)
    else:
        deposit = write.deposit_of(work, node)
        if deposit is not None:
            work.session.delete(deposit)
        put.publish(work, there, target, node)
    write.flush_name(work)


def _deposit_published(work: Work, dossier: Dossier, target: Spot, node: Node) -> None:
    """Somebody brings a document of his into a mailbox: a deposit, sealed like any other."""
    if node.is_folder:
        raise Refused("Déplacez les fichiers un à un dans la boîte, ou copiez le dossier.")
    node.state = NodeState.RECEIVED
    node.author_id = work.actor.id
    deposit = write.open_deposit(work, dossier, target.folders, node)
    deposit.received_at = work.now


def _change_dossier(work: Work, dossier: Dossier, there: Dossier, node: Node) -> None:
    """The whole subtree now belongs to another dossier: rows only, and the bytes counted.

    Rights and alerts that were given inside it named people of the dossier that it leaves: they
    end here. What bore rights of its own may have been closed by them to some: it is cut from those
    of the new place, until somebody opens it.
    """
    work.session.flush()
    changes.rights_leave(work, [dossier, there], node)
    ids = select(ids_below(node.id).c.id)
    size = sum(
        work.session.scalars(
            select(Node.size).where(Node.id.in_(ids), Node.state != NodeState.SIDE)
        )
    )
    work.session.execute(
        update(Node)
        .where(Node.id.in_(ids))
        .values(dossier_id=there.id)
        .execution_options(synchronize_session=False)
    )
    work.session.execute(
        update(Deposit)
        .where(Deposit.node_id.in_(ids), Deposit.sealed_at.is_(None))
        .values(dossier_id=there.id)
        .execution_options(synchronize_session=False)
    )
    work.session.execute(
        update(Node)
        .where(Node.id.in_(select(Grant.node_id).where(Grant.node_id.in_(ids))))
        .values(inherits=False)
        .execution_options(synchronize_session=False)
    )
    for table in (Grant, AlertRule):
        work.session.execute(
            delete(table).where(table.node_id.in_(ids)).execution_options(synchronize_session=False)
        )
    work.session.refresh(node)
    work.grow(dossier, -size)
    work.grow(there, size)


def _from_archive(both: Relocation) -> bool:
    """Whether the expert takes back a filing: what returns is deposited already."""
    origin = [entry_of(folder) for folder in both.source.folders]
    return nearest(origin, NodeRole.ARCHIVE) is not None


def _act(both: Relocation, target: Spot, node: Node) -> str:
    """« piece.file » for filing, else « node.move »."""
    origin = [entry_of(folder) for folder in both.source.folders]
    goal = [entry_of(folder) for folder in target.folders]
    if nearest(origin, NodeRole.MAILBOX) and nearest(goal, NodeRole.ARCHIVE):
        return "piece.file"
    return "node.move"
