"""Whom the rows name: rights, alerts, groups and the recipients of messages."""

import re
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.accounts import devices
from davserver.model import (
    AlertRule,
    DevicePassword,
    Grant,
    Group,
    Membership,
    MessageLine,
    NodeKind,
    Recipient,
    RecipientLine,
    SecondFactor,
    User,
    UserKind,
)
from davserver.policy.rights import Rights
from davserver.verify.rows import Rows

_DEVICE_RIGHTS = frozenset(int(rights) for rights in devices.RIGHTS.values())


def faults(session: Session, rows: Rows) -> Iterator[str]:
    """Nobody has what is for others, and whoever is written to is told of something."""
    yield from _principals(session, rows)
    yield from _secrets(session)
    yield from _recipients(session)


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


def _recipients(session: Session) -> Iterator[str]:
    """Each recipient is told of something, and only of what his message tells."""
    told = set()
    for recipient_id, message_id, line_id, line_message_id in session.execute(
        select(Recipient.id, Recipient.message_id, MessageLine.id, MessageLine.message_id)
        .join(RecipientLine, RecipientLine.recipient_id == Recipient.id)
        .join(MessageLine, MessageLine.id == RecipientLine.line_id)
    ):
        told.add(recipient_id)
        if message_id != line_message_id:
            yield f"recipient {recipient_id}: told of line {line_id} of another message"
    for recipient_id in session.scalars(select(Recipient.id)):
        if recipient_id not in told:
            yield f"recipient {recipient_id}: told of nothing"
