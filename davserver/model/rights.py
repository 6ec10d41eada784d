"""Grants: rights given to a user or a group on a folder."""

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from davserver.model.columns import Base, Id


class Grant(Base):
    """The rights (a :class:`davserver.policy.rights.Rights` value) of one principal on one folder.

    Recursive unless told otherwise. The nearest grant of a principal is the one that counts: a
    deeper one is the exception below. Exactly one of ``user_id`` and ``group_id`` is set.
    """

    __tablename__ = "grant"
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
    rights: Mapped[int]
    recursive: Mapped[bool] = mapped_column(default=True)
