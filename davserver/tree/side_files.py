"""Side files and other leftovers of programs: kept for a while, within bounds, then gone.

A temporary file may hold a document that somebody has saved under an unlucky name. It is no
deposit: it may be a draft, or half a download, and a deposit is for ever. But it never goes without
a word: once no program has come back to it for a while its author is told, and from then on it is
kept long enough to be given its name. It then counts as received when it came.
"""

from datetime import timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from davserver.alerts import outbox
from davserver.alerts.letter import french_moment
from davserver.errors import Full
from davserver.model import (
    Dossier,
    DossierKind,
    Message,
    MessageKind,
    MessageLine,
    Node,
    NodeKind,
    NodeState,
    User,
)
from davserver.policy.rights import Rights
from davserver.policy.side_names import is_litter
from davserver.tree import write
from davserver.tree.members import is_left_document
from davserver.tree.sealing import folders_of
from davserver.work import Work


def require_room(work: Work, size: int) -> None:
    """Raise Full when ``size`` more bytes of side files are too many for one account."""
    if not has_room(work, size):
        raise Full("Trop de fichiers temporaires : fermez vos programmes, puis recommencez.")


def has_room(work: Work, size: int) -> bool:
    """Whether the actor may have ``size`` more bytes of side files."""
    kept = work.session.scalar(
        select(func.coalesce(func.sum(Node.size), 0)).where(
            Node.in_state(NodeState.SIDE), Node.author_id == work.actor.id
        )
    )
    return (kept or 0) + size <= work.settings.deposit.side_file_quota


def untold(work: Work) -> list[int]:
    """The ids of temporary files with content to which no program came back, and whose authors have
    not been told that they are no deposits."""
    rows = work.session.execute(_untold(work)).all()
    return [node_id for node_id, name in rows if not is_litter(name) and _tellable(work, node_id)]


def tell(work: Work, node_id: int) -> None:
    """Tell the author of one of :func:`untold`, unless something has happened to it since."""
    node = work.session.get(Node, node_id)
    if node is None:
        return
    dossier = work.session.get_one(Dossier, node.dossier_id)
    work.hold(dossier)
    if work.session.execute(_untold(work).where(Node.id == node_id)).first() is None:
        return
    node = _tellable(work, node_id)
    if node is None or node.author_id is None:
        return
    end = work.now + timedelta(seconds=work.settings.deposit.temporary_life)
    reason = (
        f"nom de fichier temporaire ; reçu {french_moment(node.written)}, effacé "
        f"{french_moment(end)} s'il garde ce nom"
    )
    outbox.tell(
        work,
        MessageKind.TEMPORARY,
        dossier,
        folders_of(work, node),
        node.name,
        author_id=node.author_id,
        reason=reason,
        node=node,
    )


def expired(work: Work) -> list[int]:
    """The ids of side files and of folders reserved in a mailbox that nobody came back to.

    In the expert's own space nothing expires: what looks temporary there may be his.
    """
    rows = work.session.execute(_expired(work)).all()
    return [node_id for node_id, sure in rows if sure or not _is_left(work, node_id)]


def expire(work: Work, node_id: int) -> None:
    """Remove one of :func:`expired`, unless something has happened to it since."""
    node = work.session.get(Node, node_id)
    if node is None:
        return
    dossier = work.session.get_one(Dossier, node.dossier_id)
    work.hold(dossier)
    row = work.session.execute(_expired(work).where(Node.id == node_id)).first()
    if row is None or (not row.sure and _is_left(work, node_id)):
        return
    write.remove_tree(work, dossier, node)


def _untold(work: Work) -> Select[int, str]:
    """The id and name of what is a temporary file with content or litter."""
    times = work.settings.deposit
    # Before it goes, whatever the settings.
    late = work.now - timedelta(seconds=min(times.temporary_told, times.side_file_life))
    return (
        select(Node.id, Node.name)
        .join(Dossier, Dossier.id == Node.dossier_id)
        .join(User, User.id == Node.author_id)
        .where(
            Node.in_state(NodeState.SIDE),
            Node.kind == NodeKind.FILE,
            Node.size > 0,
            Node.written < late,
            Dossier.kind == DossierKind.EXPERTISE,
            User.login.is_not(None),
            User.disabled.is_(False),
            ~_told(MessageLine.at >= Node.written),
        )
    )


def _told(when: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the author of the node has been told that it is no deposit."""
    return (
        exists()
        .where(MessageLine.message_id == Message.id, MessageLine.node_id == Node.id, when)
        .where(
            Message.dossier_id == Node.dossier_id,
            Message.depositor_id == Node.author_id,
            Message.kind == MessageKind.TEMPORARY,
        )
    )


def _is_left(work: Work, node_id: int) -> bool:
    node = work.session.get_one(Node, node_id)
    return is_left_document(folders_of(work, node), node)


def _tellable(work: Work, node_id: int) -> Node | None:
    """The temporary file with content, if its author still sees the folder that it lies in."""
    node = work.session.get_one(Node, node_id)
    folders = folders_of(work, node)
    if node.author_id is None or not is_left_document(folders, node):
        return None
    dossier = work.session.get_one(Dossier, node.dossier_id)
    chain = tuple(folder.id for folder in folders)
    rights = work.rights_map(dossier).of(node.author_id, chain)
    return node if Rights.BROWSE in rights else None


def _expired(work: Work) -> Select[int, bool]:
    """The id of what has had its time, and whether it goes for sure: what may be a document does
    only after its author was told, or as late as if he had been where his account is removed."""
    times = work.settings.deposit
    side = and_(
        Node.in_state(NodeState.SIDE),
        Node.written < work.now - timedelta(seconds=times.side_file_life),
        ~_told(MessageLine.at >= work.now - timedelta(seconds=times.temporary_life)),
    )
    folder = and_(
        Node.in_state(NodeState.RESERVED),
        Node.kind == NodeKind.FOLDER,
        Node.created < work.now - timedelta(seconds=times.reservation),
    )
    late = work.now - timedelta(seconds=times.temporary_told + times.temporary_life)
    sure = or_(
        Node.state != NodeState.SIDE,
        Node.size == 0,
        _told(MessageLine.at >= Node.written),
        and_(User.login.is_(None), Node.written < late),
    )
    # A folder goes after what is in it.
    member = aliased(Node)
    return (
        select(Node.id, sure.label("sure"))
        .join(Dossier, Dossier.id == Node.dossier_id)
        .outerjoin(User, User.id == Node.author_id)
        .where(
            or_(side, folder),
            Dossier.kind == DossierKind.EXPERTISE,
            ~exists().where(member.parent_id == Node.id),
        )
    )
