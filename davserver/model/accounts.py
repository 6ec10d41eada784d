"""Users with their secrets, and groups."""

from datetime import date
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from davserver.model.columns import Base, Id, Time, Word


class UserKind(StrEnum):
    """Public users keep one login across experts; private ones live and die with one dossier."""

    PUBLIC = "public"
    PRIVATE = "private"


class User(Base):
    """An account. A removed one keeps its row (its deposits name it) but has no login."""

    __tablename__ = "user"

    id: Mapped[Id]
    login: Mapped[str | None] = mapped_column(String(120), unique=True)
    kind: Mapped[UserKind] = mapped_column(Word(UserKind))
    dossier_id: Mapped[int | None] = mapped_column(
        ForeignKey("dossier.id", use_alter=True), index=True
    )
    first_name: Mapped[str] = mapped_column(String(120))
    last_name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    password_hash: Mapped[str] = mapped_column(String(255))
    administrator: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    created: Mapped[Time]

    @property
    def display_name(self) -> str:
        """« Cabinet BRUMAIRE-KALVÉ », « Apolline TESTARD »."""
        return f"{self.first_name} {self.last_name}".strip()


class DevicePassword(Base):
    """A password of one device. It opens what ``rights`` (a
    :class:`davserver.policy.rights.Rights` value) and ``dossier_id`` leave of its user's rights. A
    revoked one has no row.
    """

    __tablename__ = "device_password"
    __table_args__ = (UniqueConstraint("user_id", "name"), {"sqlite_autoincrement": True})

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the password
    dossier_id: Mapped[int | None] = mapped_column(
        ForeignKey("dossier.id", ondelete="CASCADE"), index=True
    )
    rights: Mapped[int]
    created: Mapped[Time]
    used_on: Mapped[date | None]  # UTC
    used_by: Mapped[str] = mapped_column(String(40), default="")  # the door's name


class SecondFactor(Base):
    """The TOTP secret (RFC 6238, base 32) of a user who logs in in two steps."""

    __tablename__ = "second_factor"
    __table_args__ = ()

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    secret: Mapped[str] = mapped_column(String(64))
    counter: Mapped[int] = mapped_column(BigInteger, default=0)  # of the last code accepted
    created: Mapped[Time]


class LoginTrace(Base):
    """What is remembered of logins for a while: guesses that failed, addresses that are known.

    ``subject`` is a digest, for people type passwords where the login belongs. ``until`` is when
    the row means nothing any more; see :mod:`davserver.accounts.throttle`.
    """

    __tablename__ = "login_trace"
    __table_args__ = ()

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[Time] = mapped_column(index=True)


class Group(Base):
    """The members of one dossier, or some of them: a principal that rights and alerts name."""

    __tablename__ = "group"
    __table_args__ = (UniqueConstraint("dossier_id", "name"), {"sqlite_autoincrement": True})

    id: Mapped[Id]
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(200))


class Membership(Base):
    """A user in a group."""

    __tablename__ = "membership"
    __table_args__ = ()

    group_id: Mapped[int] = mapped_column(
        ForeignKey("group.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True
    )
