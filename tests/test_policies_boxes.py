"""The policies of mailboxes and archives by themselves: what is deposited stays, or is filed."""

import pytest

from davserver.policy import Act, Actor, Entry, Rights
from davserver.policy.archives import Archives
from davserver.policy.gate import Gate
from davserver.policy.mailbox import Mailbox
from tests import actions
from tests.actions import (
    ARCHIVE,
    ARCHIVES,
    ASSISTANT,
    BOX,
    EXPERT,
    LAWYER,
    MAILBOXES,
    NOTES,
    OTHER,
    OTHERS_ARCHIVE,
    OTHERS_BOX,
    PIECE,
    READ,
    SAPITEUR,
    SAPITEURS_BOX,
    SOURCE,
    action,
    file,
    filing,
    folder,
)

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters
gate = actions.gate  # a fixture

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
