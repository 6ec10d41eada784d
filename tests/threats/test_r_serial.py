"""Anything at once on one or two names: it is as if it had happened one after the other (R02).

Its parts are in tests/races. In short here; ``./run races`` is the long form. The seed is printed;
RACES_SEED repeats a run.
"""

import hashlib
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.console import Console
from tests.model.mailbox import Mailbox
from tests.model.site import Box, TimedSite
from tests.model.tree import AUTHOR, EXPERT, OTHER, QUIET_UNLOCKED, Request
from tests.races.arena import Arena
from tests.races.serial import Answer, Deed, orders, seen

ROUNDS = int(os.environ.get("RACES_ROUNDS", "120"))
BATCH = 20  # rounds in one mailbox
A, B, C, D = b"Contenu a.", b"Contenu b, autre.", b"Contenu c, troisieme.", b"Contenu d, dernier!"
PLACES = ("box", "archive")
STATES = ("free", "free", "reserved", "received", "received", "locked", "due", "due", "sealed")


@dataclass
class Round:
    """Two names of a mailbox, what is under them at first, and what happens to them at once."""

    number: int
    states: dict[str, str]
    model: Mailbox = field(default_factory=Mailbox)
    tokens: dict[str, str] = field(default_factory=dict)
    ends: list[Mailbox] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return list(self.states)


class Batch:
    """Some rounds in one fresh mailbox; each has a model of its own."""

    def __init__(self, arena: Arena, chance: random.Random, first: int, rounds: int) -> None:
        self._arena = arena
        self._chance = chance
        self._box = arena.site.fresh()
        self._rounds = [
            Round(number, {f"{number}{letter}.pdf": chance.choice(STATES) for letter in "ab"})
            for number in range(first, first + rounds)
        ]

    def play(self) -> None:
        """Prepare all rounds, play them one by one, and see what they have become a day later."""
        self._prepare("sealed")
        self._wait(QUIET_UNLOCKED + 1.5)
        self._prepare("due")
        self._arena.site.clock.advance(QUIET_UNLOCKED + 1.5)  # nobody has sealed them yet
        for one in self._rounds:
            one.model.now += QUIET_UNLOCKED + 1.5
        self._prepare("received", "reserved", "locked")
        for one in self._rounds:
            self._compete(one)
        self._wait(90_007.7)
        self._wait(90_007.7)
        self._count()

    def _prepare(self, *states: str) -> None:
        for one in self._rounds:
            for name, state in one.states.items():
                if state in states:
                    self._begin(one, name, state)

    def _begin(self, one: Round, name: str, state: str) -> None:
        path = ("box", name)
        self._alone(one, Request(AUTHOR, "PUT", path, body=b"" if state == "reserved" else A))
        if state == "locked":
            lock = Request(AUTHOR, "LOCK", path)
            one.tokens[name] = self._alone(one, lock)

    def _alone(self, one: Round, request: Request) -> str:
        answer = self._arena.alone(self._box, request)
        assert answer.outcome in one.model.answer(request, answer.token)
        return answer.token

    def _wait(self, seconds: float) -> None:
        self._arena.site.wait(seconds)
        for one in self._rounds:
            for model in one.ends or [one.model]:
                model.wait(seconds)

    def _compete(self, one: Round) -> None:
        due = "due" in one.states.values()
        deeds = [self._deed(one, due=due) for _ in range(self._chance.choice((2, 2, 3)))]
        answers = self._arena.at_once(self._box, deeds, one.names, self._chance)
        view = self._arena.view(self._box, PLACES, one.names)
        one.ends = list(orders(one.model, deeds, answers, view))
        assert one.ends, self._told(one, deeds, answers)

    def _told(self, one: Round, deeds: list[Deed], answers: list[Answer]) -> str:
        lines = [f"round {one.number}, at first {one.states}: no order explains"]
        lines += [
            f"  {deed}: {answer.outcome}" for deed, answer in zip(deeds, answers, strict=True)
        ]
        lines += [f"  seen before: {seen(one.model)}"]
        lines += [f"  seen after: {self._arena.view(self._box, PLACES, one.names)}"]
        return "\n".join(lines)

    def _deed(self, one: Round, *, due: bool) -> Deed:
        chance = self._chance
        if due and chance.random() < 0.35:
            return Deed(None)
        who = chance.choice((AUTHOR, AUTHOR, AUTHOR, EXPERT, OTHER))
        name, other = chance.sample(one.names, 2)
        path, token = ("box", name), chance.choice(("", one.tokens.get(name, "")))
        method = chance.choice(
            ("PUT", "PUT", "PUT", "MOVE", "MOVE", "DELETE", "DELETE", "LOCK", "COPY", "MKCOL",
             "FILE", "UNLOCK", "PROPPATCH")
        )  # fmt: skip
        if method == "PUT":
            body = chance.choice((b"", B, C, D))
            way = "chunked" if body and chance.random() < 0.3 else "whole"
            free = chance.choice(("", "", "If-None-Match"))
            return Deed(Request(who, "PUT", path, body=body, way=way, free=free, token=token))
        if method in ("MOVE", "COPY"):
            overwrite = chance.random() < 0.6
            return Deed(
                Request(who, method, path, to=("box", other), overwrite=overwrite, token=token)
            )
        if method == "FILE":
            return Deed(Request(EXPERT, "MOVE", path, to=("archive", name), overwrite=False))
        if method == "UNLOCK" and not token:
            method = "LOCK"
        return Deed(Request(who, method, path, token=token if method != "LOCK" else ""))

    def _count(self) -> None:
        """A day later: each deposit has one number and one alert, and its bytes are counted."""
        found = self._arena.site.sealed(self._box)
        expected = [content for one in self._rounds for content in one.ends[0].deposits]
        assert [number for number, _ in found] == list(range(1, len(found) + 1))
        hashes = sorted(hashlib.sha256(content).hexdigest() for content in expected)
        assert sorted(sha256 for _, sha256 in found) == hashes
        console = Console(self._arena.site.server.data)
        lines = [
            line for message in console.json("alerts", "queue")
            if (message["dossier"], message["kind"]) == (self._box.title, "dépôt")
            for line in message["lines"]
        ]  # fmt: skip
        assert len(lines) == len(found)
        used = {row["title"]: row["used"] for row in console.json("dossier", "list")}
        assert used[self._box.title] == sum(len(content) for content in expected)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedSite]:
    made = TimedSite(tmp_path_factory.mktemp("races"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def arena(site: TimedSite) -> Iterator[Arena]:
    made = Arena(site, (b"", A, B, C, D))
    yield made
    made.close()


@pytest.mark.timeout(180 + 2 * ROUNDS)
def test_r02_what_happens_at_once_is_as_if_it_had_happened_in_some_order(
    arena: Arena, capsys: pytest.CaptureFixture[str]
) -> None:
    number = int(os.environ.get("RACES_SEED", random.getrandbits(32)))
    with capsys.disabled():
        print(f"\n{ROUNDS} rounds, RACES_SEED={number}")
    chance = random.Random(number)
    for first in range(0, ROUNDS, BATCH):
        Batch(arena, chance, first, min(BATCH, ROUNDS - first)).play()


def test_r02_two_names_swapped_at_once_lose_neither(arena: Arena) -> None:
    """A to B while B goes to A: one of them finds its target taken, or gone."""
    chance = random.Random(2)
    box: Box = arena.site.fresh()
    for number in range(20):
        names = [f"{number}{letter}.pdf" for letter in "ab"]
        model = Mailbox()
        for name, content in zip(names, (A, B), strict=True):
            request = Request(AUTHOR, "PUT", ("box", name), body=content)
            assert arena.alone(box, request).outcome in model.answer(request)
        deeds = [
            Deed(Request(AUTHOR, "MOVE", ("box", names[i]), to=("box", names[1 - i]),
                         overwrite=False))
            for i in (0, 1)
        ]  # fmt: skip
        answers = arena.at_once(box, deeds, names, chance)
        assert [answer.outcome for answer in answers] == ["412", "412"]
        view = arena.view(box, PLACES, names)
        assert list(orders(model, deeds, answers, view))
        assert sorted(view[AUTHOR].values()) == [A, B]  # type: ignore[type-var]
