"""What changed since: folder ETags and sync-collection (RFC 6578), each person's own."""

from collections.abc import Callable

import pytest

from davserver.demo.history import ARCHIVES, BOXES
from tests.changes import PROPS, report, short, sync, tag
from tests.clients import DOSSIER, EXPERT, archive, box
from tests.conftest import Start
from tests.dav import Dav, Names, Reply
from tests.serving import Server, wait_for

OWNER, OTHER = "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
ARCHIVE = archive(BOX[-1])
NOTES: Names = (DOSSIER, "03 Notes aux parties et comptes rendus")
SPACE: Names = ("Espace de l'expert",)
PDF = b"%PDF-1.4\n" + b"x" * 2_000


@pytest.fixture
def owner(demo: Server) -> Dav:
    return demo.dav(OWNER)


def sealed(client: Dav, path: Names) -> None:
    wait_for(lambda: client.get(path).status == 200, 20, f"{path[-1]} to be sealed")


def test_a_folders_tag_moves_with_every_change_at_any_depth(expert: Dav, room: Names) -> None:
    deep = (*room, "a", "b")
    expert.mkcol(deep[:-1])
    expert.mkcol(deep)
    acts: list[Callable[[], Reply]] = [
        lambda: expert.put((*deep, "x.txt"), b"1"),
        lambda: expert.put((*deep, "x.txt"), b"2"),
        lambda: expert.proppatch((*deep, "x.txt"), "<T:mark>m</T:mark>"),
        lambda: expert.copy((*deep, "x.txt"), (*deep, "y.txt")),
        lambda: expert.move((*deep, "y.txt"), (*deep, "z.txt")),
        lambda: expert.move(deep, (*room, "a", "c")),
        lambda: expert.delete((*room, "a", "c", "z.txt")),
        lambda: expert.delete((*room, "a", "c")),
    ]
    for number, act in enumerate(acts):
        before = [tag(expert, folder) for folder in (room, room[:-1], ())]
        assert act().status in (201, 204, 207), number
        after = [tag(expert, folder) for folder in (room, room[:-1], ())]
        assert all(old != new for old, new in zip(before, after, strict=True)), number


def test_a_folders_tag_stands_still_when_nothing_changes(expert: Dav, room: Names) -> None:
    expert.put((*room, "x.txt"), b"1")
    beside = (*room, "beside")
    expert.mkcol(beside)
    before, aside = tag(expert, room), tag(expert, beside)

    held = expert.lock((*room, "x.txt")).headers["lock-token"]
    expert.unlock((*room, "x.txt"), held)
    assert expert.get((*room, "x.txt")).status == 200
    assert expert.put((*room, ".DS_Store"), b"\x00\x00\x00\x01Bud1").status == 201
    assert tag(expert, room) == before

    expert.put((*room, "x.txt"), b"2")
    assert tag(expert, beside) == aside


def test_what_nobody_else_sees_moves_nobody_elses_tag(owner: Dav, other: Dav, expert: Dav) -> None:
    watched = [BOX, BOX[:-1], BOX[:1], ()]
    before = {client.login: [tag(client, at) for at in watched] for client in (other, expert)}
    own = [tag(owner, at) for at in watched]

    owner.put((*BOX, "réservée.pdf"))
    owner.mkcol((*BOX, "dossier vide"))
    assert all(new != old for new, old in zip([tag(owner, at) for at in watched], own, strict=True))
    for client in (other, expert):
        assert [tag(client, at) for at in watched] == before[client.login]

    owner.delete((*BOX, "réservée.pdf"))
    owner.delete((*BOX, "dossier vide"))
    for client in (other, expert):
        assert [tag(client, at) for at in watched] == before[client.login]


def test_the_seal_moves_everybodys_tag(owner: Dav, other: Dav) -> None:
    before = tag(other, (DOSSIER,))
    owner.put((*BOX, "scellée pour tous.pdf"), PDF)
    sealed(other, (*BOX, "scellée pour tous.pdf"))

    assert tag(other, (DOSSIER,)) != before


def test_a_change_in_a_hidden_folder_moves_no_tag_but_of_who_sees_it(
    demo: Server, other: Dav, expert: Dav
) -> None:
    secret: Names = (*NOTES, "brouillons")
    assert expert.mkcol(secret).status == 201
    cut = demo.run("rights", "cut", "/".join(secret))
    assert cut.returncode == 0, cut.stderr
    given = demo.run("rights", "grant", "/".join(secret), EXPERT, "tout")
    assert given.returncode == 0, given.stderr
    assert other.propfind(secret).status == 404
    before, seen = tag(other, NOTES), tag(expert, NOTES)
    _, start = sync(other, (DOSSIER,))

    assert expert.put((*secret, "idée.txt"), b"x").status == 201
    assert tag(other, NOTES) == before
    assert tag(expert, NOTES) != seen
    assert sync(other, (DOSSIER,), start) == ({}, start)
    assert expert.delete((*secret, "idée.txt")).status == 204
    assert sync(other, (DOSSIER,), start) == ({}, start)


def test_conditions_know_a_folders_tag(expert: Dav, room: Names) -> None:
    now = tag(expert, room)
    expert.put((*room, "x.txt"), b"1")

    assert expert.delete(room, If_Match=now).status == 412
    assert expert.delete(room, If=f"([{now}])").status == 412
    assert expert.request("PROPFIND", room, b"", {"If": f"([{tag(expert, room)}])"}).status == 207
    assert expert.delete(room, If_Match=tag(expert, room)).status == 204


def test_a_report_tells_all_at_first_then_only_what_changed(expert: Dav, room: Names) -> None:
    expert.mkcol((*room, "a"))
    expert.put((*room, "a", "un.txt"), b"1")
    expert.put((*room, "deux.txt"), b"2")

    everything, start = sync(expert, room)
    assert short(everything) == {"a": True, "un.txt": True, "deux.txt": True}
    assert sync(expert, room, start) == ({}, start)

    expert.put((*room, "a", "un.txt"), b"1 bis")
    changes, after = sync(expert, room, start)
    assert short(changes) == {"un.txt": True}
    expert.delete((*room, "deux.txt"))
    expert.move((*room, "a"), (*room, "b"))
    changes, end = sync(expert, room, after)
    assert short(changes) == {"deux.txt": False, "a": False, "b": True, "un.txt": True}
    assert sync(expert, room, end) == ({}, end)
    # An old token tells all that has happened since.
    assert short(sync(expert, room, start)[0]) == short(changes)


def test_a_report_of_one_level_tells_of_members_alone(expert: Dav, room: Names) -> None:
    expert.mkcol((*room, "a"))
    _, start = sync(expert, room, level="1")
    expert.put((*room, "a", "un.txt"), b"1")
    expert.put((*room, "deux.txt"), b"2")

    assert short(sync(expert, room, start, "1")[0]) == {"deux.txt": True}
    expert.delete((*room, "a", "un.txt"))
    assert short(sync(expert, room, start, "1")[0]) == {"deux.txt": True}


def test_a_name_that_came_back_is_there(expert: Dav, room: Names) -> None:
    expert.put((*room, "x.txt"), b"1")
    _, start = sync(expert, room)
    expert.delete((*room, "x.txt"))
    expert.put((*room, "x.txt"), b"2")
    assert short(sync(expert, room, start)[0]) == {"x.txt": True}

    expert.move((*room, "x.txt"), (*room, "X.txt"))
    assert short(sync(expert, room, start)[0]) == {"x.txt": False, "X.txt": True}


def test_filing_is_seen_as_a_name_gone_and_a_name_come(owner: Dav, other: Dav, expert: Dav) -> None:
    owner.put((*BOX, "à suivre.pdf"), PDF)
    sealed(other, (*BOX, "à suivre.pdf"))
    _, start = sync(other, (DOSSIER,))

    assert expert.move((*BOX, "à suivre.pdf"), (*ARCHIVE, "à suivre.pdf")).status == 201
    changes, _ = sync(other, (DOSSIER,), start)

    gone = [href for href, value in changes.items() if value == "gone"]
    came = [href for href, value in changes.items() if value != "gone"]
    assert [len(gone), len(came)] == [1, 1]
    assert "Bo%C3%AEtes" in gone[0]
    assert ARCHIVES.replace(" ", "%20") in came[0]


def test_an_unfinished_deposit_is_in_its_authors_report_alone(owner: Dav, other: Dav) -> None:
    _, mine = sync(owner, (DOSSIER,))
    _, his = sync(other, (DOSSIER,))

    owner.put((*BOX, "en cours.pdf"))
    assert short(sync(owner, (DOSSIER,), mine)[0]) == {"en%20cours.pdf": True}
    assert sync(other, (DOSSIER,), his) == ({}, his)
    owner.delete((*BOX, "en cours.pdf"))
    assert short(sync(owner, (DOSSIER,), mine)[0]) == {"en%20cours.pdf": False}
    assert sync(other, (DOSSIER,), his) == ({}, his)


@pytest.mark.parametrize(
    "token",
    ["nonsense", "urn:davserver:sync:1-" + "0" * 20, f"urn:davserver:sync:{'0' * 16}-{'0' * 20}"],
)
def test_a_token_that_is_none_is_refused(expert: Dav, token: str) -> None:
    reply = report(expert, (DOSSIER,), token)

    assert reply.status == 403
    assert reply.xml.find("{DAV:}valid-sync-token") is not None


def test_reports_that_make_no_sense_are_refused(expert: Dav, room: Names) -> None:
    expert.put((*room, "x.txt"), b"1")
    prop = f"<D:prop>{PROPS}</D:prop>"
    level = "<D:sync-level>1</D:sync-level>"
    bodies = {
        b"": 403,
        b"<a/>": 403,
        b"<": 400,
        f'<D:sync-collection xmlns:D="DAV:">{prop}</D:sync-collection>'.encode(): 400,
        f'<D:sync-collection xmlns:D="DAV:">{level}</D:sync-collection>'.encode(): 400,
        b'<D:expand-property xmlns:D="DAV:"/>': 403,
    }
    for body, status in bodies.items():
        assert expert.request("REPORT", room, body).status == status, body
    whole = f'<D:sync-collection xmlns:D="DAV:"><D:sync-token/>{level}{prop}</D:sync-collection>'
    assert expert.request("REPORT", room, whole.encode()).status == 207
    assert expert.request("REPORT", room, whole.encode(), {"Depth": "1"}).status == 400
    assert expert.request("REPORT", (*room, "x.txt"), whole.encode()).status == 403
    assert expert.request("REPORT", (), whole.encode()).status == 403
    assert expert.request("REPORT", (*room, "absent"), whole.encode()).status == 404


def test_a_client_that_takes_fewer_changes_than_there_are_is_told_so(
    expert: Dav, room: Names
) -> None:
    for number in range(3):
        expert.put((*room, f"{number}.txt"), b"x")

    def limited(most: int) -> Reply:
        body = (
            '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
            f"<D:limit><D:nresults>{most}</D:nresults></D:limit><D:prop>{PROPS}</D:prop>"
            "</D:sync-collection>"
        ).encode()
        return expert.request("REPORT", room, body)

    assert limited(3).status == 207
    refused = limited(2)
    assert refused.status == 507
    assert refused.xml.find("{DAV:}number-of-matches-within-limits") is not None


def test_the_sync_token_is_a_property_and_a_condition(expert: Dav, room: Names) -> None:
    body = (
        b'<D:propfind xmlns:D="DAV:"><D:prop><D:sync-token/><D:supported-report-set/></D:prop>'
        b"</D:propfind>"
    )
    found = expert.propfind(room, "0", body).xml
    token = found.findtext(".//{DAV:}sync-token") or ""
    assert found.find(".//{DAV:}supported-report/{DAV:}report/{DAV:}sync-collection") is not None
    assert token == sync(expert, room)[1]
    path = "/dav/" + "/".join(part.replace(" ", "%20").replace("'", "%27") for part in room)
    condition = f"<{path}> (<{token}>)"

    assert expert.put((*room, "a.txt"), b"1", If=condition).status == 201
    assert expert.put((*room, "b.txt"), b"1", If=condition).status == 412
    assert expert.get((*room, "b.txt")).status == 404


def test_boxes_of_all_are_told_but_for_what_is_open(owner: Dav, other: Dav) -> None:
    owner.put((*BOX, "ouverte.pdf"))
    everything, _ = sync(other, (DOSSIER, BOXES))

    assert "ouverte.pdf" not in short(everything)
    assert any(href.endswith("/") for href in everything)
    owner.delete((*BOX, "ouverte.pdf"))


def hidden(server: Server, expert: Dav, folder: Names) -> None:
    """Make ``folder`` the expert's alone."""
    assert expert.mkcol(folder).status == 201
    for command in (("cut", "/".join(folder)), ("grant", "/".join(folder), EXPERT, "tout")):
        done = server.run("rights", *command)
        assert done.returncode == 0, done.stderr


def test_what_is_done_to_a_hidden_folder_itself_tells_nobody(
    demo: Server, other: Dav, expert: Dav
) -> None:
    secret: Names = (*NOTES, "caché")
    hidden(demo, expert, secret)
    before = tag(other, NOTES), tag(other, (DOSSIER,))
    _, token = sync(other, (DOSSIER,))

    assert expert.proppatch(secret, "<T:a>1</T:a>").status == 207
    assert expert.move(secret, (*NOTES, "autre caché")).status == 201
    assert (tag(other, NOTES), tag(other, (DOSSIER,))) == before
    assert sync(other, (DOSSIER,), token) == ({}, token)


def test_what_was_deleted_while_it_was_hidden_is_never_told(
    demo: Server, other: Dav, expert: Dav
) -> None:
    secret: Names = (*NOTES, "secret")
    hidden(demo, expert, secret)
    expert.mkcol((*secret, "P"))
    expert.put((*secret, "P", "brouillon confidentiel.pdf"), b"x")
    expert.put((*secret, "P", "reste.pdf"), b"x")
    _, token = sync(other, (DOSSIER,))
    expert.delete((*secret, "P", "brouillon confidentiel.pdf"))

    assert expert.move((*secret, "P"), (*NOTES, "P")).status == 201
    changes, _ = sync(other, (DOSSIER,), token)
    assert short(changes) == {"P": True, "reste.pdf": True}


def test_a_token_with_another_number_is_refused(other: Dav) -> None:
    _, token = sync(other, (DOSSIER,))
    number, signature = token.removeprefix("urn:davserver:sync:").split("-")

    for changed in (1, 2, 3, 1 << 40):
        forged = f"{int(number, 16) ^ changed:016x}"
        assert report(other, (DOSSIER,), f"urn:davserver:sync:{forged}-{signature}").status == 403


def test_a_folder_whose_name_is_used_again_is_synchronised_anew(expert: Dav, room: Names) -> None:
    expert.mkcol((*room, "a"))
    expert.put((*room, "a", "ancien.txt"), b"1")
    _, token = sync(expert, room)
    expert.delete((*room, "a"))
    expert.mkcol((*room, "a"))

    assert report(expert, room, token).status == 403
    everything, token = sync(expert, room)
    assert short(everything) == {"a": True}
    expert.delete((*room, "a"))
    expert.put((*room, "a"), b"un fichier")
    assert report(expert, room, token).status == 403


def test_a_folder_that_comes_from_another_dossier_is_followed(expert: Dav, room: Names) -> None:
    for number in range(12):
        expert.put((*room, f"{number}.txt"), b"x")
    moved: Names = (*NOTES, "venu d'ailleurs")
    assert expert.move(room, moved).status == 201
    changes, token = sync(expert, (DOSSIER,))
    assert "11.txt" in short(changes)
    before = tag(expert, moved)

    expert.put((*moved, "nouveau.txt"), b"x")
    assert tag(expert, moved) != before
    assert short(sync(expert, (DOSSIER,), token)[0]) == {"nouveau.txt": True}
    expert.delete(moved)


def test_who_gets_to_see_files_sees_another_tag(demo: Server, other: Dav, expert: Dav) -> None:
    folder: Names = (*NOTES, "à moitié")
    hidden(demo, expert, folder)
    place = "/".join(folder)
    assert demo.run("rights", "grant", place, OTHER, "naviguer").returncode == 0
    expert.put((*folder, "x.txt"), b"x")
    expert.proppatch(folder, "<T:a>1</T:a>")
    blind = tag(other, folder), tag(other, NOTES)
    assert other.names(folder) == []

    assert demo.run("rights", "grant", place, OTHER, "lire").returncode == 0
    assert other.names(folder) == ["x.txt"]
    seeing = tag(other, folder), tag(other, NOTES)
    assert all(one != two for one, two in zip(blind, seeing, strict=True))


def test_what_changes_nothing_moves_nothing(expert: Dav, room: Names) -> None:
    name = (*room, "x.txt")
    expert.put(name, b"1")
    expert.proppatch(name, "<T:a>1</T:a>")
    before = tag(expert, room)

    garbage = "<Z:Win32LastModifiedTime>garbage</Z:Win32LastModifiedTime>"
    assert expert.proppatch(name, garbage).status == 207
    assert expert.proppatch(name, "<T:a>1</T:a>").status == 207
    absent = (
        b'<D:propertyupdate xmlns:D="DAV:"><D:remove><D:prop><absent xmlns="urn:x"/></D:prop>'
        b"</D:remove></D:propertyupdate>"
    )
    assert expert.request("PROPPATCH", name, absent).status == 207
    assert tag(expert, room) == before


def test_what_moves_to_another_dossier_takes_no_number_of_the_first_with_it(start: Start) -> None:
    server = start()
    expert = server.dav(EXPERT)
    names = [f"{number}.pdf" for number in range(30)]  # more changes than the other one ever had
    for name in names:
        assert expert.put((*NOTES, name), PDF).status == 201
    assert expert.move((*NOTES, names[-1]), (*SPACE, names[-1])).status == 201
    server.verify()
