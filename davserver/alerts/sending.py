"""Sending what is in the queue.

A recipient is claimed in one transaction, mailed, and its outcome is written in the next. The claim
is a lease: whoever dies in between leaves a row that is tried again once the lease is over. So no
mail is lost, and none is sent twice but in one case that SMTP cannot exclude (RFC 1047): when the
process, the database or the connection dies after the server took the mail and before its answer
was written down. The mail then goes once more under the same Message-ID, by which mail programs
know that it is the same one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, CursorResult, Update, select, update
from sqlalchemy.orm import Session

from davserver.accounts.naming import BadName, checked_email
from davserver.alerts.letter import Letter, Line, compose
from davserver.alerts.smtp import OUTCOME_LENGTH, Carrier, Outcome, Result
from davserver.model import (
    Dossier,
    Message,
    MessageLine,
    Recipient,
    RecipientLine,
    RecipientState,
    User,
)
from davserver.model.database import Database
from davserver.settings import BadSettings, MailSettings, Settings

BATCH = 50  # rows looked at together; each is claimed alone
SHORTEST_LEASE = 300.0  # seconds
STEPS = 20  # more timeouts than one mail can take, the connection included

Clock = Callable[[], datetime]


class _Due(NamedTuple):
    """A recipient whose time has come, as it was seen."""

    id: int
    user_id: int
    state: RecipientState
    retry_at: datetime


@dataclass(frozen=True)
class _Claim:
    """A recipient that is ours until ``lease``; ``attempts`` counts the one to come."""

    recipient_id: int
    lease: datetime
    attempts: int
    due_at: datetime
    email: str
    message_id: str
    letter: Letter


def send_due(
    database: Database,
    settings: Settings,
    now: Clock,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Mail everybody whose time has come, and count the mails tried: sent, put off or given up.

    Any number of processes may run this at once. Without a mail server (``mail.host`` empty) the
    queue stays as it is. The round ends early when the server cannot be used, and after the mail at
    hand once ``stopping()``; the others keep their turn. ``now`` gives UTC. Raises BadSettings,
    before anything is claimed, for a sender that is no address, and Unavailable when the database
    is away.
    """
    if not settings.mail.host:
        return 0
    site = _site(settings)
    started = now()
    handled = 0
    with Carrier(settings.mail) as carrier:
        # Ends: each row of a batch is moved beyond ``started`` or closed, by us or by another.
        while batch := _due(database, started):
            for due in batch:
                if stopping():
                    return handled
                claim = _claim(database, settings, site, due, now())
                if claim is None:
                    continue
                handled += 1
                outcome = _deliver(carrier, settings, claim, now())
                _record(database, settings.mail, claim, outcome, now())
                if outcome.result is Result.AWAY:
                    return handled
    return handled


def queue(session: Session) -> list[dict[str, Any]]:
    """Every message, oldest first, as plain values for JSON (times: ISO 8601, UTC; sizes: bytes).

    ``state`` is that of all its recipients; where they differ, ``sending`` if a mail is on its way,
    else ``partial``.
    """
    lines = defaultdict(list)
    for line in session.scalars(select(MessageLine).order_by(MessageLine.id)):
        lines[line.message_id].append(
            {"number": line.number, "name": line.name, "folder": line.folder, "size": line.size}
        )
    people = defaultdict(list)
    for recipient, login in session.execute(
        select(Recipient, User.login)
        .join(User, User.id == Recipient.user_id)
        .order_by(Recipient.id)
    ):
        people[recipient.message_id].append((recipient, login))
    return [
        {
            "id": message.id,
            "dossier": title,
            "depositor": depositor,
            "kind": message.kind.value,
            "opened_at": message.opened_at.isoformat(),
            "due_at": message.due_at.isoformat(),
            "state": _state_of(recipient.state for recipient, _ in people[message.id]),
            "lines": lines[message.id],
            "recipients": [_shown(recipient, login) for recipient, login in people[message.id]],
        }
        for message, title, depositor in session.execute(
            select(Message, Dossier.title, User.login)
            .join(Dossier, Dossier.id == Message.dossier_id)
            .join(User, User.id == Message.depositor_id)
            .order_by(Message.id)
        )
    ]


def _state_of(states: Iterable[RecipientState]) -> str:
    found = set(states)
    if len(found) == 1:
        return found.pop().value
    return RecipientState.SENDING.value if RecipientState.SENDING in found else "partial"


def _shown(recipient: Recipient, login: str | None) -> dict[str, Any]:
    waiting = recipient.state in (RecipientState.QUEUED, RecipientState.SENDING)
    return {
        "login": login,
        "email": recipient.email,
        "state": recipient.state.value,
        "attempts": recipient.attempts,
        "next_try": recipient.retry_at.isoformat() if waiting else None,
        "sent_at": recipient.sent_at.isoformat() if recipient.sent_at else None,
        "outcome": recipient.outcome,
    }


def _site(settings: Settings) -> str:
    """The domain of the site, for Message-IDs. Raises BadSettings."""
    try:
        sender = checked_email(parseaddr(settings.mail.sender)[1])
    except BadName as error:
        raise BadSettings(f"mail.sender : {error}") from None
    host = urlsplit(settings.server.address).hostname or ""
    plain = host.isascii() and host.replace("-", "").replace(".", "").isalnum()
    return host if plain else sender.rpartition("@")[2]


def _due(database: Database, started: datetime) -> list[_Due]:
    with database.reading() as session:
        rows = session.execute(
            select(Recipient.id, Recipient.user_id, Recipient.state, Recipient.retry_at)
            .join(Message, Message.id == Recipient.message_id)
            .where(
                Recipient.state.in_((RecipientState.QUEUED, RecipientState.SENDING)),
                Recipient.retry_at <= started,
                Message.due_at <= started,
            )
            .order_by(Recipient.retry_at, Recipient.id)
            .limit(BATCH)
        )
        return [_Due(*row) for row in rows]


def _claim(
    database: Database, settings: Settings, site: str, due: _Due, now: datetime
) -> _Claim | None:
    """Take the lease of one recipient. None: another process has it, or it is closed now."""
    lease = now + timedelta(seconds=max(SHORTEST_LEASE, STEPS * settings.mail.timeout))
    with database.writing() as session:
        user = session.get(User, due.user_id)
        if user is None:
            return None  # its recipients went with it
        # Whoever adds a line to the message has the same row: its line is read, or it is begun.
        session.execute(
            select(Message.id)
            .join(Recipient, Recipient.message_id == Message.id)
            .where(Recipient.id == due.id)
            .with_for_update(of=Message)
        )
        change: dict[str, Any] = {
            "state": RecipientState.SENDING,
            "retry_at": lease,
            "attempts": Recipient.attempts + 1,
        }
        closed = _closed(user)
        if closed:
            change = {"state": RecipientState.FAILED, "outcome": closed}
        seen = (
            Recipient.id == due.id,
            Recipient.state == due.state,
            Recipient.retry_at == due.retry_at,
        )
        if not _changed(session, update(Recipient).where(*seen).values(change)) or closed:
            return None
        return _read(session, due.id, user, site, lease)


def _closed(user: User) -> str:
    """Why nobody is written to any more; "" for an account in use."""
    if user.login is None:
        return "compte supprimé : rien n'a été envoyé"
    return "compte désactivé : rien n'a été envoyé" if user.disabled else ""


def _read(session: Session, recipient_id: int, user: User, site: str, lease: datetime) -> _Claim:
    """The mail to a recipient just claimed: the lines that name him, in the order of arrival.

    Read after the row was taken: a line that joined the message just before is in it.
    """
    recipient = session.get_one(Recipient, recipient_id)
    message = session.get_one(Message, recipient.message_id)
    lines = session.scalars(
        select(MessageLine)
        .join(RecipientLine, RecipientLine.line_id == MessageLine.id)
        .where(RecipientLine.recipient_id == recipient_id)
        .order_by(MessageLine.id)
    )
    return _Claim(
        recipient_id=recipient_id,
        lease=lease,
        attempts=recipient.attempts,
        due_at=message.due_at,
        email=recipient.email,
        # With its time: ids begin again when a backup is restored, and mail programs drop a mail
        # that bears the Message-ID of another.
        message_id=f"<davserver-{message.opened_at:%Y%m%d%H%M%S%f}-{recipient_id}@{site}>",
        letter=Letter(
            kind=message.kind,
            dossier=session.get_one(Dossier, message.dossier_id).title,
            depositor=session.get_one(User, message.depositor_id).display_name,
            recipient=user.display_name,
            lines=tuple(
                Line(
                    name=line.name,
                    folder=line.folder,
                    size=line.size,
                    number=line.number,
                    at=line.at,
                    late_seconds=line.late_seconds,
                    reason=line.reason,
                )
                for line in lines
            ),
        ),
    )


def _deliver(carrier: Carrier, settings: Settings, claim: _Claim, now: datetime) -> Outcome:
    try:
        message = compose(
            claim.letter,
            sender=settings.mail.sender,
            to=claim.email,
            message_id=claim.message_id,
            date=now,
            address=settings.server.address,
        )
    except BadName:
        return Outcome(Result.REFUSED, "cette adresse électronique n'en est pas une")
    return carrier.deliver(message, claim.email)


def _record(
    database: Database, mail: MailSettings, claim: _Claim, outcome: Outcome, now: datetime
) -> None:
    """Write what became of the mail. That it was sent is a fact; anything else is only worth
    writing while the lease is still ours."""
    ours: tuple[ColumnElement[bool], ...] = (
        Recipient.state == RecipientState.SENDING,
        Recipient.retry_at == claim.lease,
    )
    change: dict[str, Any] = {"outcome": outcome.text}
    if outcome.result is Result.SENT:
        ours = (Recipient.state != RecipientState.SENT,)
        change |= {"state": RecipientState.SENT, "sent_at": now}
    elif outcome.result is Result.REFUSED:
        change["state"] = RecipientState.FAILED
    elif now >= claim.due_at + timedelta(seconds=mail.give_up_after):
        text = f"abandonné après {claim.attempts} essais : {outcome.text}"
        change = {"state": RecipientState.FAILED, "outcome": text[:OUTCOME_LENGTH]}
    else:
        pause = _pause(mail, claim.attempts)
        change |= {"state": RecipientState.QUEUED, "retry_at": now + pause}
    with database.writing() as session:
        _changed(
            session,
            update(Recipient).where(Recipient.id == claim.recipient_id, *ours).values(change),
        )


def _pause(mail: MailSettings, attempts: int) -> timedelta:
    """How long to wait after so many attempts: doubled each time, never so short that one round
    would try twice."""
    doublings = min(attempts - 1, 30)  # beyond any setting; keeps the number finite
    return timedelta(seconds=max(1.0, min(mail.retry_most, mail.retry_first * 2**doublings)))


def _changed(session: Session, statement: Update) -> bool:
    """Whether ``statement`` found its row as it expected it."""
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount == 1
