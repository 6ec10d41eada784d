"""The gate and each built-in policy, by themselves: an action in, a decision out."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import permutations, product
from typing import Any

import pytest

from davserver.errors import NotFound, Refused
from davserver.model import DossierKind, DossierState, NodeKind, NodeRole, NodeState, Role, Verdict
from davserver.policy import Act, Action, Actor, Decision, DossierFacts, Entry, Policy, Rights
from davserver.policy.antivirus import Antivirus
from davserver.policy.archives import Archives
from davserver.policy.dossier_state import DossierLife
from davserver.policy.file_names import FileNames
from davserver.policy.gate import Gate, refusal
from davserver.policy.loading import make_gate
from davserver.policy.mailbox import Mailbox
from davserver.policy.quota import Quota
from davserver.policy.recursive_rights import RecursiveRights
from davserver.policy.rights import parse
from davserver.policy.side_files import SideFiles
from davserver.policy.structure import Structure
from davserver.settings import Settings

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters

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


def in_state(state: DossierState) -> DossierFacts:
    return DossierFacts(DOSSIER.id, DOSSIER.title, DOSSIER.kind, state, None, 1_000, 0, 10_000, 0)


@pytest.fixture(scope="module")
def gate() -> Gate:
    """The gate of a site without settings of its own."""
    return make_gate(Settings())


# ---------------------------------------------------------------------------------- the gate


class Says(Policy):
    """Says the same to everything."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def judge(self, action: Action) -> Decision | None:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer  # type: ignore[return-value]

    def inspect(self, action: Action, head: bytes) -> Decision | None:
        return self.judge(action)


YES, NO, HIDE = Decision.allow("oui"), Decision.deny("Non."), Decision.hide("Rien.")
SILENCE, FAILURE = None, RuntimeError("broken")


def gate_of(*answers: object) -> Gate:
    return Gate([(f"policy{place}", Says(answer)) for place, answer in enumerate(answers)])


def test_one_no_refuses_whatever_the_order() -> None:
    for answers in permutations([NO, YES, YES, SILENCE]):
        assert not gate_of(*answers).permits(action(Act.SEE))


def test_silence_refuses() -> None:
    assert gate_of().judge(action(Act.SEE)).rule == "doubt"
    assert not gate_of(SILENCE, SILENCE).permits(action(Act.SEE))


def test_every_combination_of_four_answers_is_decided_as_by_the_rule() -> None:
    for answers in product([SILENCE, YES, NO, HIDE, FAILURE], repeat=4):
        decision = gate_of(*answers).judge(action(Act.SEE))

        refused = any(answer in (NO, HIDE, FAILURE) for answer in answers)
        assert decision.allowed is (YES in answers and not refused), answers
        assert decision.hides is (HIDE in answers), answers


@pytest.mark.parametrize("nonsense", [True, "oui", 1, object(), Decision])
def test_a_policy_that_answers_nonsense_refuses_and_is_logged(
    nonsense: object, caplog: pytest.LogCaptureFixture
) -> None:
    decision = gate_of(YES, nonsense).judge(action(Act.SEE))

    assert (decision.allowed, decision.rule) == (False, "policy1")
    assert "policy1" in caplog.text


def test_a_policy_that_raises_refuses_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        decision = gate_of(YES, FAILURE).judge(action(Act.SEE))

    assert (decision.allowed, decision.status, decision.rule) == (False, 403, "policy1")
    assert decision.reason.endswith("c'est refusé.")
    assert "policy1" in caplog.text and "broken" in caplog.text


def test_a_refusal_names_its_rule_and_its_reason() -> None:
    with pytest.raises(Refused) as refused:
        gate_of(YES, Decision.deny("Plus de place.", status=507)).require([action(Act.ADD)])

    assert (refused.value.sentence, refused.value.status) == ("Plus de place.", 507)
    assert refused.value.rule == "policy1"


def test_all_acts_of_a_request_must_be_permitted() -> None:
    gate = Gate([("files", FileNames()), ("yes", Says(YES))])

    gate.require([action(Act.ADD), action(Act.ADD)])
    with pytest.raises(Refused):
        gate.require([action(Act.ADD), action(Act.ADD, name="a:b.pdf")])


@pytest.mark.parametrize("act", list(Act))
def test_what_is_hidden_is_not_found_by_who_reads_and_stops_who_changes(act: Act) -> None:
    problem = refusal(HIDE.by("rights"), act)

    assert isinstance(problem, NotFound if act in (Act.SEE, Act.FETCH) else Refused)
    assert HIDE.reason not in problem.sentence


def test_one_no_to_content_rejects_it_and_silence_takes_it() -> None:
    assert gate_of(SILENCE, YES).inspect(action(Act.COMPLETE), b"%PDF") is None
    refused = gate_of(YES, NO).inspect(action(Act.COMPLETE), b"%PDF")
    assert refused is not None and refused.rule == "policy1"


def test_content_is_rejected_when_a_policy_fails(caplog: pytest.LogCaptureFixture) -> None:
    assert gate_of(FAILURE).inspect(action(Act.COMPLETE), b"%PDF") is not None
    assert gate_of("oui").inspect(action(Act.COMPLETE), b"%PDF") is not None
    assert caplog.text.count("policy0") >= 2


def test_a_policy_is_asked_only_for_the_moments_that_it_defines() -> None:
    class OnlyInspects(Policy):
        def inspect(self, action: Action, head: bytes) -> Decision | None:
            return NO

    gate = Gate([("yes", Says(YES)), ("inspects", OnlyInspects())])

    assert gate.permits(action(Act.SEE))
    assert gate.inspect(action(Act.COMPLETE), b"") is not None


# --------------------------------------------------------------------------------- the rights

# Act, on a folder or a file, and the words of the trade that permit it: any one of them.
NEEDED = [
    (Act.SEE, NOTES[-1], ["naviguer"]),
    (Act.SEE, PIECE, ["consulter"]),
    (Act.FETCH, PIECE, ["télécharger"]),
    (Act.ADD, None, ["ajouter"]),
    (Act.COMPLETE, file(state=NodeState.RESERVED, author=EXPERT), ["ajouter"]),
    (Act.REPLACE, PIECE, ["modifier"]),
    (Act.DESCRIBE, PIECE, ["modifier"]),
    (Act.RENAME, PIECE, ["modifier"]),
    (Act.LOCK, PIECE, ["modifier"]),
    (Act.REMOVE, PIECE, ["supprimer"]),
    (Act.LEAVE, PIECE, ["télécharger, déplacer", "télécharger, supprimer"]),
    (Act.ARRIVE, None, ["ajouter", "déplacer"]),
]
RIGHTS = [right for right in Rights if right.bit_count() == 1]


@pytest.mark.parametrize(("act", "entry", "words"), NEEDED)
def test_each_act_needs_its_right_and_no_other(
    act: Act, entry: Entry | None, words: list[str]
) -> None:
    enough = [parse(word) for word in words]

    for bits in range(int(ALL) + 1):
        decision = RecursiveRights().judge(action(act, entry=entry, rights=Rights(bits)))

        assert decision is not None
        assert decision.allowed is any(rights in Rights(bits) for rights in enough), bits


def test_every_act_but_side_files_and_the_seal_is_in_the_table_of_rights() -> None:
    assert {act for act, _, _ in NEEDED} == set(Act) - {Act.SIDE, Act.PUBLISH}
    assert RecursiveRights().judge(action(Act.SIDE)) is None
    assert RecursiveRights().judge(action(Act.PUBLISH, rights=ALL)) is None


def test_what_one_may_not_see_does_not_exist() -> None:
    decision = RecursiveRights().judge(action(Act.SEE, entry=NOTES[-1], rights=Rights.NONE))

    assert decision is not None and decision.hides


@pytest.mark.parametrize("state", [NodeState.RESERVED, NodeState.RECEIVED, NodeState.SIDE])
@pytest.mark.parametrize("act", sorted(set(Act) - {Act.ARRIVE, Act.LEAVE, Act.PUBLISH}))
def test_an_unfinished_deposit_is_hidden_from_all_but_its_author(
    gate: Gate, state: NodeState, act: Act
) -> None:
    entry = file(state=state, author=LAWYER)

    for actor in (EXPERT, OTHER, ASSISTANT):
        decision = gate.judge(action(act, BOX, entry, actor=actor))
        assert decision.hides, (actor, decision)


@pytest.mark.parametrize("state", [NodeState.RESERVED, NodeState.RECEIVED, NodeState.SIDE])
def test_who_takes_a_folder_away_is_told_that_something_in_it_is_unfinished(
    gate: Gate, state: NodeState
) -> None:
    decision = gate.judge(action(Act.LEAVE, BOX, file(state=state, author=LAWYER), actor=EXPERT))

    assert (decision.allowed, decision.hides) == (False, False)
    assert "n'est pas terminé" in decision.reason


def test_an_author_sees_and_completes_his_unfinished_deposit(gate: Gate) -> None:
    entry = file(state=NodeState.RECEIVED)

    for act in (Act.SEE, Act.FETCH, Act.COMPLETE):
        assert gate.permits(action(act, BOX, entry, actor=LAWYER, rights=READ | Rights.ADD))


# ------------------------------------------------------------------------------- the mailboxes

CHANGES = [Act.REPLACE, Act.DESCRIBE, Act.RENAME, Act.REMOVE, Act.LOCK]


@pytest.mark.parametrize("act", CHANGES)
@pytest.mark.parametrize("chain", [BOX, ARCHIVE, NOTES, SAPITEURS_BOX])
def test_a_sealed_piece_is_changed_by_nobody_wherever_it_lies(
    gate: Gate, act: Act, chain: tuple[Entry, ...]
) -> None:
    for actor in (EXPERT, LAWYER, ASSISTANT):
        assert not gate.permits(action(act, chain, PIECE, actor=actor))


@pytest.mark.parametrize("act", CHANGES)
def test_a_folder_that_was_deposited_with_its_pieces_is_fixed_too(act: Act) -> None:
    deposited = folder(50, "Photos")

    decision = Mailbox().judge(action(act, (*BOX, deposited), deposited))

    assert decision is not None and not decision.allowed


@pytest.mark.parametrize("act", [Act.ADD, Act.ARRIVE])
def test_nothing_is_added_beside_the_boxes(act: Act) -> None:
    decision = Mailbox().judge(action(act, MAILBOXES))

    assert decision is not None and not decision.allowed
    assert Mailbox().judge(action(act, BOX)) is None


def test_a_lawyer_adds_to_his_box_alone(gate: Gate) -> None:
    # The rights are those of the folder: « ajouter » in his own box, reading in the others'.
    assert gate.permits(action(Act.ADD, BOX, actor=LAWYER, rights=READ | Rights.ADD))
    assert not gate.permits(action(Act.ADD, OTHERS_BOX, actor=LAWYER, rights=READ))


def test_folders_may_be_deposited_unless_the_settings_say_no() -> None:
    made = action(Act.ADD, BOX, makes_folder=True)

    assert Mailbox(folders=True).judge(made) is None
    refused = Mailbox(folders=False).judge(made)
    assert refused is not None and not refused.allowed
    assert Mailbox(folders=False).judge(action(Act.ADD, NOTES, makes_folder=True)) is None
    assert Mailbox(folders=False).judge(action(Act.ADD, BOX)) is None


def test_the_sapiteurs_box_is_deposit_only_like_the_others(gate: Gate) -> None:
    opinion = file("Avis technique - structure du balcon.pdf", author=SAPITEUR, number=3)

    assert gate.permits(
        action(Act.ADD, SAPITEURS_BOX, actor=SAPITEUR, rights=READ | Rights.ADD, size=10)
    )
    for act in CHANGES:
        assert not gate.permits(action(act, SAPITEURS_BOX, opinion, actor=SAPITEUR))


@pytest.mark.parametrize("target", [ARCHIVE, OTHERS_ARCHIVE, NOTES, BOX])
def test_what_a_sapiteur_deposited_is_filed_in_no_lawyers_archive(
    gate: Gate, target: tuple[Entry, ...]
) -> None:
    opinion = file("Avis technique - structure du balcon.pdf", author=SAPITEUR, number=3)

    assert not gate.permits(filing(SAPITEURS_BOX, target, piece=opinion))


# -------------------------------------------------------------------------------- the archives


@pytest.mark.parametrize("actor", [EXPERT, ASSISTANT])
def test_the_expert_files_a_piece_into_its_own_lawyers_archive(gate: Gate, actor: Actor) -> None:
    gate.require(
        [
            action(Act.LEAVE, BOX, PIECE, actor=actor),
            filing(BOX, ARCHIVE, actor=actor),
        ]
    )


@pytest.mark.parametrize("actor", [LAWYER, OTHER, SAPITEUR, Actor(6, "x", "X", None)])
def test_nobody_else_files_whatever_his_rights(gate: Gate, actor: Actor) -> None:
    assert not gate.permits(filing(BOX, ARCHIVE, actor=actor))
    assert not gate.permits(action(Act.LEAVE, ARCHIVE, PIECE, actor=actor))


@pytest.mark.parametrize("target", [OTHERS_ARCHIVE, ARCHIVES, NOTES, OTHERS_BOX, (SOURCE,)])
@pytest.mark.parametrize("source", [BOX, ARCHIVE])
def test_a_piece_goes_nowhere_else(
    gate: Gate, source: tuple[Entry, ...], target: tuple[Entry, ...]
) -> None:
    assert not gate.permits(filing(source, target))


def test_a_filing_may_be_taken_back_and_sorted_anew(gate: Gate) -> None:
    assert gate.permits(filing(ARCHIVE, BOX))
    assert gate.permits(filing(ARCHIVE, (*ARCHIVE[:-1], folder(21, "Dires"))))


def test_a_piece_keeps_its_name_when_it_is_filed(gate: Gate) -> None:
    assert not gate.permits(filing(BOX, ARCHIVE, name="Constat.pdf"))
    assert gate.permits(filing(BOX, ARCHIVE, name="Pièce n°12 - Constat (2).pdf"))
    assert not gate.permits(filing(BOX, ARCHIVE, name="Pièce n°12 - Constat (2).exe"))


def test_nothing_but_a_deposited_piece_enters_an_archive(gate: Gate) -> None:
    note = file("Note n°1.pdf", author=EXPERT)

    assert not gate.permits(filing(NOTES, ARCHIVE, piece=note))
    assert not gate.permits(action(Act.ADD, ARCHIVE))
    assert not gate.permits(action(Act.ADD, ARCHIVE, makes_folder=True))


@pytest.mark.parametrize("act", CHANGES)
def test_the_folders_of_an_archive_stay_as_they_are(gate: Gate, act: Act) -> None:
    assert not gate.permits(action(act, ARCHIVE, ARCHIVE[-1]))


def test_archives_are_read_by_who_may_read() -> None:
    for act in (Act.SEE, Act.FETCH, Act.SIDE):
        assert Archives().judge(action(act, ARCHIVE, PIECE, actor=OTHER)) is None


# ------------------------------------------------------------------------------- the structure


@pytest.mark.parametrize("act", [Act.RENAME, Act.REMOVE, Act.LEAVE, Act.DESCRIBE, Act.LOCK])
@pytest.mark.parametrize(
    "chain", [(SOURCE,), MAILBOXES, BOX, ARCHIVES, ARCHIVE[:-1], SAPITEURS_BOX]
)
def test_the_folders_that_a_dossier_stands_on_stay_where_they_are(
    act: Act, chain: tuple[Entry, ...]
) -> None:
    decision = Structure().judge(action(act, chain, chain[-1]))

    assert decision is not None and not decision.allowed


def test_the_other_folders_are_the_experts_to_change() -> None:
    for act in (Act.RENAME, Act.REMOVE, Act.LEAVE, Act.DESCRIBE, Act.LOCK):
        assert Structure().judge(action(act, NOTES, NOTES[-1])) is None
    assert Structure().judge(action(Act.ADD, (SOURCE,))) is None


# --------------------------------------------------------------------- the life of the dossier


@pytest.mark.parametrize("state", [DossierState.OPEN, DossierState.UNDER_WAY, DossierState.DIRES])
@pytest.mark.parametrize("act", list(Act))
def test_a_living_dossier_is_left_to_the_other_policies(state: DossierState, act: Act) -> None:
    assert DossierLife().judge(action(act, dossier=in_state(state))) is None


WRITING = [act for act in Act if act not in (Act.SEE, Act.FETCH, Act.SIDE, Act.PUBLISH)]


@pytest.mark.parametrize("state", [DossierState.SUSPENDED, DossierState.CLOSED])
def test_a_closed_dossier_is_read_and_not_written(state: DossierState) -> None:
    for actor in (EXPERT, LAWYER):
        for act in (Act.SEE, Act.FETCH):
            assert DossierLife().judge(action(act, actor=actor, dossier=in_state(state))) is None
        for act in WRITING:
            decision = DossierLife().judge(action(act, actor=actor, dossier=in_state(state)))
            assert decision is not None and not decision.allowed and not decision.hides
            assert state.value in decision.reason


def test_an_archived_dossier_is_read_by_its_expert_and_hidden_from_the_others() -> None:
    archived = in_state(DossierState.ARCHIVED)

    assert DossierLife().judge(action(Act.FETCH, dossier=archived)) is None
    for actor in (LAWYER, ASSISTANT, Actor(6, "x", "X", None)):
        for act in set(Act) - {Act.PUBLISH}:
            decision = DossierLife().judge(action(act, actor=actor, dossier=archived))
            assert decision is not None and decision.hides, act
    for act in WRITING:
        decision = DossierLife().judge(action(act, dossier=archived))
        assert decision is not None and not decision.allowed, act


def test_a_purged_dossier_is_hidden_from_its_expert_too() -> None:
    for act in set(Act) - {Act.PUBLISH}:
        decision = DossierLife().judge(action(act, dossier=in_state(DossierState.PURGED)))
        assert decision is not None and decision.hides, act


# -------------------------------------------------------------------------------- file names

NAMES_OF_LAWYERS = [
    "Pièce n°12 - Constat.pdf",
    "Pièce n°2 - Contrat de maîtrise d'œuvre.pdf",
    "Pièce n°2 - Contrat de maîtrise d’œuvre.pdf",
    "Pièce nº 07 – Procès-verbal de réception du 3 février 2021.pdf",
    "Dire n°3 re\u0301capitulatif - Me ORTIE - 14.06.2024.pdf",
    "Bordereau de pièces communiquées n°1 à 38.pdf",
    "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf",
    "Rapport d'expertise amiable contradictoire établi à la demande de l'assureur "
    "dommages-ouvrage suite à la déclaration de sinistre du 27 novembre 2022 "
    "(annexes comprises).pdf",
    "SCAN_0001.pdf",
    "IMG_4512.HEIC",
    "IMG_4513.JPG",
    "Façade Est - fissure.mp4",
    "Plan RDC ind. C.dwg",
    "Coupe AA' - A0.pdf",
    "Pièces 1 à 25.zip",
    "eicar.com.txt",
    ".DS_Store",
    "~$Dire.docx",
    "Thumbs.db",
    "Note aux parties n°1 - Réunion du 12 mars 2024.pdf",
    "Pré-rapport.pdf",
    "Rapport et annexes.pdf",
]
NAMING = [Act.ADD, Act.ARRIVE, Act.RENAME, Act.SIDE]


@pytest.mark.parametrize("name", NAMES_OF_LAWYERS)
def test_the_names_that_lawyers_give_are_taken(name: str) -> None:
    for act in NAMING:
        assert FileNames().judge(action(act, BOX, name=name)) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((f"a{char}b.pdf", char) for char in '\\/:*?"<>|'),
        *((name, "réserve ce nom") for name in ("CON", "aux.pdf", "Nul.txt", "COM1.doc", "lpt9")),
        ("fin.", "finit par un point"),
        ("fin ", "finit par un point ou une espace"),
        ("a\x01b", "caractère de commande"),
        ("\u202efdp.exe", "inverse le sens"),
        ("é" * 121, "240 octets"),
        ("", "vide"),
        ("..", "vide"),
    ],
)
def test_a_name_that_windows_cannot_hold_is_refused_with_its_reason(name: str, reason: str) -> None:
    for act in NAMING:
        # built at once: the builder gives a name to who gives none
        judged = Action(act, LAWYER, DOSSIER, BOX, None, name, ALL, NOW)
        decision = FileNames().judge(judged)

        assert decision is not None and not decision.allowed
        assert reason in decision.reason


def test_a_name_of_just_240_bytes_is_taken() -> None:
    assert FileNames().judge(action(Act.ADD, name="é" * 120)) is None


def test_a_path_that_is_too_long_is_refused() -> None:
    deep = (SOURCE, *(folder(100 + level, "d" * 100) for level in range(6)))

    decision = FileNames().judge(action(Act.ADD, deep))

    assert decision is not None and "chemin" in decision.reason


def test_an_old_name_is_no_obstacle_to_reading_or_removing() -> None:
    for act in set(Act) - set(NAMING):
        assert FileNames().judge(action(act, entry=file("a:b.pdf"))) is None


# ------------------------------------------------------------------------------------- quota


def room(decision: Decision | None) -> bool:
    """Whether there is; a refusal is 507."""
    assert decision is None or (not decision.allowed and decision.status == 507)
    return decision is None


@pytest.mark.parametrize("act", [Act.ADD, Act.COMPLETE, Act.REPLACE, Act.ARRIVE])
def test_a_dossier_may_be_exactly_full_and_not_one_byte_more(act: Act) -> None:
    assert room(Quota().judge(action(act, size=100)))
    assert not room(Quota().judge(action(act, size=101)))


def test_what_is_replaced_makes_room() -> None:
    assert room(Quota().judge(action(Act.REPLACE, size=600, replaced=500)))
    assert not room(Quota().judge(action(Act.REPLACE, size=601, replaced=500)))


def full(**facts: int) -> DossierFacts:
    values = {"quota": 1_000, "used": 1_000, "platform_quota": 10_000, "platform_used": 9_000}
    values |= facts
    return DossierFacts(1, DOSSIER.title, DOSSIER.kind, DossierState.UNDER_WAY, None, **values)


def test_a_full_dossier_takes_what_does_not_grow_it() -> None:
    for dossier in (full(), full(used=1_500)):  # above its quota since that was lowered
        assert room(Quota().judge(action(Act.ADD, size=0, dossier=dossier)))
        assert room(Quota().judge(action(Act.REPLACE, size=10, replaced=10, dossier=dossier)))
        assert room(Quota().judge(action(Act.REPLACE, size=5, replaced=10, dossier=dossier)))
        assert room(Quota().judge(action(Act.REMOVE, entry=PIECE, dossier=dossier)))
        assert not room(Quota().judge(action(Act.REPLACE, size=11, replaced=10, dossier=dossier)))


def test_the_platform_of_the_expert_may_be_exactly_full_and_not_one_byte_more() -> None:
    dossier = full(used=0, platform_used=9_950)

    assert room(Quota().judge(action(Act.ADD, size=50, dossier=dossier)))
    refused = Quota().judge(action(Act.ADD, size=51, dossier=dossier))
    assert refused is not None and "plateforme" in refused.reason


def test_a_size_that_is_not_announced_is_judged_once_it_is_known() -> None:
    assert room(Quota().judge(action(Act.ADD, size=None, dossier=full())))
    assert not room(Quota().judge(action(Act.ADD, size=1, dossier=full())))


# ------------------------------------------------------------------------------- side files

COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
FINDER, EXPLORER = "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0", "Microsoft-WebDAV-MiniRedir/10.0.1"


def side(name: str, *, rights: Rights = READ | Rights.ADD, agent: str = "", **facts: Any) -> Action:
    return action(Act.SIDE, BOX, name=name, actor=LAWYER, rights=rights, agent=agent, **facts)


@pytest.mark.parametrize("agent", ["", "rclone/v1", FINDER, EXPLORER])
@pytest.mark.parametrize("rights", [READ, READ | Rights.ADD, READ | Rights.MODIFY])
def test_side_files_are_taken_in_where_one_writes_and_from_finder_and_explorer_anywhere(
    agent: str, rights: Rights
) -> None:
    decision = SideFiles().judge(side("~$Dire.docx", rights=rights, agent=agent))

    assert decision is not None
    assert decision.allowed is (rights != READ or agent in (FINDER, EXPLORER))


def contents() -> Iterator[tuple[str, bytes, int, bool]]:
    """Names, first bytes, sizes, and whether they are absorbed."""
    owner = b"\x06auteur".ljust(162)
    yield "~$Dire.docx", owner, 162, True
    yield "~$Dire.docx", owner + b"   ", 165, True
    yield "~$Dire.docx", b"%PDF-1.7".ljust(162), 162, False
    yield "~$Dire.docx", b"Le mur penche.", 14, False
    yield "~$Dire.doc", COMPOUND.ljust(4_096), 30_000, False
    yield "._Constat.pdf", b"\x00\x05\x16\x07", 4_096, True
    yield "._Constat.pdf", b"\x00\x05\x16\x07", 1_000_000, True
    yield "._Constat.pdf", b"%PDF-1.7", 4_096, False
    yield "._notes.txt", b"Le mur penche.", 14, False
    yield "Thumbs.db", COMPOUND + "Catalog".encode("utf-16-le"), 1_000_000, True
    yield "Thumbs.db", COMPOUND + "256_0a".encode("utf-16-le"), 1_000_000, True
    yield "Thumbs.db", COMPOUND + "Catalog".encode("utf-16-le"), 40_000_000, False
    yield "Thumbs.db", COMPOUND.ljust(4_096), 3_000_000, False
    yield "desktop.ini", b"\xff\xfe" + "\r\n[.ShellClassInfo]".encode("utf-16-le"), 400, True
    yield ".~lock.Dire.odt#", b",ortie,poste,01.02.2024 10:00,file:///x;", 40, True
    yield ".Dire.odt.swp", b"b0VIM 9.0", 16_384, True
    yield ".DS_Store", b"\x00\x00\x00\x01Bud1", 6_148, True
    yield ".DS_Store", b"PK\x03\x04", 6_148, False
    yield "~WRD0001.tmp", b"PK\x03\x04", 5_000_000, True  # a document that is being saved
    yield "Constat.pdf.part", b"%PDF-1.7", 5_000_000, True


@pytest.mark.parametrize(("name", "head", "size", "absorbed"), list(contents()))
def test_litter_is_absorbed_only_if_it_is_litter(
    name: str, head: bytes, size: int, absorbed: bool
) -> None:
    judged = side(name, size=size)

    decisions = [SideFiles().judge(judged), SideFiles().inspect(judged, head)]

    refused = [decision for decision in decisions if decision and not decision.allowed]
    assert (refused == []) is absorbed
    assert all(name in decision.reason for decision in refused)


def test_side_files_are_no_other_policys_business(gate: Gate) -> None:
    for chain in (BOX, ARCHIVE, MAILBOXES, NOTES):
        assert gate.permits(action(Act.SIDE, chain, name=".DS_Store", rights=READ, agent=FINDER))


def test_ordinary_acts_are_not_the_side_files_business() -> None:
    for act in set(Act) - {Act.SIDE}:
        assert SideFiles().judge(action(act, name=".DS_Store")) is None
        assert SideFiles().inspect(action(act, name=".DS_Store"), b"%PDF") is None


# -------------------------------------------------------------------------------- antivirus


@pytest.mark.parametrize("active", [True, False])
def test_the_verdict_on_the_content_decides_what_is_shown(active: bool) -> None:
    def allowed(verdict: Verdict | None, size: int = 10) -> bool:
        shown = action(Act.PUBLISH, BOX, file(), size=size, verdict=verdict, finding="Eicar")
        decision = Antivirus(active=active).judge(shown)
        assert decision is not None
        assert decision.passes is (not decision.allowed and verdict is None)
        return decision.allowed

    assert allowed(Verdict.CLEAN)
    assert allowed(None, size=0)
    # A verdict that is known counts even when the scanner was switched off since.
    assert not allowed(Verdict.INFECTED) and not allowed(Verdict.UNSCANNABLE)
    assert allowed(None) is not active


def test_the_antivirus_is_silent_about_all_other_acts() -> None:
    for act in set(Act) - {Act.PUBLISH}:
        assert Antivirus(active=True).judge(action(act, verdict=Verdict.INFECTED)) is None
