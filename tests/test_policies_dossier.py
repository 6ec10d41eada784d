"""The policies of a dossier as a whole by themselves: its structure, its life, its quota."""

import pytest

from davserver.model import DossierState
from davserver.policy import Act, Actor, Decision, DossierFacts, Entry
from davserver.policy.dossier_state import DossierLife
from davserver.policy.quota import Quota
from davserver.policy.structure import Structure
from tests.actions import (
    ARCHIVE,
    ARCHIVES,
    ASSISTANT,
    BOX,
    DOSSIER,
    EXPERT,
    LAWYER,
    MAILBOXES,
    NOTES,
    PIECE,
    SAPITEURS_BOX,
    SOURCE,
    action,
)

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters


def in_state(state: DossierState) -> DossierFacts:
    return DossierFacts(DOSSIER.id, DOSSIER.title, DOSSIER.kind, state, None, 1_000, 0, 10_000, 0)


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
