"""Rights and alert rules on folders: given, taken back, cut, explained."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select

from davserver.errors import Conflict, NotFound
from davserver.model import AlertRule, Dossier, Grant, Group, Node, User
from davserver.names import composed, name_key
from davserver.policy.rights import Rights, french
from davserver.tree import write
from davserver.tree.lookup import ROOT_ID, Path, Spot
from davserver.work import Work

Principal = User | Group
GROUP = "group:"
"""What tells a group from a login where a principal is written as one word."""


@dataclass(frozen=True)
class Line:
    """A grant as people read it: who, which rights, whether it goes down."""

    principal: Principal
    rights: Rights
    recursive: bool


def place(work: Work, path: Path) -> Spot:
    """The folder at ``path`` as those see it who give rights: nothing is hidden from them.

    An expert's space is called here by its own title. Raises NotFound, Conflict for a file.
    """
    folders: list[Node] = []
    parent_id = ROOT_ID
    for name in path:
        found = work.session.scalars(
            select(Node).where(
                Node.parent_id == parent_id, Node.name_key == name_key(name), Node.scratch_of == 0
            )
        ).first()
        if found is None:
            above = "/".join(folder.name for folder in folders)
            raise NotFound(f"Il n'y a pas de « {composed(name)} » dans « /{above} ».")
        folders.append(found)
        parent_id = found.id
    if not folders:
        raise Conflict("Les droits et les alertes se donnent sur un dossier d'expertise.")
    dossier = work.session.get(Dossier, folders[-1].dossier_id)
    spot = Spot(tuple(folder.name for folder in folders), dossier, tuple(folders[:-1]), folders[-1],
                seen=True)  # fmt: skip
    _folder(spot)
    return spot


def give(work: Work, spot: Spot, principal: Principal, rights: Rights, *, recursive: bool) -> None:
    """Give ``rights`` on a folder; replaces what the same principal had there.

    Raises Conflict for a group of another dossier, or on a file.
    """
    dossier, folder = _folder(spot)
    _require_member_group(dossier, principal)
    work.hold(dossier)
    work.session.execute(delete(Grant).where(Grant.node_id == folder.id, _is(Grant, principal)))
    work.session.add(
        Grant(node_id=folder.id, rights=int(rights), recursive=recursive, **_ids(principal))
    )
    _changed(work, dossier)
    write.record(
        work, "rights.grant", dossier, path=_path(spot), to=_name(principal), rights=french(rights),
        recursive=recursive,
    )  # fmt: skip


def take(work: Work, spot: Spot, principal: Principal) -> bool:
    """Take back what ``principal`` was given on this very folder. False: nothing was given."""
    dossier, folder = _folder(spot)
    work.hold(dossier)
    found = work.session.scalars(
        select(Grant).where(Grant.node_id == folder.id, _is(Grant, principal))
    ).first()
    if found is None:
        return False
    work.session.delete(found)
    _changed(work, dossier)
    write.record(work, "rights.revoke", dossier, path=_path(spot), to=_name(principal))
    return True


def cut(work: Work, spot: Spot, *, inherits: bool) -> None:
    """Cut the inheritance of rights at a folder, or restore it."""
    dossier, folder = _folder(spot)
    work.hold(dossier)
    folder.inherits = inherits
    _changed(work, dossier)
    write.record(work, "rights.inherit", dossier, path=_path(spot), inherits=inherits)


def on(work: Work, folder: Node) -> list[Line]:
    """The grants that stand on ``folder`` itself, in the order of their principals' words."""
    lines = [
        Line(principal_of(work, grant), Rights(grant.rights), grant.recursive)
        for grant in work.session.scalars(select(Grant).where(Grant.node_id == folder.id))
    ]
    return sorted(lines, key=lambda line: word(line.principal))


def alert(
    work: Work, spot: Spot, principal: Principal, *, told: bool, recursive: bool = True
) -> bool:
    """Tell ``principal`` of what arrives in a folder, or no longer. False: he was not told."""
    dossier, folder = _folder(spot)
    _require_member_group(dossier, principal)
    known = work.session.scalars(
        select(AlertRule).where(AlertRule.node_id == folder.id, _is(AlertRule, principal))
    ).first()
    if known is not None:
        work.session.delete(known)
        work.session.flush()
    elif not told:
        return False
    if told:
        work.session.add(AlertRule(node_id=folder.id, recursive=recursive, **_ids(principal)))
    write.record(
        work, "alerts.rule", dossier, path=_path(spot), to=_name(principal), told=told,
        recursive=recursive,
    )  # fmt: skip
    return True


def alert_rules(work: Work, dossier: Dossier) -> Sequence[tuple[AlertRule, Node]]:
    """The alert rules of a dossier with their folders."""
    rows = work.session.execute(
        select(AlertRule, Node)
        .join(Node, Node.id == AlertRule.node_id)
        .where(Node.dossier_id == dossier.id)
        .order_by(Node.id, AlertRule.id)
    )
    return [(rule, node) for rule, node in rows]


def _folder(spot: Spot) -> tuple[Dossier, Node]:
    if spot.dossier is None or spot.node is None:
        raise Conflict("Ce dossier n'existe pas.")
    if not spot.node.is_folder:
        raise Conflict("Les droits et les alertes se donnent sur un dossier, pas sur un fichier.")
    return spot.dossier, spot.node


def _require_member_group(dossier: Dossier, principal: Principal) -> None:
    if isinstance(principal, Group) and principal.dossier_id != dossier.id:
        raise Conflict("Ce groupe est celui d'un autre dossier.")
    if isinstance(principal, User) and principal.dossier_id not in (None, dossier.id):
        raise Conflict("Cet utilisateur privé est celui d'un autre dossier.")


def _changed(work: Work, dossier: Dossier) -> None:
    dossier.rights_changed()
    work.session.flush()


def _is(table: type[Grant] | type[AlertRule], principal: Principal) -> ColumnElement[bool]:
    if isinstance(principal, User):
        return table.user_id == principal.id
    return table.group_id == principal.id


def _ids(principal: Principal) -> dict[str, int]:
    return {"user_id" if isinstance(principal, User) else "group_id": principal.id}


def _name(principal: Principal) -> str:
    return principal.login or "" if isinstance(principal, User) else f"groupe {principal.name}"


def principal_of(work: Work, row: Grant | AlertRule) -> Principal:
    """Whom a grant or an alert rule names."""
    if row.user_id is not None:
        return work.session.get_one(User, row.user_id)
    return work.session.get_one(Group, row.group_id)


def word(principal: Principal) -> str:
    """A principal as one word: a login, or ``group:NAME``."""
    if isinstance(principal, Group):
        return GROUP + principal.name
    return principal.login or "(compte retiré)"


def _path(spot: Spot) -> str:
    return "/".join(spot.path[1:])
