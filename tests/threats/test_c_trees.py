"""C: WebDAV's acts on trees. Whole or not at all, and nothing that they do not name is lost."""

import concurrent.futures
import itertools

import pytest

from tests.console import Console
from tests.dav import Dav, Names, address
from tests.serving import Server, wait_for
from tests.threats.scene import (
    ARCHIVE,
    ASSISTANT,
    BOX,
    DOSSIER,
    PDF,
    PLANS,
    SPACE,
    ask,
    nothing_happens,
    to,
)


def test_c01_nothing_goes_onto_its_own_ancestor_or_into_itself(
    demo: Server, expert: Dav, room: Names
) -> None:
    sub, deep = (*room, "Réunion"), (*room, "Réunion", "b")
    for folder in (sub, deep):
        expert.mkcol(folder)
        expert.put((*folder, "f"), folder[-1].encode())

    with nothing_happens(demo, room, expert):
        for source, target in (
            (sub, room), (deep, sub), (deep, room), (room, sub), (room, deep), (sub, deep),
            ((*deep, "f"), deep), ((*deep, "f"), room), (sub, (*sub, "neuf")), (sub, sub),
            (deep, PLANS), (deep, PLANS[:1]), (sub, (*room, "RE\u0301UNION", "neuf")),
        ):  # fmt: skip
            for method in ("COPY", "MOVE"):
                for end in ("", "/") if source in (sub, deep) else ("",):
                    for overwrite in ("T", "F"):
                        reply = ask(
                            expert,
                            method,
                            address(*source) + end,
                            to(expert, end, *target),
                            ("Overwrite", overwrite),
                        )
                        assert reply.status in (403, 412), (method, source, target, reply)
                        assert overwrite == "F" or reply.status == 403, (method, source, target)


@pytest.mark.parametrize("end", ["", "/"])
def test_c02_a_folder_that_holds_somebody_elses_lock_stays_whole(
    demo: Server, expert: Dav, assistant: Dav, room: Names, end: str
) -> None:
    folder, deep = (*room, "L"), (*room, "L", "d", "e")
    for length in range(len(folder), len(deep) + 1):
        expert.mkcol(deep[:length])
    for name in ("a", "f", "z"):
        expert.put((*deep, name), name.encode())
    expert.mkcol((*room, "autre"))
    held = assistant.lock((*deep, "f")).headers["lock-token"]

    with nothing_happens(demo, room, expert, assistant):
        for headers in ((), (("If", f"<{address(*deep, 'f')}> ({held})"),)):
            for method, source, target in (
                ("DELETE", folder, ()),
                ("MOVE", folder, (*room, "ailleurs")),
                ("COPY", (*room, "autre"), folder),
                ("MOVE", (*room, "autre"), folder),
            ):
                reply = ask(
                    expert, method, address(*source) + end, *headers, to(expert, end, *target)
                )
                assert reply.status == 423, (method, reply)
    assert assistant.unlock((*deep, "f"), held).status == 204
    assert ask(expert, "DELETE", address(*folder) + end).status == 204


def test_c03_what_is_overwritten_lives_until_all_is_judged(
    demo: Server, expert: Dav, assistant: Dav, room: Names
) -> None:
    for name in ("source", "but"):
        expert.mkcol((*room, name))
        expert.put((*room, name, "f"), name.encode())
    held = assistant.lock((*room, "but", "f")).headers["lock-token"]

    with nothing_happens(demo, room, expert):
        for method in ("COPY", "MOVE"):
            for headers in ((), (("Overwrite", "T"),)):
                target = to(expert, "", *room, "but")
                reply = ask(expert, method, address(*room, "source"), target, *headers)
                assert reply.status == 423
    assistant.unlock((*room, "but", "f"), held)


def test_c04_overwriting_needs_the_right_to_remove(
    demo: Server, expert: Dav, assistant: Dav, author: Dav, room: Names
) -> None:
    expert.put((*room, "but.pdf"), b"but")
    expert.mkcol((*room, "dossier"))
    assert assistant.put((*room, "mien.pdf"), b"mien").status == 201
    author.put((*BOX, "scellée.pdf"), PDF)
    wait_for(lambda: expert.get((*BOX, "scellée.pdf")).status == 200, 20, "the seal")
    expert.put((*SPACE, "neuf.pdf"), b"neuf")

    with nothing_happens(demo, room, expert), nothing_happens(demo, BOX, expert):
        for person, source, target in (
            (assistant, (*room, "mien.pdf"), (*room, "but.pdf")),
            (assistant, (*room, "mien.pdf"), (*room, "dossier")),
            (expert, (*SPACE, "neuf.pdf"), (*BOX, "scellée.pdf")),
            (author, (*PLANS, "Plan RDC ind. C.pdf"), (*BOX, "scellée.pdf")),
        ):
            for headers in ((), (("Overwrite", "T"),)):
                for method in ("COPY", "MOVE"):
                    target_header = to(person, "", *target)
                    reply = ask(person, method, address(*source), target_header, *headers)
                    assert reply.status == 403, (method, source, reply)
    # Absent means T: who may remove, replaces.
    replaced = ask(expert, "MOVE", address(*room, "mien.pdf"), to(expert, "", *room, "but.pdf"))
    assert replaced.status == 204
    assert expert.get((*room, "but.pdf")).body == b"mien"


def test_c05_one_of_many_takes_a_free_name(expert: Dav, room: Names) -> None:
    for number in range(50):
        expert.put((*room, f"f{number}"), f"{number}".encode())

    def bring(number: int) -> int:
        act = expert.move if number % 2 else expert.copy
        return act((*room, f"f{number}"), (*room, "but"), Overwrite="F").status

    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        statuses = list(pool.map(bring, range(50)))

    assert sorted(statuses) == [201] + [412] * 49
    winner = statuses.index(201)
    assert expert.get((*room, "but")).body == f"{winner}".encode()
    gone = {f"f{winner}"} if winner % 2 else set()
    assert set(expert.names(room)) == {f"f{number}" for number in range(50)} - gone | {"but"}


@pytest.mark.parametrize(
    ("method", "name", "values"),
    [
        ("MOVE", "Destination", ("y", "z")),
        ("COPY", "Overwrite", ("F", "T")),
        ("COPY", "Depth", ("0", "infinity")),
        ("PROPFIND", "Depth", ("0", "1")),
        ("DELETE", "If", ('(["wrong"])', "(Not <urn:x>)")),
        ("PUT", "If", ('(["wrong"])', "(Not <urn:x>)")),
        ("DELETE", "Depth", ("infinity", "infinity")),
    ],
)
def test_c06_a_header_that_comes_twice_is_refused(
    demo: Server, expert: Dav, room: Names, method: str, name: str, values: tuple[str, str]
) -> None:
    for taken in ("x", "y"):
        expert.put((*room, taken), taken.encode())

    with nothing_happens(demo, room, expert):
        for first, second in itertools.permutations(values):
            told = [
                (name, expert.url + address(*room, v) if name == "Destination" else v)
                for v in (first, second)
            ]
            if method in ("MOVE", "COPY") and name != "Destination":
                told.append(to(expert, "", *room, "y"))
            reply = ask(expert, method, address(*room, "x"), *told, body=b"")
            assert reply.status == 400, (first, second, reply)


def test_c07_copy_of_depth_0_copies_the_folder_alone(
    demo: Server, expert: Dav, assistant: Dav, room: Names
) -> None:
    source = (*room, "a")
    for folder in (source, (*source, "montré"), (*source, "caché")):
        expert.mkcol(folder)
        expert.put((*folder, "f"), b"f")
    Console(demo.data).well("rights", "cut", "/".join(("", *source, "caché")))

    for person, name in ((expert, "b"), (assistant, "c")):
        assert person.copy(source, (*room, name), Depth="0").status == 201
        assert expert.names((*room, name)) == []
    for depth in ("1", "2", "", "0,infinity"):
        assert expert.copy(source, (*room, "d"), Depth=depth).status == 400
    # Who copies all of it copies what he sees.
    assert assistant.copy(source, (*room, "d")).status == 201
    assert set(expert.names((*room, "d"))) == {"f", "montré"}


def test_c08_one_member_that_may_not_go_refuses_the_whole_copy(
    demo: Server, expert: Dav, assistant: Dav, author: Dav, room: Names
) -> None:
    for name in ("neuf", "but"):
        expert.mkcol((*room, name))
        expert.put((*room, name, name), name.encode())
    expert.mkcol((*room, "but", "caché"))
    expert.put((*room, "but", "caché", "f"), b"f")
    console, hidden = Console(demo.data), "/".join(("", *room, "but", "caché"))
    console.well("rights", "grant", "/".join(("", *room)), ASSISTANT, "lire,écrire")
    console.well("rights", "cut", hidden)
    author.put((*BOX, "classée.pdf"), PDF)
    wait_for(lambda: expert.get((*BOX, "classée.pdf")).status == 200, 20, "the seal")
    assert expert.move((*BOX, "classée.pdf"), (*ARCHIVE, "classée.pdf")).status == 201

    with nothing_happens(demo, room, expert), nothing_happens(demo, ARCHIVE, expert):
        for person, target in (
            (assistant, (*room, "but")),  # he removes here what he sees, and not what he does not
            (author, (*room, "but")),
            (expert, ARCHIVE),  # with a piece in it
            (expert, BOX),
        ):
            reply = person.copy((*room, "neuf"), target)
            assert reply.status == 403, (person.login, target, reply)
            assert "caché" not in reply.message
    console.well("rights", "restore", hidden)
    assert assistant.copy((*room, "neuf"), (*room, "but")).status == 204
    assert expert.names((*room, "but")) == ["neuf"]


def test_c10_roots_and_the_structure_stay_where_they_are(demo: Server, expert: Dav) -> None:
    expert.mkcol((*SPACE, "d"))
    roots: list[Names] = [(), SPACE, (DOSSIER,), BOX[:2], BOX, ARCHIVE[:2], ARCHIVE[:3]]

    with nothing_happens(demo, BOX[:2], expert), nothing_happens(demo, SPACE, expert):
        for root in roots:
            assert expert.delete(root).status == 403, root
            assert expert.request("DELETE", address(*root, slash=True)).status == 403, root
            assert expert.move(root, (*SPACE, "x")).status == 403, root
            for act in (expert.move, expert.copy):
                assert act((*SPACE, "d"), root).status == 403, root
        for root in ((), SPACE):
            assert expert.copy(root, (*SPACE, "x")).status == 403, root
        for refused in (
            expert.put(("nouveau",), b"x"),
            expert.mkcol(("nouveau",)),
            expert.move((DOSSIER,), ("autre nom",)),
            expert.copy((DOSSIER,), ("autre nom",)),
            expert.move((*SPACE, "d"), ("nouveau",)),
            expert.lock((DOSSIER,), Depth="infinity"),
        ):
            assert refused.status == 403, refused
        for outside in ("/", "/dav", "/kit/", "/principals/"):
            assert expert.request("DELETE", outside).status in (403, 405), outside
