"""The mails: whom they go to, what they tell, and what became of them."""

from collections.abc import Iterator

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from davserver.model import (
    Message,
    MessageKind,
    MessageLine,
    Recipient,
    RecipientLine,
    RecipientState,
)
from davserver.verify.rows import Rows


def faults(session: Session, rows: Rows) -> Iterator[str]:
    """Whoever is written to is told of something, of what has been, and of it once."""
    yield from _recipients(session)
    yield from _lines(session, rows)
    for part, what in ((MessageLine, "tells of nothing"), (Recipient, "goes to nobody")):
        alone = select(Message.id).where(~exists().where(part.message_id == Message.id))
        for message_id in session.scalars(alone):
            yield f"message {message_id}: it {what}"


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
    for recipient in session.execute(select(Recipient.id, Recipient.state, Recipient.sent_at)):
        if recipient.id not in told:
            yield f"recipient {recipient.id}: told of nothing"
        if (recipient.state == RecipientState.SENT) != (recipient.sent_at is not None):
            yield f"recipient {recipient.id}: sent without a date, or dated and not sent"


def _lines(session: Session, rows: Rows) -> Iterator[str]:
    """A deposit is announced as it was sealed, by one line. Whom it had to be announced to, the
    rules of that moment said, which nobody knows any more."""
    sealed = {(one.dossier_id, one.number): one for one in rows.deposits if one.number is not None}
    seen = set()
    for line in session.execute(
        select(MessageLine.id, MessageLine.name, MessageLine.size, MessageLine.number,
               Message.dossier_id)
        .join(Message, Message.id == MessageLine.message_id)
        .where(Message.kind == MessageKind.DEPOSIT)
        .order_by(MessageLine.id)
    ):  # fmt: skip
        where = f"message line {line.id} ({line.name})"
        key = (line.dossier_id, line.number)
        if (deposit := sealed.get(key)) is None:
            yield f"{where}: it announces a deposit that is not there"
        elif (line.name, line.size) != (deposit.name, deposit.size):
            yield f"{where}: its name or size is not that of the deposit"
        if key in seen:
            yield f"{where}: its deposit was announced before"
        seen.add(key)
