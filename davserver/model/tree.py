"""The tree, the bytes it names, deposits, locks and dead properties."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from davserver.model.columns import Base, Bytes, Id, Time, Utc, Word


class NodeKind(StrEnum):
    """A folder (a WebDAV collection) or a file."""

    FOLDER = "folder"
    FILE = "file"


class NodeRole(StrEnum):
    """What a folder is for, where policies must know it."""

    PLAIN = "plain"
    ROOT = "root"
    SOURCE = "source"
    MAILBOXES = "mailboxes"
    MAILBOX = "mailbox"
    ARCHIVES = "archives"
    ARCHIVE = "archive"


class NodeState(StrEnum):
    """Who may see it: everybody with the right, or its author alone while it is unfinished.

    RESERVED: a name without content yet. RECEIVED: complete content, not yet sealed.
    SIDE: a temporary or metadata file of a program, never shown to others.
    """

    PUBLISHED = "published"
    RESERVED = "reserved"
    RECEIVED = "received"
    SIDE = "side"


# Few nodes are hidden, folders, or the source of a dossier: these have indexes of their own, for
# queries that say these very words.
_HIDDEN = text("state <> 'published'")
_FOLDER = text("kind = 'folder'")
_SOURCE = text("role = 'source'")


class Blob(Base):
    """Immutable bytes in the blob store: written once under a unique key, never changed.

    ``unused_since`` is when the sweep first found that no file names them.
    """

    __tablename__ = "blob"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[Bytes]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    created: Mapped[Time]
    unused_since: Mapped[datetime | None] = mapped_column(Utc)


class Node(Base):
    """A folder or a file. ``name`` is as given (NFC), ``name_key`` is what is compared.

    ``scratch_of`` is the author's id for a side file, else 0: side files of several people may
    carry one name. ``inherits`` is false where the inheritance of rights is cut.

    ``spelt`` is the name in the form in which its author's program gave it, where that is another
    one: while it is unfinished he finds it again under the very form.

    ``written`` is when its content came, by the server's clock; ``modified`` is the date shown,
    which the author's program may have set. ``change`` numbers its last change among those of the
    dossier, ``members_change`` (folders) the last one of the members that others may see, ``came``
    (folders) the one by which it is at its address, with all that came with it.
    """

    __tablename__ = "node"
    __table_args__ = (
        UniqueConstraint("parent_id", "name_key", "scratch_of"),
        Index("ix_node_unfinished", "dossier_id", "state"),
        Index("ix_node_change", "dossier_id", "change"),
        Index(
            "ix_node_hidden", "state", "author_id", sqlite_where=_HIDDEN, postgresql_where=_HIDDEN
        ),
        Index("ix_node_folder", "dossier_id", sqlite_where=_FOLDER, postgresql_where=_FOLDER),
        Index("ix_node_source", "dossier_id", sqlite_where=_SOURCE, postgresql_where=_SOURCE),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"))
    dossier_id: Mapped[int | None] = mapped_column(ForeignKey("dossier.id"))
    name: Mapped[str] = mapped_column(String(255))
    name_key: Mapped[str] = mapped_column(String(512))
    spelt: Mapped[str] = mapped_column(String(255), default="")
    scratch_of: Mapped[int] = mapped_column(default=0)
    kind: Mapped[NodeKind] = mapped_column(Word(NodeKind))
    role: Mapped[NodeRole] = mapped_column(Word(NodeRole), default=NodeRole.PLAIN)
    representation_id: Mapped[int | None] = mapped_column(
        ForeignKey("representation.id", ondelete="SET NULL")
    )
    inherits: Mapped[bool] = mapped_column(default=True)
    state: Mapped[NodeState] = mapped_column(Word(NodeState), default=NodeState.PUBLISHED)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    blob_id: Mapped[int | None] = mapped_column(ForeignKey("blob.id"), index=True)
    size: Mapped[Bytes] = mapped_column(default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    number: Mapped[int | None]
    created: Mapped[Time]
    modified: Mapped[Time]
    written: Mapped[Time]
    change: Mapped[int] = mapped_column(BigInteger, default=0)
    members_change: Mapped[int] = mapped_column(BigInteger, default=0)
    came: Mapped[int] = mapped_column(BigInteger, default=0)

    @classmethod
    def in_state(cls, state: NodeState) -> ColumnElement[bool]:
        """A condition: in a ``state`` other than PUBLISHED, and found without looking at what is
        in that one. Raises ValueError for PUBLISHED."""
        if state is NodeState.PUBLISHED:
            raise ValueError("what is published has no index of its own")
        published: ColumnElement[NodeState] = literal_column("'published'", Word(NodeState))
        return and_(cls.state == state, cls.state != published)

    @classmethod
    def folders(cls) -> ColumnElement[bool]:
        """A condition: a folder, found by its dossier without looking at the files."""
        folder: ColumnElement[NodeKind] = literal_column("'folder'", Word(NodeKind))
        return cls.kind == folder

    @classmethod
    def sources(cls) -> ColumnElement[bool]:
        """A condition: the source folder of a dossier, found by the dossier."""
        source: ColumnElement[NodeRole] = literal_column("'source'", Word(NodeRole))
        return cls.role == source

    @property
    def is_folder(self) -> bool:
        return self.kind is NodeKind.FOLDER

    @property
    def is_open(self) -> bool:
        """Unfinished: its author alone sees it and may still change it."""
        return self.state in (NodeState.RESERVED, NodeState.RECEIVED)

    @property
    def is_piece(self) -> bool:
        """A sealed deposit: nobody changes its name or content, the expert included."""
        return self.number is not None


class Removal(Base):
    """A name that a folder had and has no more, for who synchronises (RFC 6578 §3.5.2).

    ``node_id`` is what stood there: rights are judged on it. ``only_for`` is the author of what
    nobody else has seen; None: everybody with the right. ``actor_id`` is who renamed or removed it.
    """

    __tablename__ = "removal"
    __table_args__ = (
        Index("ix_removal_change", "dossier_id", "change"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id", ondelete="CASCADE"))
    parent_id: Mapped[int] = mapped_column(ForeignKey("node.id", ondelete="CASCADE"), index=True)
    node_id: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[NodeKind] = mapped_column(Word(NodeKind))
    only_for: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    change: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[Time]
    actor_id: Mapped[int | None] = mapped_column(BigInteger)


class Deposit(Base):
    """One act of depositing, from the first request to the seal and after.

    ``node_id`` is unset once the piece is gone (rejected, or its dossier purged). ``number`` runs
    per dossier and never changes. ``received_at`` is the last byte of the last complete content:
    the deadline is judged on it. ``touched_at`` is the author's last write, property change or
    unlock: the quiet time is counted from it. Until ``receiving_until`` content is on its way.

    ``direct``: its author may modify here, so it is shown as soon as nothing holds it. ``held_at``
    is since when a policy keeps it from being shown, for the ``reason`` that people read (that of
    a rejection or a release, too); ``held_told`` whether they were told; it is looked at again at
    ``look_at``. ``released_at``: an expert has decided to show it all the same.
    """

    __tablename__ = "deposit"
    __table_args__ = (
        UniqueConstraint("dossier_id", "number"),
        Index("ix_deposit_open", "sealed_at", "rejected_at", "touched_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Id]
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossier.id"))
    node_id: Mapped[int | None] = mapped_column(
        ForeignKey("node.id", ondelete="SET NULL"), unique=True
    )
    box_id: Mapped[int | None] = mapped_column(ForeignKey("node.id", ondelete="SET NULL"))
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    number: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[Bytes] = mapped_column(default=0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    channel: Mapped[str] = mapped_column(String(20))
    agent: Mapped[str] = mapped_column(String(200), default="")
    used_lock: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[Time]
    touched_at: Mapped[Time]
    received_at: Mapped[datetime | None] = mapped_column(Utc)
    receiving_until: Mapped[datetime | None] = mapped_column(Utc)
    sealed_at: Mapped[datetime | None] = mapped_column(Utc)
    rejected_at: Mapped[datetime | None] = mapped_column(Utc)
    direct: Mapped[bool] = mapped_column(default=False)
    held_at: Mapped[datetime | None] = mapped_column(Utc)
    held_told: Mapped[bool] = mapped_column(default=False)
    look_at: Mapped[datetime | None] = mapped_column(Utc)
    released_at: Mapped[datetime | None] = mapped_column(Utc)
    reason: Mapped[str] = mapped_column(String(400), default="")
    late_seconds: Mapped[int] = mapped_column(default=0)


class Lock(Base):
    """A WebDAV lock (RFC 4918 §6). ``owner`` is the client's XML, given back as it came.

    A courtesy lock is granted on a sealed piece to its author for a short while: some programs
    reopen what they have just written. It protects nothing and permits nothing.
    """

    __tablename__ = "lock"

    id: Mapped[Id]
    token: Mapped[str] = mapped_column(String(80), unique=True)
    node_id: Mapped[int] = mapped_column(ForeignKey("node.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    exclusive: Mapped[bool]
    infinite: Mapped[bool]
    owner: Mapped[str] = mapped_column(Text, default="")
    timeout: Mapped[int]
    expires: Mapped[Time]
    used: Mapped[Time]
    agent: Mapped[str] = mapped_column(String(40), default="")
    courtesy: Mapped[bool] = mapped_column(default=False)


class DeadProperty(Base):
    """A property that clients store and the server does not interpret (RFC 4918 §4)."""

    __tablename__ = "dead_property"
    __table_args__ = ()

    node_id: Mapped[int] = mapped_column(
        ForeignKey("node.id", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(String(255), primary_key=True)
    xml: Mapped[str] = mapped_column(Text)
