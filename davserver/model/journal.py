"""The journal: one line per act, chained by hashes."""

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from davserver.model.columns import Base, Id, Time


class JournalLine(Base):
    """One act. ``hash`` covers the line and the hash of the line before it.

    ``facts`` is a JSON object with sorted keys. ``actor`` is the login at the time, in words: the
    line outlives the account.
    """

    __tablename__ = "journal"

    id: Mapped[Id]
    at: Mapped[Time]
    dossier_id: Mapped[int | None] = mapped_column(ForeignKey("dossier.id"), index=True)
    actor: Mapped[str] = mapped_column(String(120))
    channel: Mapped[str] = mapped_column(String(20))
    act: Mapped[str] = mapped_column(String(40))
    facts: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
