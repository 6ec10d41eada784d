"""What changed, numbered as it happens: the ground of folder ETags and of synchronisation.

All that one transaction changes in a dossier bears one number, which its row counts: writers of a
dossier wait for each other, so numbers come in the order of the commits. What others may not see
yet marks its own node alone.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, exists, or_, select, update

from davserver.model import Dossier, Grant, Node, NodeState, Removal
from davserver.tree.lookup import ROOT_ID
from davserver.tree.members import ids_below
from davserver.work import Work

REMEMBERED = timedelta(days=90)  # how long it is known what went, at the least


def changed(work: Work, dossier: Dossier, node: Node) -> None:
    """The content, state or properties of ``node`` are new. Side files are nobody else's."""
    if node.state is NodeState.SIDE:
        return
    node.change = work.change(dossier)
    folder = _folder(work, node)
    # Folders bear their own numbers: not everybody who sees the one above may know of them.
    if folder is not None and node.state is NodeState.PUBLISHED and not node.is_folder:
        folder.members_change = node.change


def shown(work: Work, dossier: Dossier, node: Node) -> None:
    """``node`` is there for others from now on, at the address that its author knows. Finder looks
    at the folder's date."""
    changed(work, dossier, node)
    folder = _folder(work, node)
    if folder is not None and _is_shown(work, node):
        folder.modified = work.now


def begins(work: Work, dossier: Dossier, node: Node) -> None:
    """``node`` is new at its address, and nothing is below it."""
    shown(work, dossier, node)
    if node.is_folder and node.state is not NodeState.SIDE:
        node.came = node.change


def came(work: Work, dossier: Dossier, node: Node) -> None:
    """``node`` is new at its address, with all below it: what is below bears its own numbers still,
    and is told by who looks at ``came`` of its folders."""
    begins(work, dossier, node)
    if node.is_folder and node.state is not NodeState.SIDE:
        node.members_change = node.change


def came_from_afar(work: Work, dossier: Dossier, node: Node) -> None:
    """As :func:`came`, from another dossier: the numbers of all below it, and what went from inside
    before, mean nothing here."""
    came(work, dossier, node)
    if node.is_folder and node.state is not NodeState.SIDE:
        work.session.flush()
        ids = select(ids_below(node.id).c.id)
        work.session.execute(
            update(Node)
            .where(Node.id.in_(ids), Node.id != node.id)
            .values(change=node.change, members_change=node.change, came=0)
            .execution_options(synchronize_session=False)
        )
        work.session.execute(
            delete(Removal)
            .where(Removal.parent_id.in_(ids))
            .execution_options(synchronize_session=False)
        )


def goes(work: Work, dossier: Dossier, node: Node) -> None:
    """``node``, still at its old name, is about to leave it. Side files leave no trace."""
    folder = _folder(work, node)
    if folder is None or node.state is NodeState.SIDE:
        return
    work.session.add(
        Removal(
            dossier_id=dossier.id,
            parent_id=folder.id,
            node_id=node.id,
            name=node.name,
            kind=node.kind,
            only_for=None if node.state is NodeState.PUBLISHED else node.author_id,
            change=work.change(dossier),
            at=work.now,
            actor_id=work.actor.id,
        )
    )
    if _is_shown(work, node):
        folder.modified = work.now
    if node.state is NodeState.PUBLISHED and not node.is_folder:
        folder.members_change = work.change(dossier)


def rights_leave(work: Work, dossiers: Sequence[Dossier], node: Node) -> None:
    """``node`` and all below it end or leave their dossier: so do the rights given there. Where
    some were, those of ``dossiers`` are others now, and who synchronises begins anew."""
    ids = select(ids_below(node.id).c.id)
    given = exists().where(Grant.node_id.in_(ids))
    cut = exists().where(Node.id.in_(ids), Node.inherits.is_(False))
    if work.session.scalar(select(or_(given, cut))):
        for dossier in dossiers:
            dossier.rights_changed()


def forget(work: Work) -> bool:
    """Forget what went long ago from one dossier, if there is one; who synchronises it begins anew.

    Not bit by bit: that would make them begin anew each time.
    """
    oldest = work.now - 2 * REMEMBERED
    dossier_id = work.session.scalar(
        select(Removal.dossier_id).where(Removal.at < oldest).order_by(Removal.id).limit(1)
    )
    if dossier_id is None:
        return False
    dossier = work.session.get_one(Dossier, dossier_id)
    work.hold(dossier)
    work.session.execute(
        delete(Removal)
        .where(Removal.dossier_id == dossier.id, Removal.at < work.now - REMEMBERED)
        .execution_options(synchronize_session=False)
    )
    dossier.rights_changed()
    return True


def _is_shown(work: Work, node: Node) -> bool:
    """Whether the folder's date may tell of ``node``: not of a folder that some may not see,
    because it has rights of its own."""
    if node.state is not NodeState.PUBLISHED or not node.inherits:
        return False
    if not node.is_folder or node.id is None:  # a new one has no rights of its own
        return True
    return not work.session.scalar(select(exists().where(Grant.node_id == node.id)))


def _folder(work: Work, node: Node) -> Node | None:
    """The folder of ``node``, if it lies in its dossier: the root of the drive counts nothing."""
    if node.parent_id is None or node.parent_id == ROOT_ID:
        return None
    return work.session.get_one(Node, node.parent_id)
