"""Policies that fail, and rights that change under way (threats D19 and D20)."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.clients import DOSSIER, EXPERT, SlowUpload
from tests.conftest import Start
from tests.console import Console
from tests.dav import Dav, Names, address
from tests.installed import environment, package
from tests.serving import Server, wait_for
from tests.threats.rooms import (
    BOX,
    NOTES,
    OTHER,
    OTHERS_BOX,
    OWNER,
    PDF,
    READER,
    fresh,
    grant,
    group,
    room,
    sealed,
    tree,
)

# It fails when asked about the act that a name begins with, in the way that the name says.
FAULTY = """
import time
from davserver.model import Role
from davserver.policy import Policy

def fail(way):
    if way == "raise":
        raise RuntimeError("le service est absent")
    if way == "exit":
        raise SystemExit(3)
    if way == "hang":
        time.sleep(9)
    return {"yes": True, "text": "oui"}.get(way)

class Faulty(Policy):
    def judge(self, action):
        words = action.name.split(" ")
        if words[0] == action.act.value and action.actor.role is not Role.EXPERT:
            return fail(words[1])

    def inspect(self, action, head):
        words = action.name.split(" ")
        if words[0] == "inspect":
            return fail(words[1])
"""
WAYS = ("raise", "exit", "yes", "text")
BOUND = 8.0  # seconds that a request may be held up by a policy that hangs


@pytest.fixture(scope="module")
def faulty(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A server of one process with a policy that fails."""
    installed = package(tmp_path_factory.mktemp("policy"), FAULTY, faulty="faulty:Faulty")
    return start({**environment(installed, "faulty"), "DAVSERVER_SERVER__WORKERS": "1"})


@pytest.mark.parametrize("way", WAYS)
def test_d19_an_act_that_a_policy_cannot_judge_is_refused_and_logged(
    faulty: Server, way: str
) -> None:
    owner, other, expert = faulty.dav(OWNER), faulty.dav(OTHER), faulty.dav(EXPERT)
    folder = room(faulty, f"fetch {way} x.pdf", f"remove {way} x.pdf", f"replace {way} x.pdf",
                  f"leave {way} x.pdf")  # fmt: skip
    grant(faulty, folder, OWNER, "tout")
    before = tree(expert, folder), tree(expert, OTHERS_BOX)
    asks: list[Callable[[], Any]] = [
        lambda: owner.get((*folder, f"fetch {way} x.pdf")),
        lambda: owner.copy((*folder, f"fetch {way} x.pdf"), (*folder, "y.pdf")),
        lambda: owner.delete((*folder, f"remove {way} x.pdf")),
        lambda: owner.delete(folder),
        lambda: owner.put((*folder, f"replace {way} x.pdf"), b"autre"),
        lambda: owner.move((*folder, f"leave {way} x.pdf"), (*folder, f"rename {way} z.pdf")),
        lambda: owner.move((*folder, f"leave {way} x.pdf"), (*NOTES, "z.pdf")),
        lambda: other.put((*OTHERS_BOX, f"add {way} x.pdf"), PDF),
        lambda: other.mkcol((*OTHERS_BOX, f"add {way} x")),
        lambda: other.lock((*OTHERS_BOX, f"add {way} x.pdf")),
    ]
    for number, ask in enumerate(asks):
        reply = ask()
        assert reply.status == 403, (number, reply.status)
        assert "par prudence, c'est refusé" in reply.message, number

    assert (tree(expert, folder), tree(expert, OTHERS_BOX)) == before
    assert "the policy faulty" in faulty.log()


@pytest.mark.parametrize("way", WAYS)
def test_d19_a_name_that_a_policy_may_hide_is_not_called_absent_when_it_fails(
    faulty: Server, way: str
) -> None:
    """A 404, or a listing without it, would have programs that synchronise remove their copies."""
    owner, folder = faulty.dav(OWNER), room(faulty, f"see {way} x.pdf", "autre.pdf")
    path = (*folder, f"see {way} x.pdf")

    for reply in (
        owner.get(path),
        owner.propfind(path, "0"),
        owner.propfind(folder, "1"),
        owner.request("REPORT", folder, _REPORT),
        owner.delete(path),
        owner.copy(folder, (*BOX, "copie")),
    ):
        assert reply.status == 503, reply.body
        assert int(reply.headers["retry-after"]) > 0
    assert faulty.dav(EXPERT).get(path).status == 200
    assert owner.get((*folder, "autre.pdf")).status == 200


def test_d19_silence_is_no_permission(faulty: Server) -> None:
    """None abstains: the rights alone decide, and where they are silent too, it is no."""
    other, folder = faulty.dav(OTHER), room(faulty, "fetch none x.pdf", "remove none x.pdf")

    assert other.get((*folder, "fetch none x.pdf")).body == PDF
    assert other.delete((*folder, "remove none x.pdf")).status == 403
    assert other.put((*folder, "add none x.pdf"), PDF).status == 403


def test_d19_content_that_a_policy_cannot_inspect_is_never_published(faulty: Server) -> None:
    other, expert = faulty.dav(OTHER), faulty.dav(EXPERT)
    for way in (*WAYS, "none"):
        assert other.put((*OTHERS_BOX, f"inspect {way} x.pdf"), PDF).status == 201

    def states() -> dict[str, str]:
        rows = Console(faulty.data).json("deposits", "list", "--dossier", DOSSIER)
        return {row["name"]: row["state"] for row in rows if row["name"][:8] == "inspect "}

    expected = {f"inspect {way} x.pdf": "rejected" for way in WAYS}
    expected["inspect none x.pdf"] = "sealed"
    wait_for(lambda: states() == expected, 30, "the deposits to be settled")
    listed = [name for name in expert.names(OTHERS_BOX) if name[:8] == "inspect "]
    assert listed == ["inspect none x.pdf"]


def test_d19_a_policy_that_hangs_refuses_within_its_bound_and_holds_up_nobody(
    faulty: Server,
) -> None:
    owner, expert, folder = faulty.dav(OWNER), faulty.dav(EXPERT), room(faulty)
    path = (*folder, "fetch hang x.pdf")
    expert.put(path, PDF)
    expert.put((*folder, "autre.pdf"), PDF)

    begun = time.monotonic()
    assert owner.get(path).status == 403
    assert time.monotonic() - begun < BOUND
    # Until it comes back it is not asked again: everybody is refused at once, nobody waits.
    begun = time.monotonic()
    assert owner.get((*folder, "autre.pdf")).status in (403, 503)
    assert owner.propfind(folder).status in (403, 503)
    assert time.monotonic() - begun < 2
    wait_for(lambda: owner.get((*folder, "autre.pdf")).status == 200, 20, "the policy's return")
    assert "NoAnswer" in faulty.log()

    other = faulty.dav(OTHER)
    assert other.put((*OTHERS_BOX, "inspect hang x.pdf"), PDF).status == 201
    rows: list[dict[str, Any]] = []

    def settled() -> bool:
        rows[:] = Console(faulty.data).json("deposits", "list", "--dossier", DOSSIER)
        return any(row["name"] == "inspect hang x.pdf" and row["state"] != "received"
                   for row in rows)  # fmt: skip

    wait_for(settled, 30, "the hanging inspection to be settled")
    assert [row["state"] for row in rows if row["name"] == "inspect hang x.pdf"] == ["rejected"]


_REPORT = (
    b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
    b"<D:prop><D:getetag/></D:prop></D:sync-collection>"
)


def take_back(server: Server, login: str) -> None:
    grant(server, BOX, login, "lire")


def leave_group(server: Server, login: str) -> None:
    take_back(server, login)
    name = group(server).removeprefix("group:")
    Console(server.data).well("group", "leave", name, login, "--dossier", DOSSIER)


def disable(server: Server, login: str) -> None:
    Console(server.data).well("user", "disable", login)


def remove(server: Server, login: str) -> None:
    Console(server.data).well("user", "remove", login)


@pytest.mark.parametrize("pause", [0.0, 2.5], ids=["short", "long enough to take its name"])
@pytest.mark.parametrize(
    ("change", "statuses"),
    [
        (take_back, {403}),
        (leave_group, {403, 404, 409}),
        (disable, {401}),
        (remove, {401, 403, 409}),
    ],
)
def test_d20_an_upload_whose_author_loses_his_right_half_way_leaves_nothing(
    start: Start, change: Callable[[Server, str], None], statuses: set[int], pause: float
) -> None:
    server = start()
    expert = server.dav(EXPERT)
    before = tree(expert, (DOSSIER,))
    upload = SlowUpload(server, OWNER, (*BOX, "moitié.pdf"), len(PDF))
    upload.send(PDF[: len(PDF) // 3])
    time.sleep(pause)
    upload.send(PDF[len(PDF) // 3 : len(PDF) // 2])
    time.sleep(0.3)

    change(server, OWNER)
    upload.send(PDF[len(PDF) // 2 :])

    assert upload.answer() in statuses
    time.sleep(3)  # longer than a seal would take
    assert tree(expert, (DOSSIER,)) == before
    rows = Console(server.data).json("deposits", "list", "--dossier", DOSSIER)
    assert [row for row in rows if row["name"] == "moitié.pdf"] == []
    assert expert.put((*BOX, "moitié.pdf"), PDF * 2).status == 201  # the name is free


def test_d20_a_copy_of_a_tree_is_whole_or_nothing_when_rights_change_meanwhile(
    start: Start,
) -> None:
    server = start({"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "600"})
    owner, expert, folder = server.dav(OWNER), server.dav(EXPERT), room(server)
    for number in range(20):
        expert.mkcol((*folder, f"d{number}"))
        expert.put((*folder, f"d{number}", "x.pdf"), PDF)
    outcomes = set()
    for number in range(5):
        target = (*BOX, fresh("copie"))
        grant(server, folder, group(server), "lire")
        answers: list[int] = []
        copying = threading.Thread(target=_copied, args=(owner, folder, target, answers))
        copying.start()
        time.sleep(number * 0.03)
        grant(server, folder, group(server), "naviguer,consulter")
        copying.join()
        found = len(tree(owner, target)) if answers == [201] else None
        outcomes.add(answers[0])
        assert answers in ([201], [403]), answers
        if found is None:
            assert owner.propfind(target, "0").status == 404
        else:
            assert found == 40
            assert owner.delete(target).status == 204
    assert owner.copy(folder, (*BOX, fresh("copie"))).status == 403
    assert 201 in outcomes


def _copied(person: Dav, folder: Names, target: Names, answers: list[int]) -> None:
    answers.append(person.copy(folder, target).status)


def test_d20_who_loses_his_right_during_a_download_gets_no_further_range(demo: Server) -> None:
    reader, expert, folder = demo.dav(READER), demo.dav(EXPERT), room(demo)
    content = PDF * 2_000
    path = (*folder, "long.pdf")
    expert.put(path, content)
    parts = urlsplit(demo.url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    headers = reader.authorization()

    def ask(span: str) -> http.client.HTTPResponse:
        line.request("GET", address(*path), headers={**headers, "Range": f"bytes={span}"})
        return line.getresponse()

    for begin, refused in _steps(demo, folder):
        reply = ask(f"{begin}-{begin + 99}")
        body = reply.read()
        if refused:
            assert reply.status in (403, 404)
            assert content[begin : begin + 20] not in body
        else:
            assert (reply.status, body) == (206, content[begin : begin + 100])
    line.close()


def _steps(server: Server, folder: Names) -> Iterator[tuple[int, bool]]:
    """Ranges to ask for on one connection, and whether each is refused by then."""
    yield 0, False
    yield 1_000, False
    grant(server, folder, group(server), "naviguer,consulter")
    yield 2_000, True
    grant(server, folder, group(server), "aucun")
    yield 3_000, True
    grant(server, folder, group(server), "lire")
    yield 4_000, False


def test_d20_a_seal_and_a_lost_right_do_not_meet(demo: Server) -> None:
    """What had come whole before its author lost his right is his deposit (docs/deposits.md)."""
    owner, expert = demo.dav(OWNER), demo.dav(EXPERT)
    name = (*BOX, f"{fresh('avant')}.pdf")
    assert owner.put(name, PDF).status == 201
    grant(demo, BOX, OWNER, "lire")
    sealed(expert, name)
    assert owner.put((*BOX, "après.pdf"), PDF).status == 403
    grant(demo, BOX, OWNER, "ajouter")
