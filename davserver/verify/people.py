"""Whom the rows name: accounts, rights, alerts, groups, roles, and who acts for whom."""

import re
from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.accounts import devices
from davserver.model import (
    AlertRule,
    DevicePassword,
    DossierKind,
    Grant,
    Group,
    Membership,
    NodeKind,
    NodeRole,
    Participant,
    Platform,
    Representation,
    Role,
    SecondFactor,
    User,
    UserKind,
)
from davserver.policy.rights import Rights
from davserver.verify.rows import Rows

_DEVICE_RIGHTS = frozenset(int(rights) for rights in devices.RIGHTS.values())


def faults(session: Session, rows: Rows) -> Iterator[str]:
    """Nobody has what is for others, and everything that is somebody's has its owner."""
    yield from _accounts(session, rows)
    yield from _principals(session, rows)
    yield from _secrets(session)
    yield from _platforms(session, rows)
    yield from _representations(session, rows)


def _accounts(session: Session, rows: Rows) -> Iterator[str]:
    """A private account has its dossier; one that was removed has nothing any more."""
    removed = set()
    for user in session.scalars(select(User).order_by(User.id)):
        where = f"user {user.id} ({user.login or 'removed'})"
        if user.login is None:
            removed.add(user.id)
            if user.password_hash or not user.disabled:
                yield f"{where}: it has no login, and yet a password"
        elif (user.kind is UserKind.PRIVATE) != (user.dossier_id in rows.dossiers):
            yield f"{where}: private without its dossier, or public with one"
    for table in (Grant, AlertRule, Membership, Participant):
        for user_id in session.scalars(select(table.user_id).where(table.user_id.in_(removed))):
            yield f"{table.__tablename__} of user {user_id}: that account was removed"


def _principals(session: Session, rows: Rows) -> Iterator[str]:
    """Rights and alerts are those of people who may have them, on folders."""
    groups = {group.id: group.dossier_id for group in session.scalars(select(Group))}
    private = {
        user.id: user.dossier_id
        for user in session.scalars(select(User).where(User.kind == UserKind.PRIVATE))
    }
    for row in [*session.scalars(select(Grant)), *session.scalars(select(AlertRule))]:
        where = f"{row.__tablename__} {row.id} ({rows.path(row.node_id)})"
        node = rows.nodes.get(row.node_id)
        dossier_id = node.dossier_id if node is not None else None
        home = groups.get(row.group_id or 0, private.get(row.user_id or 0, dossier_id))
        if home != dossier_id:
            yield f"{where}: its group or private user is of another dossier"
        if node is not None and node.kind != NodeKind.FOLDER:
            yield f"{where}: it stands on a file"
        if isinstance(row, Grant) and row.rights not in range(Rights.ALL + 1):
            yield f"{where}: {row.rights} are no rights"
    for member in session.scalars(select(Membership)):
        if private.get(member.user_id, groups.get(member.group_id)) != groups.get(member.group_id):
            yield f"membership of user {member.user_id}: a private user of another dossier"


def _secrets(session: Session) -> Iterator[str]:
    """Devices and second factors are those of accounts that are there; none opens more than it
    could be made for."""
    accounts = session.execute(select(User.id, User.login))
    logins: dict[int, str | None] = dict(accounts.all())
    for device in session.scalars(select(DevicePassword).order_by(DevicePassword.id)):
        where = f"device {device.id} of user {device.user_id}"
        if logins.get(device.user_id) is None:
            yield f"{where}: the account is gone"
        if device.rights not in _DEVICE_RIGHTS:
            yield f"{where}: {device.rights} are no rights of a device"
        if not re.fullmatch("[0-9a-f]{64}", device.digest):
            yield f"{where}: its digest is none"
    for factor in session.scalars(select(SecondFactor).order_by(SecondFactor.user_id)):
        where = f"second factor of user {factor.user_id}"
        if logins.get(factor.user_id) is None:
            yield f"{where}: the account is gone"
        if not re.fullmatch("[A-Z2-7]{32,}", factor.secret):
            yield f"{where}: its secret is none"


def _platforms(session: Session, rows: Rows) -> Iterator[str]:
    """Each expert has one space of his own, which he alone enters, and leads his dossiers."""
    roles = {
        (one.dossier_id, one.user_id): one.role
        for one in session.execute(select(*Participant.__table__.c))
    }
    spaces: dict[int, list[int]] = defaultdict(list)
    people: dict[int, list[int]] = defaultdict(list)
    for dossier_id, user_id in roles:
        people[dossier_id].append(user_id)
    platforms = {one.id: one for one in session.execute(select(*Platform.__table__.c))}
    for dossier in rows.dossiers.values():
        platform = platforms.get(dossier.platform_id)
        if platform is None:
            continue  # the database names it
        where = f"dossier {dossier.id} ({dossier.title})"
        if dossier.kind == DossierKind.EXPERT_SPACE:
            spaces[platform.id].append(dossier.id)
            if people[dossier.id] != [platform.expert_id]:
                yield f"{where}: others than its expert take part in his space"
        if dossier.id in rows.living and roles.get((dossier.id, platform.expert_id)) != Role.EXPERT:
            yield f"{where}: its expert does not take part"
        if dossier.id not in rows.living and people[dossier.id]:
            yield f"{where}: purged, and somebody takes part"
    for platform in platforms.values():
        if len(spaces[platform.id]) != 1:
            yield f"platform {platform.id} ({platform.name}): {len(spaces[platform.id])} spaces"


def _representations(session: Session, rows: Rows) -> Iterator[str]:
    """Each has one mailbox and at most one archive, in its dossier; they belong to nobody else."""
    owned: dict[int, list[NodeRole]] = defaultdict(list)
    known = {one.id: one for one in session.execute(select(*Representation.__table__.c))}
    boxes = (NodeRole.MAILBOX, NodeRole.ARCHIVE)
    for node in rows.nodes.values():
        where = f"node {node.id} ({rows.path(node.id)})"
        owner = known.get(node.representation_id)
        if (owner is not None) != (node.role in boxes):
            yield f"{where}: a box or archive of nobody, or a folder that is neither"
        elif owner is not None:
            owned[owner.id].append(node.role)
            if owner.dossier_id != node.dossier_id:
                yield f"{where}: it belongs to somebody of another dossier"
    for one in known.values():
        if sorted(owned[one.id]) not in ([NodeRole.MAILBOX], sorted(boxes)):
            yield f"representation {one.id} ({one.name}): its boxes are {sorted(owned[one.id])}"
