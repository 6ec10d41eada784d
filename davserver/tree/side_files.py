"""Side files and other leftovers of programs: kept for a month, within bounds, then gone."""

from datetime import timedelta

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from davserver.errors import Full
from davserver.model import Dossier, DossierKind, Node, NodeKind, NodeState
from davserver.tree import write
from davserver.work import Work


def require_room(work: Work, size: int) -> None:
    """Raise Full when ``size`` more bytes of side files are too many for one account."""
    kept = work.session.scalar(
        select(func.coalesce(func.sum(Node.size), 0)).where(
            Node.state == NodeState.SIDE, Node.author_id == work.actor.id
        )
    )
    if (kept or 0) + size > work.settings.deposit.side_file_quota:
        raise Full("Trop de fichiers temporaires : fermez vos programmes, puis recommencez.")


def expired(work: Work) -> list[int]:
    """The ids of side files and of folders reserved in a mailbox that nobody came back to.

    In the expert's own space nothing expires: what looks temporary there may be his.
    """
    return list(work.session.scalars(_expired(work)))


def expire(work: Work, node_id: int) -> None:
    """Remove one of :func:`expired`, unless something has happened to it since."""
    node = work.session.get(Node, node_id)
    if node is None:
        return
    dossier = work.session.get_one(Dossier, node.dossier_id)
    work.hold(dossier)
    if work.session.scalars(_expired(work).where(Node.id == node_id)).first() is None:
        return
    write.remove_tree(work, dossier, node)


def _expired(work: Work) -> Select[int]:
    times = work.settings.deposit
    member = aliased(Node)
    side = and_(
        Node.state == NodeState.SIDE,
        Node.written < work.now - timedelta(seconds=times.side_file_life),
    )
    folder = and_(
        Node.state == NodeState.RESERVED,
        Node.kind == NodeKind.FOLDER,
        Node.created < work.now - timedelta(seconds=times.reservation),
    )
    # A folder that holds anything else than older side files is still in use.
    in_use = (
        exists()
        .where(member.parent_id == Node.id)
        .where(
            or_(
                member.state != NodeState.SIDE,
                member.written >= work.now - timedelta(seconds=times.side_file_life),
            )
        )
    )
    return (
        select(Node.id)
        .join(Dossier, Dossier.id == Node.dossier_id)
        .where(or_(side, folder), Dossier.kind == DossierKind.EXPERTISE, ~in_use)
    )
