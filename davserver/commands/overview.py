"""What ``davserver dossier`` lists: dossiers, who takes part in them, their folders."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from davserver.model import (
    Dossier,
    DossierKind,
    Group,
    Membership,
    Node,
    NodeKind,
    NodeState,
    Participant,
    Party,
    Platform,
    Representation,
    User,
)
from davserver.work import Work


@dataclass(frozen=True)
class Row:
    """A dossier, the login of its expert, and how many pieces were deposited and are there."""

    dossier: Dossier
    expert: str | None
    pieces: int


def dossiers(work: Work, *wanted: Dossier) -> list[Row]:
    """The ``wanted`` expertises, all without any, in the order of their titles."""
    numbered = (
        select(func.count(Node.id))
        .where(Node.dossier_id == Dossier.id, Node.number.is_not(None))
        .scalar_subquery()
    )
    rows = (
        select(Dossier, User.login, numbered)
        .join(Platform, Platform.id == Dossier.platform_id)
        .join(User, User.id == Platform.expert_id)
        .where(Dossier.kind == DossierKind.EXPERTISE)
        .order_by(Dossier.title, Dossier.id)
    )
    if wanted:
        rows = rows.where(Dossier.id.in_([dossier.id for dossier in wanted]))
    return [Row(*row) for row in work.session.execute(rows)]


def details(work: Work, dossier: Dossier) -> dict[str, Any]:
    """Who acts for whom and in which box, members with their roles and groups, folders."""
    return {
        "representations": _representations(work, dossier),
        "members": _members(work, dossier),
        "folders": _folders(work, dossier),
    }


def _representations(work: Work, dossier: Dossier) -> list[dict[str, Any]]:
    parties = defaultdict(list)
    for party in work.session.scalars(
        select(Party)
        .join(Representation, Representation.id == Party.representation_id)
        .where(Representation.dossier_id == dossier.id)
        .order_by(Party.id)
    ):
        parties[party.representation_id].append(party.name)
    rows = work.session.execute(
        select(Representation, User)
        .join(User, User.id == Representation.user_id)
        .where(Representation.dossier_id == dossier.id)
        .order_by(Representation.id)
    )
    return [
        {
            "box": representation.name,
            "login": user.login,
            "name": user.display_name,
            "parties": parties[representation.id],
        }
        for representation, user in rows
    ]


def _members(work: Work, dossier: Dossier) -> list[dict[str, Any]]:
    groups = defaultdict(list)
    for user_id, name in work.session.execute(
        select(Membership.user_id, Group.name)
        .join(Group, Group.id == Membership.group_id)
        .where(Group.dossier_id == dossier.id)
        .order_by(Group.name)
    ):
        groups[user_id].append(name)
    roles = {
        taking.user_id: taking.role
        for taking in work.session.scalars(
            select(Participant).where(Participant.dossier_id == dossier.id)
        )
    }
    users = work.session.scalars(
        select(User).where(User.id.in_({*groups, *roles})).order_by(User.login)
    )
    return [
        {
            "login": user.login,
            "name": user.display_name,
            "role": roles[user.id].value if user.id in roles else None,
            "kind": user.kind.value,
            "groups": groups[user.id],
        }
        for user in users
    ]


def _folders(work: Work, dossier: Dossier) -> list[dict[str, Any]]:
    """The published folders, with the number and size of the published files directly in them."""
    nodes = work.session.scalars(
        select(Node)
        .where(
            Node.dossier_id == dossier.id,
            Node.kind == NodeKind.FOLDER,
            Node.state == NodeState.PUBLISHED,
        )
        .order_by(Node.id)
    ).all()
    files = {
        parent_id: (count, size)
        for parent_id, count, size in work.session.execute(
            select(Node.parent_id, func.count(Node.id), func.sum(Node.size))
            .where(
                Node.dossier_id == dossier.id,
                Node.kind == NodeKind.FILE,
                Node.state == NodeState.PUBLISHED,
            )
            .group_by(Node.parent_id)
        )
    }
    rows = []
    for node, path in zip(nodes, _paths(nodes), strict=True):
        count, size = files.get(node.id, (0, 0))
        rows.append(
            {
                "path": path,
                "role": node.role.value,
                "inherits": node.inherits,
                "files": count,
                "size": int(size),
            }
        )
    return sorted(rows, key=lambda row: row["path"])


def _paths(folders: Sequence[Node]) -> list[str]:
    known = {folder.id: folder for folder in folders}

    def path(folder: Node) -> str:
        parent = known.get(folder.parent_id or 0)
        return f"{path(parent) if parent else ''}/{folder.name}"

    return [path(folder) for folder in folders]
