"""The policy of rights by itself: each act needs its right, and the unseen does not exist."""

import pytest

from davserver.model import NodeState
from davserver.policy import Act, Entry, Rights
from davserver.policy.gate import Gate
from davserver.policy.recursive_rights import RecursiveRights
from davserver.policy.rights import parse
from tests import actions
from tests.actions import (
    ALL,
    ASSISTANT,
    BOX,
    EXPERT,
    LAWYER,
    NOTES,
    OTHER,
    PIECE,
    READ,
    action,
    file,
)

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters
gate = actions.gate  # a fixture

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
        # Who removes the folder around it is told why he cannot.
        told = state is NodeState.SIDE and act is Act.REMOVE
        assert decision.hides is not told, (actor, decision)
        assert not decision.allowed


@pytest.mark.parametrize("state", [NodeState.RESERVED, NodeState.RECEIVED])
def test_who_takes_a_folder_away_is_told_that_something_in_it_is_unfinished(
    gate: Gate, state: NodeState
) -> None:
    decision = gate.judge(action(Act.LEAVE, BOX, file(state=state, author=LAWYER), actor=EXPERT))

    assert (decision.allowed, decision.hides) == (False, False)
    assert "n'est pas terminé" in decision.reason


@pytest.mark.parametrize("act", [Act.LEAVE, Act.REMOVE])
def test_who_takes_or_removes_a_folder_is_told_of_the_document_that_somebody_left_in_it(
    gate: Gate, act: Act
) -> None:
    entry = file(state=NodeState.SIDE, author=LAWYER)

    decision = gate.judge(action(act, BOX, entry, actor=EXPERT))

    assert (decision.allowed, decision.hides, decision.status) == (False, False, 423)
    assert entry.name not in decision.reason


def test_an_author_sees_and_completes_his_unfinished_deposit(gate: Gate) -> None:
    entry = file(state=NodeState.RECEIVED)

    for act in (Act.SEE, Act.FETCH, Act.COMPLETE):
        assert gate.permits(action(act, BOX, entry, actor=LAWYER, rights=READ | Rights.ADD))
