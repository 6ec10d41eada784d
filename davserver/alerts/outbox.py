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
    reason: str = "",
) -> None:
    """Queue the alert that ``node`` has come into the last of ``folders``. ``reason``: what people
    should know of it, such as a decision."""
    people = [
        user
        for user in _told(work, folders)
        if Rights.VIEW
        in work.rights_map(dossier).of(user.id, tuple(folder.id for folder in folders))
    ]
    if people:
        line = _line(node, folders, work.now)
        line.late_seconds = late_seconds
        line.reason = reason
        _queue(work, kind, dossier, author_id, line, people)


def tell(
    work: Work,
    kind: MessageKind,
    dossier: Dossier,
    folders: Sequence[Node],
    name: str,
    *,
    author_id: int,
    reason: str = "",
    once: bool = False,
    node: Node | None = None,
) -> None:
    """Queue a word to the author alone: of a deposit that was not finished or was rejected, of an
    act that was refused. ``once``: the same word is not repeated in one mail. ``node``: what it is
    about, where that is still there."""
    author = work.session.get_one(User, author_id)
    _tell(work, kind, dossier, folders, name, author, reason, to=author, once=once, node=node)


def tell_held(
    work: Work, dossier: Dossier, folders: Sequence[Node], name: str, *, author_id: int, reason: str
) -> None:
    """Queue a word to the author of a deposit that is held, and one to the expert, who decides."""
    author = work.session.get_one(User, author_id)
    expert = work.session.get_one(User, dossier.platform.expert_id)
    _tell(work, MessageKind.HELD, dossier, folders, name, author, reason, to=author)
    if expert.id != author.id:
        _tell(work, MessageKind.TO_DECIDE, dossier, folders, name, author, reason, to=expert)


def _tell(
    work: Work,
    kind: MessageKind,
    dossier: Dossier,
    folders: Sequence[Node],
    name: str,
    author: User,
    reason: str,
    *,
    to: User,
    once: bool = False,
    node: Node | None = None,
) -> None:
    """Queue a word about what ``author`` did, to one person, unless his account has ended."""
    if to.login is None or to.disabled:
        return
    line = MessageLine(
        node_id=node.id if node is not None else None,
        name=name,
        folder=_words(folders),
        size=0,
        number=None,
        reason=reason[:400],
        at=work.now,
    )
    if not once or not _is_told(work, kind, dossier, author.id, line):
        _queue(work, kind, dossier, author.id, line, [to])


def _is_told(
    work: Work, kind: MessageKind, dossier: Dossier, author_id: int, line: MessageLine
) -> bool:
    """Whether a mail that has not gone yet says so already: programs try again and again."""
    message = _open_message(work, kind, dossier, author_id)
    return message is not None and bool(
        work.session.scalar(
            select(
                exists().where(
                    MessageLine.message_id == message.id,
                    MessageLine.name == line.name,
                    MessageLine.folder == line.folder,
                    MessageLine.reason == line.reason,
                )
            )
        )
    )


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
        folder=_words(folders),
        size=node.size,
        number=node.number,
        at=now,
    )


def _words(folders: Sequence[Node]) -> str:
    return "/".join(folder.name for folder in folders)


def _queue(
    work: Work,
    kind: MessageKind,
    dossier: Dossier,
    author_id: int,
    line: MessageLine,
    people: Iterable[User],
) -> None:
    message = _open_message(work, kind, dossier, author_id)
    if message is None:
        message = _new_message(work, kind, dossier, author_id)
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


def _open_message(
    work: Work, kind: MessageKind, dossier: Dossier, author_id: int
) -> Message | None:
    """The message whose window is still open.

    One that a sender has begun to send takes no more lines, whatever the clocks say.
    """
    begun = exists().where(Recipient.message_id == Message.id, Recipient.attempts > 0)
    found = work.session.scalars(
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
    if found is None:
        return None
    # Asked again: a sender may have begun while its row was waited for.
    still = select(Message.id).where(Message.id == found.id, ~begun)
    return found if work.session.scalar(still) is not None else None


def _new_message(work: Work, kind: MessageKind, dossier: Dossier, author_id: int) -> Message:
    message = Message(
        dossier_id=dossier.id,
        depositor_id=author_id,
        kind=kind,
        opened_at=work.now,
        due_at=work.now + timedelta(seconds=work.settings.mail.group_window),
    )
    work.session.add(message)
    work.session.flush()
    return message
