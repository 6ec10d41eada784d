"""Dossiers, who takes part in them and for whom."""

import secrets
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from davserver.model.columns import Base, Id, Time, Utc, Word


class DossierKind(StrEnum):
    """A dossier of an expertise, or the expert's own space, which nobody else enters."""

    EXPERTISE = "expertise"
    EXPERT_SPACE = "espace de l'expert"


class DossierState(StrEnum):
    """The life of a dossier (CPC 263-284-1); the words are those that people read."""

    OPEN = "ouvert"
    UNDER_WAY = "en cours"
    DIRES = "délai de dires"
    SUSPENDED = "suspendu"
    CLOSED = "clos"
    ARCHIVED = "archivé"
    PURGED = "purgé"


LIVE_STATES = frozenset({DossierState.OPEN, DossierState.UNDER_WAY, DossierState.DIRES})
"""The states in which anything may be written."""


class Role(StrEnum):
    """What somebody is in a dossier. Rights come from grants; the role says why they exist."""

    EXPERT = "expert"
    ASSISTANT = "assistant"
    SAPITEUR = "sapiteur"
    LAWYER = "avocat"
    PARTY = "partie"
    REPRESENTED_PARTY = "partie représentée"
    ADVISER = "conseil technique"
    JUDGE = "juge"


class Platform(Base):
    """An expert's own platform: his dossiers, his private space, one quota (bytes).

    ``used`` is what its dossiers count together.
    """

    __tablename__ = "platform"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(200), unique=True)
    expert_id: Mapped[int] = mapped_column(ForeignKey("user.id"), unique=True)
    quota: Mapped[int] = mapped_column(BigInteger)
    used: Mapped[int] = mapped_column(BigInteger, default=0)


class Dossier(Base):
    """One expertise: members, tree, state, dates. ``used`` counts the bytes of its files.

    ``rights_revision`` names the state of all that rights hang on (grants, groups, roles, cuts):
    compiled rights are valid while it stands still. ``next_number`` is the running number
    of the next sealed deposit. ``change`` numbers the transactions that changed its tree.
    """

    __tablename__ = "dossier"

    id: Mapped[Id]
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"), index=True)
    kind: Mapped[DossierKind] = mapped_column(Word(DossierKind), default=DossierKind.EXPERTISE)
    title: Mapped[str] = mapped_column(String(240))
    reference: Mapped[str] = mapped_column(String(120), default="")
    state: Mapped[DossierState] = mapped_column(Word(DossierState), default=DossierState.OPEN)
    state_since: Mapped[Time]
    deadline: Mapped[datetime | None] = mapped_column(Utc)
    quota: Mapped[int] = mapped_column(BigInteger)
    used: Mapped[int] = mapped_column(BigInteger, default=0)
    rights_revision: Mapped[int] = mapped_column(BigInteger, default=1)
    next_number: Mapped[int] = mapped_column(default=1)
    change: Mapped[int] = mapped_column(BigInteger, default=0)
    created: Mapped[Time]
    # Every act asks for its quota: it comes in the same statement.
    platform: Mapped[Platform] = relationship(lazy="joined", innerjoin=True)

    def rights_changed(self) -> None:
        """To be called in the transaction of every change that rights hang on."""
        self.rights_revision = secrets.randbits(62)


class Participant(Base):
    """Somebody's role in a dossier."""

    __tablename__ = "participant"
    __table_args__ = ()

    dossier_id: Mapped[int] = mapped_column(
        ForeignKey("dossier.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[Role] = mapped_column(Word(Role))


class Representation(Base):
    """Who acts for whom in a dossier: it owns one mailbox and, but for a sapiteur, one archive."""

    __tablename__ = "representation"

    id: Mapped[Id]
    dossier_id: Mapped[int] = mapped_column(
        ForeignKey("dossier.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(240))


class Party(Base):
    """A party of the dispute, under the representation that acts for it."""

    __tablename__ = "party"

    id: Mapped[Id]
    representation_id: Mapped[int] = mapped_column(
        ForeignKey("representation.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(240))
