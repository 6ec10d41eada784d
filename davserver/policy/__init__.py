"""Policies: facts in, decision out.

A policy is a class with one or both moments of :class:`Policy`. It is asked about each act on each
resource before anything happens, and again inside the transaction that does it. One ``deny``
refuses; without one, one ``allow`` permits; silence is refusal. Order cannot matter.

A policy never sees a request, a row or a socket: :class:`Action` holds all the facts, frozen. It
must be immutable after ``__init__``, since threads share it. See docs/plugins.md to write one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from davserver.model import DossierKind, DossierState, NodeKind, NodeRole, NodeState, Role, Verdict
from davserver.policy.rights import Act, Rights

__all__ = [
    "HEAD",
    "Act",
    "Action",
    "Actor",
    "Decision",
    "Device",
    "DossierFacts",
    "Entry",
    "Policy",
    "Rights",
]


HEAD = 4_096  # bytes of content shown to :meth:`Policy.inspect`


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder or a file as policies see it. ``number`` is set on a sealed deposit."""

    id: int
    name: str
    kind: NodeKind
    role: NodeRole
    state: NodeState
    author_id: int | None
    representation_id: int | None
    size: int
    number: int | None

    @property
    def is_file(self) -> bool:
        return self.kind is NodeKind.FILE

    @property
    def is_open(self) -> bool:
        return self.state in (NodeState.RESERVED, NodeState.RECEIVED)


@dataclass(frozen=True, slots=True)
class DossierFacts:
    """The dossier in which an act takes place. Quotas and use are bytes, its own and the
    platform's."""

    id: int
    title: str
    kind: DossierKind
    state: DossierState
    deadline: datetime | None
    quota: int
    used: int
    platform_quota: int
    platform_used: int


@dataclass(frozen=True, slots=True)
class Device:
    """A device with a password of its own, by which its user comes: it opens no more than
    ``rights``, and only the dossier ``dossier_id`` unless None. ``name`` is what he calls it."""

    id: int
    name: str
    dossier_id: int | None
    rights: Rights


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking. ``role`` is his role in the dossier of the action, None outside of it.
    ``device`` is None for who gave the main password of the account."""

    id: int
    login: str
    name: str
    role: Role | None = None
    device: Device | None = None

    def limited(self, rights: Rights, dossier_id: int) -> Rights:
        """What his device leaves of ``rights`` that he has in this dossier."""
        if self.device is None:
            return rights
        if self.device.dossier_id not in (None, dossier_id):
            return Rights.NONE
        return rights & self.device.rights


@dataclass(frozen=True, slots=True)
class Action:
    """One act on one resource: all that a policy may want to know, and no way to do anything.

    ``chain`` are the folders from the dossier's source folder down to the one in which the act
    takes place; ``entry`` is what is acted on, None where a name is to be created; ``name`` is the
    name it has or will have. ``rights`` are the actor's rights in the last folder of the chain (in
    ``entry`` itself where that is a folder), as far as his device has them. ``size`` is the
    announced or counted content in bytes, None when unknown. ``arriving`` with its
    ``arriving_chain`` is what MOVE or COPY brings. ``misspelt``: the client calls ``entry``, or the
    folders on the way to it or to a new name, by another spelling (capitals), and may mean another
    file that it has. ``verdict`` and ``finding`` are what the antivirus said of the content
    that is to be published.
    """

    act: Act
    actor: Actor
    dossier: DossierFacts
    chain: tuple[Entry, ...]
    entry: Entry | None
    name: str
    rights: Rights
    now: datetime
    size: int | None = None
    replaced: int = 0
    makes_folder: bool = False
    misspelt: bool = False
    arriving: Entry | None = None
    arriving_chain: tuple[Entry, ...] = ()
    verdict: Verdict | None = None
    finding: str = ""
    channel: str = "webdav"
    agent: str = ""

    @property
    def mailbox(self) -> Entry | None:
        """The mailbox in which the act takes place."""
        return nearest(self.chain, NodeRole.MAILBOX)

    @property
    def archive(self) -> Entry | None:
        """The lawyer's archive in which the act takes place."""
        return nearest(self.chain, NodeRole.ARCHIVE)

    @property
    def own_open(self) -> bool:
        """Whether the entry is the actor's own unfinished deposit."""
        return (
            self.entry is not None and self.entry.is_open and self.entry.author_id == self.actor.id
        )

    @property
    def path(self) -> str:
        """The place in words, for messages and rules: ``/dossier/folder/name``."""
        names = [entry.name for entry in self.chain]
        if self.entry is None or not self.chain or self.entry.id != self.chain[-1].id:
            names.append(self.name)
        return "/" + "/".join(name for name in names if name)

    def within(self, folder: str) -> bool:
        """Whether the act takes place in ``folder`` or below; whole names are compared."""
        wanted = [part for part in folder.split("/") if part]
        return self.path.split("/")[1 : len(wanted) + 1] == wanted


def nearest(chain: Iterable[Entry], role: NodeRole) -> Entry | None:
    """The deepest folder of ``chain`` that has ``role``."""
    return next((entry for entry in reversed(tuple(chain)) if entry.role is role), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, with the reason in French for people and the rule's name for the log."""

    allowed: bool
    reason: str
    phrase: str = ""
    status: int = 403
    condition: str | None = None
    hides: bool = False
    rule: str = ""
    failed: bool = False
    """The policy could not answer: set by the gate alone."""

    @classmethod
    def allow(cls, reason: str) -> "Decision":
        """A yes: permits unless another policy says no."""
        return cls(True, reason)

    @classmethod
    def deny(
        cls, reason: str, *, phrase: str = "", status: int = 403, condition: str | None = None
    ) -> "Decision":
        """A no: refuses whatever others say. ``phrase``: a few words for file managers."""
        return cls(False, reason, phrase or reason, status, condition)

    @classmethod
    def hide(cls, reason: str) -> "Decision":
        """A no to SEE: for this person the thing does not exist."""
        return cls(False, reason, "Introuvable", 404, None, True)

    @property
    def passes(self) -> bool:
        """Whether a no may become a yes by itself, soon (503)."""
        return not self.allowed and self.status == 503

    def by(self, rule: str) -> "Decision":
        """The same decision, signed by ``rule``."""
        return replace(self, rule=rule)


class Policy:
    """One rule. Subclasses define the moments they need, under exactly these names.

    ``alike`` says that :meth:`judge` decides SEE of a file by the actor, the folder with the rights
    in it, and the file's state and author alone: a listing then asks once for all files that have
    these in common. Name, size, number and time must then not matter.
    """

    alike = False

    def judge(self, action: Action) -> Decision | None:
        """Decide on one act; None is silence. Must do no input or output: it is asked for every
        member of a listing."""
        return None

    def inspect(self, action: Action, head: bytes) -> Decision | None:
        """Decide on complete content that nobody else has seen yet, before it is sealed.

        ``head`` are its first :data:`HEAD` bytes. A ``deny`` rejects it and tells its author.
        """
        return None


Options = dict[str, Any]
