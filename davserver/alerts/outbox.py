"""Putting alerts in the queue, in the transaction of the act that they tell of.

One message per depositor, dossier and window of time; a person is told of those lines only whose
rule names him and which he may see.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, select

from davserver.model import (
    AlertRule,
    Dossier,
    Membership,
    Message,
    MessageKind,
    MessageLine,
    Node,
    Recipient,
    RecipientLine,
    User,
)
from davserver.policy.rights import Rights
from davserver.work import Work


def announce(
    work: Work,
    kind: MessageKind,
    dossier: Dossier,
    folders: Sequence[Node],
    node: Node,
    *,
    author_id: int,
    late_seconds: int = 0,
) -> None:
    """Queue the alert that ``node`` has come into the last of ``folders``."""
    people = [
        user
        for user in _told(work, folders)
        if Rights.VIEW
        in work.rights_map(dossier).of(user.id, tuple(folder.id for folder in folders))
    ]
    if people:
        line = _line(node, folders, work.now)
        line.late_seconds = late_seconds
        _queue(work, kind, dossier, author_id, line, people)


def tell_author(
    work: Work,
    kind: MessageKind,
    dossier: Dossier,
    folders: Sequence[Node],
    node: Node,
    *,
    author_id: int,
    reason: str = "",
) -> None:
    """Queue a word to the author alone: a deposit that was not finished, or was rejected."""
    author = work.session.get_one(User, author_id)
    if author.login is not None and not author.disabled:
        line = _line(node, folders, work.now)
        line.node_id = None  # what it tells of is about to go
        line.reason = reason
        _queue(work, kind, dossier, author_id, line, [author])


def _told(work: Work, folders: Sequence[Node]) -> list[User]:
    """The active users whom a rule on one of ``folders`` names, each once."""
    deepest = folders[-1].id if folders else 0
    rules = work.session.scalars(
        select(AlertRule).where(AlertRule.node_id.in_([folder.id for folder in folders]))
    ).all()
    active = [rule for rule in rules if rule.recursive or rule.node_id == deepest]
    users = {rule.user_id for rule in active if rule.user_id is not None}
    groups = {rule.group_id for rule in active if rule.group_id is not None}
    if groups:
        users |= set(
            work.session.scalars(select(Membership.user_id).where(Membership.group_id.in_(groups)))
        )
    if not users:
        return []
    return list(
        work.session.scalars(
            select(User)
            .where(User.id.in_(users), User.disabled.is_(False), User.login.is_not(None))
            .order_by(User.id)
        )
    )


def _line(node: Node, folders: Sequence[Node], now: datetime) -> MessageLine:
    return MessageLine(
        node_id=node.id,
        name=node.name,
        folder="/".join(folder.name for folder in folders),
        size=node.size,
        number=node.number,
        at=now,
    )


def _queue(
    work: Work,
    kind: MessageKind,
    dossier: Dossier,
    author_id: int,
    line: MessageLine,
    people: Iterable[User],
) -> None:
    message = _open_message(work, kind, dossier, author_id)
    line.message_id = message.id
    work.session.add(line)
    work.session.flush()
    known = {
        recipient.user_id: recipient
        for recipient in work.session.scalars(
            select(Recipient).where(Recipient.message_id == message.id)
        )
    }
    for user in people:
        recipient = known.get(user.id)
        if recipient is None:
            recipient = Recipient(
                message_id=message.id,
                user_id=user.id,
                email=user.email,
                retry_at=message.due_at,
            )
            work.session.add(recipient)
            work.session.flush()
        work.session.add(RecipientLine(recipient_id=recipient.id, line_id=line.id))
    work.session.flush()


def _open_message(work: Work, kind: MessageKind, dossier: Dossier, author_id: int) -> Message:
    """The message whose window is still open, else a new one.

    One that a sender has begun to send takes no more lines, whatever the clocks say.
    """
    begun = exists().where(Recipient.message_id == Message.id, Recipient.attempts > 0)
    message = work.session.scalars(
        select(Message)
        .where(
            Message.dossier_id == dossier.id,
            Message.depositor_id == author_id,
            Message.kind == kind,
            Message.due_at > work.now,
            ~begun,
        )
        .order_by(Message.id.desc())
        .limit(1)
        .with_for_update()
    ).first()
    if message is None:
        window = timedelta(seconds=work.settings.mail.group_window)
        message = Message(
            dossier_id=dossier.id,
            depositor_id=author_id,
            kind=kind,
            opened_at=work.now,
            due_at=work.now + window,
        )
        work.session.add(message)
        work.session.flush()
    return message
