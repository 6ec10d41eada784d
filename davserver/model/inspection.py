"""What the antivirus said of contents."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from davserver.model.columns import Base, Id, Time, Utc, Word


class Verdict(StrEnum):
    """What is known of a content. UNSCANNABLE: encrypted, or beyond the scanner's limits."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"


class Inspection(Base):
    """The last inspection of a content, whatever files have it: the verdict belongs to the bytes.

    Without ``verdict`` none has come to an end yet. ``finding`` is the name of the signature, or
    why nothing can be said; ``engine`` the scanner with the version of its database. While a
    process inspects, ``retry_at`` is the end of its lease; after a failure, the next attempt.
    """

    __tablename__ = "inspection"

    id: Mapped[Id]
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    verdict: Mapped[Verdict | None] = mapped_column(Word(Verdict))
    finding: Mapped[str] = mapped_column(String(200), default="")
    engine: Mapped[str] = mapped_column(String(120), default="")
    at: Mapped[datetime | None] = mapped_column(Utc)
    attempts: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[Time]
