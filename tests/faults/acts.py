"""Acts that are cut short: what was there before, what is there after, and the same act again.

An act is whole or absent. What its client was told decides which: an acknowledged one is there;
any other is one of the two, and the very same act again makes it whole.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException

from tests.dav import Dav, Names, Reply
from tests.faults.site import ARCHIVE, BOX, EXPERT, LAWYER, SPACE, Breakable
from tests.serving import wait_for

# What somebody finds at a place: the bytes, None for nothing.
State = Mapping[Names, bytes | None]


@dataclass(frozen=True)
class Act:
    """One request, and the state of the places that it touches before and after it. ``login`` does
    it and sees them."""

    login: str
    do: Callable[[Dav], Reply]
    before: State
    after: State
    again: frozenset[int]  # what the same request gets when it was done already


def content(text: str) -> bytes:
    """A piece of several blocks, its own for each text."""
    return f"%PDF-1.4 {text} ".encode() + text.encode() * 20_000


def deposit(server: Breakable, name: str) -> Act:
    path, body = (*BOX, name), content(name)
    return Act(LAWYER, lambda dav: dav.put(path, body), {path: None}, {path: body},
               frozenset({201, 204}))  # fmt: skip


def replace(server: Breakable, name: str) -> Act:
    path, old, new = (*SPACE, name), content(f"old {name}"), content(f"new {name}")
    assert server.dav(EXPERT).put(path, old).status == 201
    return Act(EXPERT, lambda dav: dav.put(path, new), {path: old}, {path: new}, frozenset({204}))


def move(server: Breakable, name: str) -> Act:
    source, goal, body = (*SPACE, name), (*SPACE, f"moved {name}"), content(name)
    assert server.dav(EXPERT).put(source, body).status == 201
    return Act(EXPERT, lambda dav: dav.move(source, goal), {source: body, goal: None},
               {source: None, goal: body}, frozenset({404}))  # fmt: skip


def copy(server: Breakable, name: str) -> Act:
    source, goal, body = (*SPACE, name), (*SPACE, f"copied {name}"), content(name)
    assert server.dav(EXPERT).put(source, body).status == 201
    return Act(EXPERT, lambda dav: dav.copy(source, goal), {goal: None},
               {source: body, goal: body}, frozenset({204}))  # fmt: skip


def file(server: Breakable, name: str) -> Act:
    source, goal, body = (*BOX, name), (*ARCHIVE, name), content(name)
    assert server.dav(LAWYER).put(source, body).status == 201
    await_seal(server, source)
    return Act(EXPERT, lambda dav: dav.move(source, goal), {source: body, goal: None},
               {source: None, goal: body}, frozenset({404}))  # fmt: skip


def delete(server: Breakable, name: str) -> Act:
    path, body = (*SPACE, name), content(name)
    assert server.dav(EXPERT).put(path, body).status == 201
    return Act(EXPERT, lambda dav: dav.delete(path), {path: body}, {path: None}, frozenset({404}))


MAKE: Mapping[str, Callable[[Breakable, str], Act]] = {
    "deposit": deposit, "replace": replace, "move": move, "copy": copy, "file": file,
    "delete": delete,
}  # fmt: skip


def await_seal(server: Breakable, path: Names) -> None:
    """Wait until the expert finds a piece."""
    expert = server.dav(EXPERT)
    wait_for(lambda: expert.propfind(path, "0").status == 207, 30, f"the seal of {path}")


def told(act: Act, server: Breakable) -> int:
    """Do it; the status that the client was told, 0 when the connection broke."""
    try:
        return act.do(server.dav(act.login)).status
    except (OSError, HTTPException):
        return 0


def found(act: Act, server: Breakable) -> State:
    """The state of its places now. Raises AssertionError for a place that cannot be read."""
    dav = server.dav(act.login)
    state: dict[Names, bytes | None] = {}
    for path in {**act.before, **act.after}:
        reply = dav.get(path)
        assert reply.status in (200, 404), reply
        state[path] = reply.body if reply.status == 200 else None
    return state


def settle(act: Act, server: Breakable, status: int) -> bool:
    """Check what has become of an act whose client was told ``status`` (0: nothing), do it again,
    and check that it is whole then. Returns whether it was whole before."""
    state = found(act, server)
    whole = act.after.items() <= state.items()
    if 200 <= status < 300:
        assert whole, (status, "acknowledged, and not there")
    assert whole or act.before.items() <= state.items(), (status, "neither whole nor absent")
    again = told(act, server)
    assert again in act.again if whole else 200 <= again < 300, (again, whole)
    assert act.after.items() <= found(act, server).items()
    return whole
