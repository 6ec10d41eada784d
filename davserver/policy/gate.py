"""The gate: asks every policy, combines what they say. All doors and operations pass here."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from davserver.errors import NotFound, Refused, Unavailable
from davserver.policy import Act, Action, Decision, Policy
from davserver.policy.patience import Bounded
from davserver.policy.rights import READING

log = logging.getLogger(__name__)

Moment = Callable[..., Decision | None]

DOUBT = Decision.deny("Aucune règle ne le permet.", phrase="Acces refuse").by("doubt")
_FAILED = replace(
    Decision.deny(
        "Une règle n'a pas pu être vérifiée : par prudence, c'est refusé.",
        phrase="Regle non verifiable",
    ),
    failed=True,
)


class Gate:
    """All active policies, each under its name; those of third parties (``foreign``) with a bound
    on their time. Immutable: threads share it.

    ``sees_alike``: see :attr:`Policy.alike`. ``has_foreign_judges``: what it says may hang on what
    no row tells.
    """

    def __init__(
        self, policies: Sequence[tuple[str, Policy]], foreign: Sequence[tuple[str, Policy]] = ()
    ) -> None:
        self._judges = _moments(policies, "judge") + _bounded(foreign, "judge")
        self._inspectors = _moments(policies, "inspect") + _bounded(foreign, "inspect")
        judges = [policy for _, policy in (*policies, *foreign) if _defines(policy, "judge")]
        self.sees_alike = all(policy.alike for policy in judges)
        self.has_foreign_judges = any(_defines(policy, "judge") for _, policy in foreign)
        self.names = tuple(name for name, _ in (*policies, *foreign))

    def judge(self, action: Action) -> Decision:
        """One no refuses; else one yes permits; else no. A policy that fails says no."""
        return _combine(_asked(name, judge, action) for name, judge in self._judges)

    def permits(self, action: Action) -> bool:
        """Whether ``action`` is permitted. Raises Unavailable where a policy cannot say: what it
        would hide is not known, and nothing is called absent because of a failure."""
        decision = self.judge(action)
        if decision.failed:
            raise Unavailable(decision.reason)
        return decision.allowed

    def require(self, actions: Iterable[Action]) -> None:
        """Raise Refused, or NotFound for what is hidden, at the first act that is not permitted."""
        for action in actions:
            decision = self.judge(action)
            if not decision.allowed:
                raise refusal(decision, action.act)

    def inspect(self, action: Action, head: bytes) -> Decision | None:
        """The first no to complete content; None when nobody objects."""
        for name, inspect in self._inspectors:
            decision = _asked(name, inspect, action, head)
            if decision is not None and not decision.allowed:
                return decision
        return None


def refusal(decision: Decision, act: Act) -> NotFound | Refused:
    """The problem that tells of ``decision``: what is hidden does not exist for who would read it,
    and stops whoever would change the folder around it."""
    if decision.hides and act in READING:
        return NotFound("Ce fichier ou ce dossier n'existe pas.")
    if decision.hides:
        return Refused("Ce dossier ne peut pas être modifié ainsi.", rule=decision.rule)
    return Refused(
        decision.reason,
        phrase=decision.phrase,
        status=decision.status,
        condition=decision.condition,
        rule=decision.rule,
    )


def _moments(policies: Sequence[tuple[str, Policy]], moment: str) -> tuple[tuple[str, Moment], ...]:
    """The policies that define ``moment``: the others are not asked for nothing."""
    return tuple(
        (name, getattr(policy, moment)) for name, policy in policies if _defines(policy, moment)
    )


def _defines(policy: Policy, moment: str) -> bool:
    return getattr(type(policy), moment) is not getattr(Policy, moment)


def _bounded(policies: Sequence[tuple[str, Policy]], moment: str) -> tuple[tuple[str, Moment], ...]:
    return tuple((name, Bounded(found)) for name, found in _moments(policies, moment))


def _asked(name: str, moment: Moment, *facts: object) -> Decision | None:
    try:
        decision = moment(*facts)
    except Exception:  # a rule that fails must refuse, whatever its failure
        log.exception("the policy %s failed: refused", name)
        return _FAILED.by(name)
    if decision is not None and not isinstance(decision, Decision):
        log.error("the policy %s answered %r: refused", name, type(decision).__name__)
        return _FAILED.by(name)
    return None if decision is None else decision.by(name)


def _combine(decisions: Iterable[Decision | None]) -> Decision:
    best: Decision | None = None
    for decision in decisions:
        if decision is None:
            continue
        if not decision.allowed:
            # What is hidden stays hidden, whatever else would refuse it.
            if decision.hides:
                return decision
            if best is None or best.allowed:
                best = decision
        elif best is None:
            best = decision
    return best or DOUBT
