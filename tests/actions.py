"""Acts as policies are asked about them: of the people of a dossier, in its folders."""

from datetime import UTC, datetime
from typing import Any

import pytest

from davserver.model import DossierKind, DossierState, NodeKind, NodeRole, NodeState, Role
from davserver.policy import Act, Action, Actor, DossierFacts, Entry, Rights
from davserver.policy.gate import Gate
from davserver.policy.loading import make_gate
from davserver.settings import Settings

NOW = datetime(2024, 6, 14, 22, 0, tzinfo=UTC)
EXPERT, LAWYER, OTHER = (
    Actor(1, "apolline.testard", "Apolline TESTARD", Role.EXPERT),
    Actor(2, "cabinet.brumaire-kalve", "Cabinet BRUMAIRE-KALVÉ", Role.LAWYER),
    Actor(3, "cabinet.ortie-lambda", "Cabinet ORTIE-LAMBDA", Role.LAWYER),
)
ASSISTANT = Actor(4, "camille.esquisse", "Camille ESQUISSE", Role.ASSISTANT)
SAPITEUR = Actor(5, "come.prototype", "Côme PROTOTYPE", Role.SAPITEUR)
DOSSIER = DossierFacts(
    id=1,
    title="2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle",
    kind=DossierKind.EXPERTISE,
    state=DossierState.UNDER_WAY,
    deadline=None,
    quota=1_000,
    used=900,
    platform_quota=10_000,
    platform_used=5_000,
)
READ, ALL = Rights.READ, Rights.ALL


def folder(number: int, name: str, role: NodeRole = NodeRole.PLAIN, owner: int = 0) -> Entry:
    """A folder; ``owner`` is the representation of a box or an archive."""
    return Entry(
        number, name, NodeKind.FOLDER, role, NodeState.PUBLISHED, None, owner or None, 0, None
    )


def file(
    name: str = "Pièce n°12 - Constat.pdf",
    state: NodeState = NodeState.PUBLISHED,
    author: Actor = LAWYER,
    number: int | None = None,
) -> Entry:
    """A file; a sealed piece has a number."""
    return Entry(99, name, NodeKind.FILE, NodeRole.PLAIN, state, author.id, None, 10, number)


PIECE = file(number=12)
SOURCE = folder(10, DOSSIER.title, NodeRole.SOURCE)
NOTES = (SOURCE, folder(11, "03 Notes aux parties et comptes rendus"))
MAILBOXES = (SOURCE, folder(12, "04 Boîtes aux lettres", NodeRole.MAILBOXES))
BOX = (*MAILBOXES, folder(13, "Cabinet BRUMAIRE-KALVÉ", NodeRole.MAILBOX, owner=1))
OTHERS_BOX = (*MAILBOXES, folder(14, "Cabinet ORTIE-LAMBDA", NodeRole.MAILBOX, owner=2))
ARCHIVES = (SOURCE, folder(15, "05 Archives", NodeRole.ARCHIVES))
ARCHIVE = (
    *ARCHIVES,
    folder(16, "Cabinet BRUMAIRE-KALVÉ", NodeRole.ARCHIVE, owner=1),
    folder(17, "Pièces"),
)
OTHERS_ARCHIVE = (*ARCHIVES, folder(18, "Cabinet ORTIE-LAMBDA", NodeRole.ARCHIVE, owner=2))
SAPITEURS = (SOURCE, folder(19, "06 Sapiteurs et investigations"))
SAPITEURS_BOX = (*SAPITEURS, folder(20, "M. PROTOTYPE Côme", NodeRole.MAILBOX, owner=3))


def action(
    act: Act,
    chain: tuple[Entry, ...] = NOTES,
    entry: Entry | None = None,
    *,
    name: str = "",
    actor: Actor = EXPERT,
    rights: Rights = ALL,
    dossier: DossierFacts = DOSSIER,
    **facts: Any,
) -> Action:
    """An act of the expert, who has all rights, in his notes, unless said otherwise."""
    name = name or (entry.name if entry else "Note n°1.pdf")
    return Action(act, actor, dossier, chain, entry, name, rights, NOW, **facts)


def filing(
    source: tuple[Entry, ...],
    target: tuple[Entry, ...],
    *,
    name: str = "",
    actor: Actor = EXPERT,
    piece: Entry = PIECE,
) -> Action:
    """The arrival of a piece from another folder."""
    return action(
        Act.ARRIVE,
        target,
        name=name or piece.name,
        actor=actor,
        arriving=piece,
        arriving_chain=source,
    )


@pytest.fixture(scope="module")
def gate() -> Gate:
    """The gate of a site without settings of its own."""
    return make_gate(Settings())
