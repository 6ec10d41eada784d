"""One unit of work: a transaction, who acts, when and by which door."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.clients import Program, program
from davserver.model import Dossier, Node, Platform
from davserver.model.snapshots import Snapshots
from davserver.policy import Act, Action, Actor, DossierFacts, Entry
from davserver.policy.gate import Gate
from davserver.policy.rights import Rights
from davserver.settings import Settings
from davserver.storage import BlobStore
from davserver.storage.checked import Checked
from davserver.work.outline import Chain, Outline
from davserver.work.rights_map import RightsMap

DOSSIERS_KEPT = 2_000  # whose compiled rights and outlines stay in memory


@dataclass(frozen=True)
class Client:
    """How the actor came: the door's name, the program he uses, the lock tokens he submitted, the
    last name of his request in the form in which his program gave it."""

    channel: str
    agent: str = ""
    tokens: frozenset[str] = frozenset()
    spelt: str = ""

    @property
    def family(self) -> str:
        """The program without its version, in small letters: ``webdavfs``."""
        return self.agent.split("/")[0].split(" ")[0].lower()[:40]

    @property
    def program(self) -> Program:
        """The program with its habits."""
        return program(self.agent)


class Caches:
    """What is compiled from the rows of dossiers, and which pieces were found whole: shared by the
    works of one process."""

    def __init__(self) -> None:
        self.rights: Snapshots[RightsMap] = Snapshots(DOSSIERS_KEPT)
        self.outlines: Snapshots[Outline] = Snapshots(DOSSIERS_KEPT)
        self.checked = Checked()


@dataclass
class Work:
    """What every operation needs. ``now`` is UTC and stands still during the work. ``writes``:
    whether it may change something; what it reads is then not what others read."""

    session: Session
    settings: Settings
    gate: Gate
    blobs: BlobStore
    caches: Caches
    actor: Actor
    client: Client
    now: datetime
    writes: bool
    _facts: dict[int, DossierFacts] = field(default_factory=dict)
    _changes: dict[int, int] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)

    def hold(self, dossier: Dossier) -> bool:
        """Make writers of the dossiers of one platform wait for each other: its quota is one. True:
        what was read before may be past, and all of it is to be looked up anew.

        SQLite's writers wait for each other from their beginning (BEGIN IMMEDIATE).
        """
        self._facts.pop(dossier.id, None)
        if self.session.get_bind().dialect.name == "sqlite":
            return False
        self.session.flush()
        self.session.expire_all()
        self.session.execute(
            select(Platform.id)
            .where(Platform.id == dossier.platform_id)
            .with_for_update(key_share=True)
        )
        # Not against those who only refer to it: the journal line of a refusal, for one.
        self.session.refresh(dossier, with_for_update={"key_share": True})
        return True

    def keep(self, rows: Iterable[object]) -> None:
        """Have these rows at hand while the work lasts: the session forgets those that nobody
        holds, and reads them again."""
        self._kept += rows

    def rights_map(self, dossier: Dossier) -> RightsMap:
        """The compiled rights of ``dossier`` as they stand."""
        return self.caches.rights.of(
            dossier.id, dossier.rights_revision, lambda: RightsMap(self.session, dossier)
        )

    def outline(self, dossier: Dossier) -> Outline:
        """The folders of ``dossier`` as they stand."""
        if self.writes:
            # Its number may not be committed yet, or its rows newer than the number it has read.
            self.session.flush()
            return Outline(self.session, dossier)
        return self.caches.outlines.of(
            dossier.id, dossier.change, lambda: Outline(self.session, dossier)
        )

    def change(self, dossier: Dossier) -> int:
        """The number of what this work changes in ``dossier``: one for all of it."""
        if dossier.id not in self._changes:
            dossier.change += 1
            self._changes[dossier.id] = dossier.change
        return self._changes[dossier.id]

    def rights_in(self, dossier: Dossier, folders: Sequence[Node]) -> Rights:
        """The actor's rights in the last of ``folders`` (from the source folder down)."""
        return self.rights_along(dossier, tuple(folder.id for folder in folders))

    def rights_along(self, dossier: Dossier, chain: Chain) -> Rights:
        """The actor's rights in the last folder of ``chain``, as far as his device has them."""
        rights = self.rights_map(dossier).of(self.actor.id, chain)
        return self.actor.limited(rights, dossier.id)

    def facts(self, dossier: Dossier) -> DossierFacts:
        """The dossier as policies see it."""
        if dossier.id not in self._facts:
            self._facts[dossier.id] = DossierFacts(
                id=dossier.id,
                title=dossier.title,
                kind=dossier.kind,
                state=dossier.state,
                deadline=dossier.deadline,
                quota=dossier.quota,
                used=dossier.used,
                platform_quota=dossier.platform.quota,
                platform_used=dossier.platform.used,
            )
        return self._facts[dossier.id]

    def grow(self, dossier: Dossier, change: int) -> None:
        """Count ``change`` bytes more (or fewer) in the dossier, and in its platform."""
        dossier.used += change
        dossier.platform.used += change
        self._facts.clear()

    def action(
        self,
        act: Act,
        dossier: Dossier,
        folders: Sequence[Node],
        node: Node | None = None,
        *,
        name: str | None = None,
        **facts: Any,
    ) -> Action:
        """The action of ``act`` on ``node``, or on ``name`` to be created in the last folder."""
        chain = [*folders, node] if node is not None and node.is_folder else list(folders)
        role = self.rights_map(dossier).roles.get(self.actor.id)
        return Action(
            act=act,
            actor=replace(self.actor, role=role),
            dossier=self.facts(dossier),
            chain=tuple(entry_of(folder) for folder in chain),
            entry=None if node is None else entry_of(node),
            name=name if name is not None else (node.name if node is not None else ""),
            rights=self.rights_in(dossier, chain),
            now=self.now,
            channel=self.client.channel,
            agent=self.client.agent,
            **facts,
        )


def entry_of(node: Node) -> Entry:
    """``node`` as policies see it."""
    return Entry(
        id=node.id,
        name=node.name,
        kind=node.kind,
        role=node.role,
        state=node.state,
        author_id=node.author_id,
        representation_id=node.representation_id,
        size=node.size,
        number=node.number,
    )
