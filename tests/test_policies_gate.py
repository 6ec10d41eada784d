"""The gate of all policies by itself: answers of policies in, one decision out."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davserver.errors import NotFound, Refused
from davserver.model import DossierState, NodeState
from davserver.policy import Act, Action, Actor, Decision, Entry, Policy, Rights
from davserver.policy.file_names import FileNames
from davserver.policy.gate import Gate, refusal
from davserver.policy.loading import make_gate
from davserver.settings import Settings
from tests.actions import (
    ARCHIVE,
    ASSISTANT,
    BOX,
    DOSSIER,
    EXPERT,
    LAWYER,
    NOTES,
    OTHER,
    OTHERS_BOX,
    SAPITEUR,
    SAPITEURS_BOX,
    action,
    file,
)

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters


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


NAMES = ("Pièce n°1.pdf", ".DS_Store", "~$Constat.docx", "con.txt", "x" * 300, "a?b", "Thumbs.db")
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


@given(
    chain=st.sampled_from([NOTES, BOX, OTHERS_BOX, ARCHIVE, SAPITEURS_BOX]),
    actor=st.sampled_from([EXPERT, LAWYER, OTHER, ASSISTANT, SAPITEUR]),
    author=st.sampled_from([LAWYER, OTHER]),
    state=st.sampled_from(NodeState),
    rights=st.integers(0, Rights.ALL.value),
    life=st.sampled_from(DossierState),
    names=st.lists(st.sampled_from(NAMES), min_size=2, max_size=2),
    others=st.lists(
        st.tuples(st.integers(0, 10**12), st.none() | st.integers(1, 99), st.datetimes()),
        min_size=2, max_size=2,
    ),
)  # fmt: skip
@settings(max_examples=500, deadline=None)
def test_whether_a_file_is_seen_hangs_on_nothing_of_its_own_but_state_and_author(
    chain: tuple[Entry, ...],
    actor: Actor,
    author: Actor,
    state: NodeState,
    rights: int,
    life: DossierState,
    names: list[str],
    others: list[tuple[int, int | None, datetime]],
) -> None:
    """A listing asks once for all files that have these in common: see :attr:`Policy.alike`."""
    gate = make_gate(Settings())
    assert gate.sees_alike
    one, other = (
        gate.judge(
            replace(
                action(Act.SEE, chain, actor=actor, rights=Rights(rights),
                       entry=replace(file(name, state, author, number), size=size),
                       dossier=replace(DOSSIER, state=life)),
                now=now.replace(tzinfo=UTC),
            )
        )
        for name, (size, number, now) in zip(names, others, strict=True)
    )  # fmt: skip
    assert (one.allowed, one.hides) == (other.allowed, other.hides)


def test_one_policy_that_looks_at_names_makes_a_listing_ask_about_each() -> None:
    assert not gate_of(YES).sees_alike
