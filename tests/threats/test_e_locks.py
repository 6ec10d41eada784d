"""E: locks. Each has one owner, an end, and the same meaning everywhere."""

import concurrent.futures
import re
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.console import Console
from tests.dav import Dav, Names, Reply, address
from tests.serving import Server, wait_for
from tests.threats.scene import (
    ARCHIVE,
    ASSISTANT,
    BOX,
    DOSSIER,
    EXPERT,
    OTHER,
    PDF,
    PLANS,
    SPACE,
    ask,
    nothing_happens,
    to,
)

HALF_AN_HOUR, AN_HOUR = 1_800, 3_600  # seconds
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


def token(reply: Reply) -> str:
    assert reply.status in (200, 201), reply
    return reply.headers["lock-token"]


def seconds(reply: Reply) -> int:
    """How long the lock lasts that an answer tells of."""
    found = re.search(rb"<D:timeout>Second-(\d+)</D:timeout>", reply.body)
    assert found, reply
    return int(found[1])


def test_e01_a_refused_lock_of_a_free_name_makes_nothing(
    demo: Server, expert: Dav, assistant: Dav, author: Dav, room: Names
) -> None:
    held = token(assistant.lock(room, Depth="infinity"))

    with nothing_happens(demo, room, expert, assistant):
        for person in (expert, assistant):  # the owner too, as long as he does not show the token
            for name in ("neuf", "neuf.tmp"):
                for scope in ("exclusive", "shared"):
                    assert person.lock((*room, name), scope=scope).status == 423
            assert person.lock((*room, "absent", "neuf")).status == 409
        assert author.lock((*room, "neuf")).status == 403
    with nothing_happens(demo, BOX[:2], expert, demo.dav(OTHER)):
        assert demo.dav(OTHER).lock((*BOX, "neuf.pdf")).status == 403
        assert author.lock((*BOX[:2], "neuf.pdf")).status == 403
    assert assistant.unlock(room, held).status == 204


def test_e02_a_stolen_token_opens_nothing(
    demo: Server, expert: Dav, assistant: Dav, room: Names
) -> None:
    name = (*room, "f.pdf")
    expert.put(name, PDF)
    held = token(expert.lock(name))
    bare = held.strip("<>").encode()
    other = demo.dav(OTHER)

    assert bare in expert.propfind(name, "0").body
    for person in (assistant, other):
        for shown in (person.propfind(name, "0"), person.propfind(room)):
            assert b"activelock" in shown.body
            assert bare not in shown.body
            assert EXPERT.encode() not in shown.body
    with nothing_happens(demo, room, expert):
        for conditions in (f"({held})", f"(Not {held})", f"(Not <urn:x>) ({held})",
                           f"<{address(*name)}> ({held})"):  # fmt: skip
            told = ("If", conditions)
            for method, target, body in (
                ("PUT", name, b"autre"),
                ("DELETE", name, b""),
                ("MOVE", name, b""),
                ("PROPPATCH", name, b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>'
                                    b'<a xmlns="x"/></D:prop></D:set></D:propertyupdate>'),
                ("LOCK", name, b""),
            ):  # fmt: skip
                reply = ask(
                    assistant,
                    method,
                    address(*target),
                    told,
                    to(expert, "", *room, "g"),
                    body=body,
                )
                assert reply.status in (403, 412, 423), (method, conditions, reply)
                assert bare not in reply.body
        for person in (assistant, other):
            assert person.unlock(name, held).status == 403
    assert expert.put(name, b"autre", If=f"({held})").status == 204
    assert expert.unlock(name, held).status == 204


def test_e03_nobody_locks_more_than_he_may_change(
    demo: Server, expert: Dav, assistant: Dav, room: Names
) -> None:
    console, below = Console(demo.data), (*room, "a", "b")
    for length in (len(below) - 1, len(below)):
        expert.mkcol(below[:length])
    expert.put((*below, "f"), b"f")

    with nothing_happens(demo, BOX[:2], expert), nothing_happens(demo, SPACE, expert):
        for root in ((), SPACE, (DOSSIER,), BOX[:2], BOX, ARCHIVE[:2], ARCHIVE[:3]):
            for depth in ("infinity", "0"):
                reply = expert.lock(root, Depth=depth, Timeout="Infinite, Second-4100000000")
                assert reply.status == 403, (root, depth, reply)
    for command in (
        ("grant", "/".join(("", *below)), ASSISTANT, "lire"),
        ("cut", "/".join(("", *below))),
    ):
        console.well("rights", *command)
        with nothing_happens(demo, room, expert):
            for folder in (room, (*room, "a")):
                refused = assistant.lock(folder, Depth="infinity")
                assert refused.status == 403, refused
        assert assistant.unlock(room, token(assistant.lock(room))).status == 204
    whole = expert.lock(room, Depth="infinity")
    assert expert.unlock(room, token(whole)).status == 204


@pytest.mark.parametrize(
    "wish", ["Infinite", "Infinite, Second-4100000000", "Second-4100000000", "Second-3600"]
)
def test_e03_an_infinite_lock_lasts_half_an_hour_at_most_another_an_hour(
    expert: Dav, room: Names, wish: str
) -> None:
    expert.put((*room, "f"), b"f")

    for path, depth, most in ((room, "infinity", HALF_AN_HOUR), ((*room, "f"), "0", AN_HOUR)):
        locked = expert.lock(path, Timeout=wish, Depth=depth)
        held = token(locked)
        again = expert.request("LOCK", path, b"", {"If": f"({held})", "Timeout": wish})

        assert (seconds(locked), seconds(again)) == (most, most)
        assert seconds(expert.propfind(path, "0")) <= most
        assert expert.unlock(path, held).status == 204


def test_e04_nobody_heaps_up_locks(start: Start) -> None:
    server = start({"DAVSERVER_LIMITS__LOCKS_PER_USER": "30"})
    expert, assistant = server.dav(EXPERT), server.dav(ASSISTANT)
    Console(server.data).well(
        "rights", "grant", "/".join(("", *PLANS)), ASSISTANT, "lire,ajouter,modifier"
    )
    for name in ("f", "g"):
        expert.put((*PLANS, name), b"f")

    replies = [expert.lock((*PLANS, "f"), scope="shared") for _ in range(25)]
    assert [reply.status for reply in replies] == [200] * 20 + [507] * 5
    replies += [expert.lock((*PLANS, "g"), scope="shared") for _ in range(15)]
    assert [reply.status for reply in replies[25:]] == [200] * 10 + [507] * 5
    assert replies[-1].message
    with nothing_happens(server, PLANS, expert):
        assert expert.lock((*PLANS, "neuf")).status == 507
        assert expert.lock((*SPACE, "neuf")).status == 507
    # Others are not concerned, and who gives a lock back has room for another.
    shared = token(assistant.lock((*PLANS, "f"), scope="shared"))
    assert assistant.unlock((*PLANS, "f"), shared).status == 204
    assert expert.unlock((*PLANS, "f"), token(replies[0])).status == 204
    assert expert.lock((*PLANS, "g"), scope="shared").status == 200


@pytest.mark.timeout(300)
@pytest.mark.embedded  # an S3 store refuses who is a day late, and the server does not start
def test_e05_a_lock_is_the_same_in_all_workers_after_a_restart_and_whatever_the_clock_says(
    start: Start,
) -> None:
    server = start()
    name = (*PLANS, "verrou.pdf")
    expert, assistant = server.dav(EXPERT), server.dav(ASSISTANT)
    Console(server.data).well(
        "rights", "grant", "/".join(("", *PLANS)), ASSISTANT, "lire,ajouter,modifier"
    )
    assert expert.put(name, PDF).status == 201
    held = token(expert.lock(name, Timeout="Second-1800"))

    def everywhere() -> None:
        """Whichever worker is asked, and each connection may reach another one."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            statuses = set(pool.map(lambda _: assistant.put(name, b"y").status, range(12)))
        assert statuses == {423}

    everywhere()
    server.kill()
    server.start()
    everywhere()
    assert expert.request("LOCK", name, b"", {"If": f"({held})"}).status == 200
    assert server.stop() == 0

    def restarted(clock: str) -> Server:
        """The site by a clock that is a day off; the monotonic one goes on."""
        assert FAKETIME.exists(), "the package faketime is missing"
        faked = {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME": clock,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        return Server(server.data, environment=faked).start()

    yesterday = restarted("-1d")
    expert, assistant = yesterday.dav(EXPERT), yesterday.dav(ASSISTANT)
    try:
        everywhere()  # no early loss
        # Nor is it a lock for a day and half an hour.
        wait_for(lambda: seconds(expert.propfind(name, "0")) <= HALF_AN_HOUR, 20, "its end")
        everywhere()
    finally:
        assert yesterday.stop() == 0
    tomorrow = restarted("+1d")
    expert, assistant = tomorrow.dav(EXPERT), tomorrow.dav(ASSISTANT)
    try:
        assert assistant.put(name, b"autre").status == 204
        assert b"activelock" not in expert.propfind(name, "0").body
    finally:
        assert tomorrow.stop() == 0


def test_e10_once_a_lock_is_granted_no_property_changes_any_more(
    demo: Server, expert: Dav, assistant: Dav, room: Names
) -> None:
    name = (*room, "f")
    expert.put(name, b"f")
    named = b'<D:propfind xmlns:D="DAV:"><D:prop><T:note xmlns:T="urn:test"/></D:prop></D:propfind>'
    outcomes = set()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number in range(15):
            notes = [
                pool.submit(assistant.proppatch, name, f"<T:note>{number}.{n}</T:note>")
                for n in range(3)
            ]
            held = token(expert.lock(name))
            locked = expert.propfind(name, "0", named).xml.findtext(".//{urn:test}note")
            outcomes |= {note.result().status for note in notes}
            assert expert.propfind(name, "0", named).xml.findtext(".//{urn:test}note") == locked
            assert assistant.proppatch(name, "<T:note>trop tard</T:note>").status == 423
            assert expert.unlock(name, held).status == 204

    assert outcomes <= {207, 423}
