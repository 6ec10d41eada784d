"""``verify`` of the locks: each that cannot be is named, and none that may."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import damaged
from tests.console import Console
from tests.damaged import damage, differences

console = damaged.console  # a fixture

LOCK = (
    "INSERT INTO lock (id, token, node_id, user_id, exclusive, infinite, owner, timeout, expires,"
    " used, agent, courtesy) SELECT {id}, '{id}', n.id, u.id, {exclusive}, {infinite}, '',"
    " {timeout}, '{expires}', '{used}', '', {courtesy} FROM node n, \"user\" u"
    " WHERE n.{node} AND u.login = '{login}'"
)
PLAN = "name LIKE 'Plan RDC%'"
PLANS = f"id = (SELECT parent_id FROM node WHERE {PLAN})"


def lock(number: int = 1, node: str = PLAN, login: str = "apolline.testard", **facts: Any) -> str:
    """The statement that makes a live lock: an exclusive one of an hour, since the tests of a whole
    run are made before the first one runs."""
    now = datetime.now(UTC).replace(tzinfo=None)
    values = {
        "exclusive": True, "infinite": False, "timeout": 3_600, "courtesy": False,
        "expires": now + timedelta(seconds=3_590), "used": now, **facts,
    }  # fmt: skip
    return LOCK.format(id=number, node=node, login=login, **values)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([lock(), lock(2)], "it and lock 1 exclude each other"),
        ([lock(), lock(2, exclusive=False)], "it and lock 1 exclude each other"),
        (
            [
                lock(node=PLANS, infinite=True),
                lock(2, login="come.prototype"),
            ],
            "it and lock 1 exclude each other",
        ),
        ([lock(node="number = 9")], "it holds a piece"),
        ([lock(courtesy=True)], "or is a courtesy on what is none"),
        ([lock(infinite=True)], "it reaches below a file"),
        ([lock(timeout=1_000_000)], "longer or shorter than any lock"),
        ([lock(expires="2124-01-01")], "longer or shorter than any lock"),
        (
            [
                lock(login="come.prototype"),
                "UPDATE \"user\" SET login = NULL WHERE login = 'come.prototype'",
            ],
            "its holder has no account any more",
        ),
        (
            [lock(login="come.prototype"), f"UPDATE node SET state = 'received' WHERE {PLAN}"],
            "its holder cannot know of this file",
        ),
    ],
)
def test_a_lock_that_cannot_be_is_found(console: Console, statements: list[str], said: str) -> None:
    damage(console, *statements)

    assert any(said in line for line in differences(console, "--quick")), differences(console)


@pytest.mark.embedded  # the ids that it gives are none of a sequence
def test_locks_that_are_over_or_shared_or_of_one_person_are_no_difference(console: Console) -> None:
    damage(
        console,
        lock(1, exclusive=False),
        lock(2, exclusive=False, login="come.prototype"),
        lock(3, expires="2024-01-01", used="2024-01-01"),
        lock(4, node="number = 9", courtesy=True, timeout=180),
        lock(5, node=PLANS, infinite=True, exclusive=False),
    )

    assert differences(console, "--quick") == []
