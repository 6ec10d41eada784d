"""Alert rules and the queue of mails."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from davserver.model.columns import Base, Bytes, Id, Time, Utc, Word


class AlertRule(Base):
    """Who is told of what arrives in a folder: a user or a group; usually recursive."""

    __tablename__ = "alert_rule"
    __table_args__ = (
        UniqueConstraint("node_id", "user_id"),
        UniqueConstraint("node_id", "group_id"),
        CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="one_principal"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    node_id: Mapped[int] = mapped_column(ForeignKey("node.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), index=True
    )
    group_id: Mapped[int | None] = mapped_column(
        ForeignKey("group.id", ondelete="CASCADE"), index=True
    )
    recursive: Mapped[bool] = mapped_column(default=True)


class MessageKind(StrEnum):
    """Why a mail is sent. HELD goes to the author, TO_DECIDE to the expert."""

    DEPOSIT = "dépôt"
    PUBLICATION = "publication"
    UNFINISHED = "dépôt inachevé"
    REJECTED = "dépôt rejeté"
    REFUSED = "opération refusée"
    HELD = "dépôt retenu"
    TO_DECIDE = "dépôt retenu, à décider"
    TEMPORARY = "fichier temporaire"
    REPEATED = "pièce déjà déposée"


class Message(Base):
    """One mail to come: what one depositor did in one dossier during one window of time."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_open", "dossier_id", "depositor_id", "kind", "due_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id", ondelete="CASCADE"))
    depositor_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[MessageKind] = mapped_column(Word(MessageKind))
    opened_at: Mapped[Time]
    due_at: Mapped[Time] = mapped_column(index=True)


class MessageLine(Base):
    """One piece of a message, as it was when it was announced."""

    __tablename__ = "message_line"

    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(
        ForeignKey("message.id", ondelete="CASCADE"), index=True
    )
    node_id: Mapped[int | None] = mapped_column(ForeignKey("node.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(255))
    folder: Mapped[str] = mapped_column(String(1000))
    size: Mapped[Bytes]
    number: Mapped[int | None]
    late_seconds: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(400), default="")
    at: Mapped[Time]


class RecipientState(StrEnum):
    """What became of a mail, for one person. SENDING holds until ``retry_at``, then is retried."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Recipient(Base):
    """One person to whom a message goes, and what became of it."""

    __tablename__ = "recipient"
    __table_args__ = (
        UniqueConstraint("message_id", "user_id"),
        Index("ix_recipient_due", "state", "retry_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(254))
    state: Mapped[RecipientState] = mapped_column(
        Word(RecipientState), default=RecipientState.QUEUED
    )
    attempts: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[Time]
    sent_at: Mapped[datetime | None] = mapped_column(Utc)
    outcome: Mapped[str] = mapped_column(String(400), default="")


class RecipientLine(Base):
    """Which lines of the message this person is told of: those whose rule names him."""

    __tablename__ = "recipient_line"
    __table_args__ = ()

    recipient_id: Mapped[int] = mapped_column(
        ForeignKey("recipient.id", ondelete="CASCADE"), primary_key=True
    )
    line_id: Mapped[int] = mapped_column(
        ForeignKey("message_line.id", ondelete="CASCADE"), primary_key=True, index=True
    )
