"""Whether what happened at once could have happened one after the other.

The model of the mailbox is asked; it shares no code with the product. What competitors were
answered, and what everybody sees afterwards, must be explained by one order of their deeds.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import permutations

from tests.model.mailbox import Mailbox
from tests.model.tree import PEOPLE, Path, Request

View = dict[str, dict[Path, bytes | None]]
"""What each person finds listed: the content of each file, None for a folder."""


@dataclass(frozen=True)
class Deed:
    """What one competitor does: a request, or (None) the worker's seals of what is due."""

    request: Request | None

    def __str__(self) -> str:
        if self.request is None:
            return "SEAL"
        asked = self.request
        to = f" to {'/'.join(asked.to)}" if asked.to else ""
        return f"{asked.who}: {asked.method} {'/'.join(asked.path)}{to} {asked.body!r}"


@dataclass(frozen=True)
class Answer:
    """The outcome in the model's words, and the token of a granted lock."""

    outcome: str
    token: str = ""


def orders(
    before: Mailbox, deeds: Sequence[Deed], answers: Sequence[Answer], view: View
) -> Iterator[Mailbox]:
    """The states in which each order of ``deeds`` ends that explains ``answers`` and ``view``."""
    for order in permutations(range(len(deeds))):
        trial = deepcopy(before)
        if all(_explains(trial, deeds[i], answers[i]) for i in order) and seen(trial) == view:
            yield trial


def seen(model: Mailbox) -> View:
    """What each person finds listed."""
    return {who: model.seen(who) for who in PEOPLE}


def _explains(trial: Mailbox, deed: Deed, answer: Answer) -> bool:
    """Whether ``answer`` is what the model gives now. Does what the deed does."""
    if deed.request is None:
        trial.wait(0)
        return True
    if answer.outcome == "409" and _meets_another(trial, deed.request):
        return True
    return answer.outcome in trial.answer(deed.request, answer.token)


def _meets_another(trial: Mailbox, request: Request) -> bool:
    """Two transfers to one free name: the second is refused, whoever sent it, and does nothing. One
    after the other they would be an author completing his own deposit."""
    node = trial.find(request.who, request.path).node
    return (
        request.method == "PUT"
        and node is not None
        and not node.is_folder
        and bool(node.content)
        and node.content != request.body
    )
