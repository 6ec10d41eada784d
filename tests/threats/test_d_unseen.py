"""What one may not see does not exist: not in answers, nor in what surrounds it (D09, D10)."""

import time
from collections.abc import Callable
from itertools import combinations
from statistics import median

import pytest

from davserver.settings import load
from tests.clients import DOSSIER, EXPERT
from tests.console import Console
from tests.dav import Dav, Names, Reply, address
from tests.serving import Server
from tests.threats import rooms
from tests.threats.rooms import BOX, NOTES, OTHER, OTHERS_BOX, OWNER, PDF, READER

ASKED = (
    b'<D:propfind xmlns:D="DAV:"><D:prop><D:getlastmodified/><D:getetag/><D:creationdate/>'
    b"<D:quota-used-bytes/><D:quota-available-bytes/><D:sync-token/><D:lockdiscovery/>"
    b"<D:displayname/><D:acl/><D:owner/><D:getcontentlength/></D:prop></D:propfind>"
)
ASKED_WITHOUT_TOKEN = ASKED.replace(b"<D:sync-token/>", b"")


def surroundings(person: Dav, folder: Names, asked: bytes = ASKED) -> list[bytes]:
    """All that somebody is told of a folder, of its members and of the folders above it."""
    told = [person.propfind(folder[:depth], "1", asked).body for depth in range(len(folder) + 1)]
    page = person.get(folder)
    told.append(
        repr([(key, value) for key, value in page.headers.items() if key != "date"]).encode()
    )
    return [*told, page.body, person.propfind("/principals/users/", "1").body]


@pytest.mark.parametrize("who", [OWNER, OTHER, READER])
def test_d09_hidden_and_absent_names_are_answered_alike(demo: Server, who: str) -> None:
    """In a folder that one reads, a hidden folder, what is in it, and an unfinished deposit."""
    person, expert = demo.dav(who), demo.dav(EXPERT)
    folder = rooms.room(demo, "lu.pdf")
    hidden, absent = (*folder, "caché 1"), (*folder, "caché 2")
    expert.mkcol(hidden)
    rooms.cut(demo, hidden)
    expert.put((*hidden, "x.pdf"), PDF)
    expert.mkcol((*hidden, "y"))
    own_box = {OWNER: BOX, OTHER: OTHERS_BOX}.get(who, BOX)
    asks = rooms.requests_to(person, (*folder, "lu.pdf"), own_box)

    for deeper in ((), ("x.pdf",), ("y",), ("y", "z.pdf"), ("rien",)):
        for what, ask in asks.items():
            there, not_there = ask((*hidden, *deeper)), ask((*absent, *deeper))
            assert rooms.shown(there, hidden[-1]) == rooms.shown(not_there, absent[-1]), (
                what,
                deeper,
            )
            assert not 200 <= there.status < 300 or what == "OPTIONS" or what[:2] == "If", what
    assert person.names(folder) == ["lu.pdf"]


def test_d09_an_unfinished_deposit_is_answered_like_an_absent_one(start: object) -> None:
    server: Server = start({"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "600"})  # type: ignore[operator]
    owner, other = server.dav(OWNER), server.dav(OTHER)
    folder = rooms.room(server, "lu.pdf")
    unfinished, absent = (*BOX, "brouillon 1.pdf"), (*BOX, "brouillon 2.pdf")
    assert owner.put(unfinished, PDF).status == 201

    for what, ask in rooms.requests_to(other, (*folder, "lu.pdf"), OTHERS_BOX).items():
        assert rooms.shown(ask(unfinished), unfinished[-1]) == rooms.shown(
            ask(absent), absent[-1]
        ), what


def test_d09_who_may_add_learns_of_a_hidden_name_that_it_is_taken_and_no_more(demo: Server) -> None:
    """One name is one object, so that creating it must fail; nothing else may differ."""
    owner, expert, folder = demo.dav(OWNER), demo.dav(EXPERT), rooms.room(demo, "lu.pdf")
    rooms.grant(demo, folder, OWNER, "lire,ajouter")
    hidden = (*folder, "caché")
    expert.mkcol(hidden)
    rooms.cut(demo, hidden)
    expert.put((*hidden, "x.pdf"), PDF)
    asks = rooms.requests_to(owner, (*folder, "lu.pdf"), BOX)
    creates = {"PUT", "PUT if-none-match", "MKCOL", "LOCK", "COPY to", "COPY to, F", "UNLOCK"}

    for what, ask in asks.items():
        reply = ask(hidden)
        if what in creates and what != "UNLOCK":
            assert (reply.status, reply.message) == (403, "Ce nom n'est pas disponible."), what
        elif what not in creates and what[:4] != "MOVE":
            absent = rooms.fresh("caché")
            assert rooms.shown(reply, hidden[-1]) == rooms.shown(ask((*folder, absent)), absent), (
                what
            )
    assert expert.get((*hidden, "x.pdf")).body == PDF
    assert owner.names(folder) == ["lu.pdf"]


def test_d09_a_hidden_name_takes_no_longer_than_an_absent_one(demo: Server) -> None:
    """Medians of interleaved requests; the bound is wide, since other programs run beside."""
    person, hidden = demo.dav(READER), rooms.room(demo, "x.pdf", closed=True)
    absent = (*NOTES, "absent")
    times: dict[Names, list[float]] = {hidden: [], absent: []}
    for _ in range(60):
        for path, taken in times.items():
            begun = time.perf_counter()
            assert person.get((*path, "x.pdf")).status == 404
            taken.append(time.perf_counter() - begun)

    ratio = median(times[hidden]) / median(times[absent])
    assert 0.5 < ratio < 2, ratio


def test_d10_nothing_around_a_hidden_folder_tells_of_what_happens_in_it(demo: Server) -> None:
    expert, reader = demo.dav(EXPERT), demo.dav(READER)
    outer = rooms.room(demo, "lu.pdf")
    hidden = (*outer, "caché")
    expert.mkcol(hidden)
    rooms.cut(demo, hidden)
    before = surroundings(reader, outer)
    sync = reader.propfind(outer, "0", ASKED).body
    time.sleep(1.1)  # dates are told in seconds

    acts: list[Callable[[], Reply]] = [
        lambda: expert.put((*hidden, "gros.pdf"), PDF * 200),
        lambda: expert.put((*hidden, "gros.pdf"), PDF),
        lambda: expert.mkcol((*hidden, "sous")),
        lambda: expert.move((*hidden, "gros.pdf"), (*hidden, "sous", "g.pdf")),
        lambda: expert.copy((*hidden, "sous"), (*hidden, "copie")),
        lambda: expert.proppatch((*hidden, "sous"), "<T:mark>m</T:mark>"),
        lambda: expert.lock((*hidden, "sous", "g.pdf")),
        lambda: expert.delete((*hidden, "copie")),
    ]
    for number, act in enumerate(acts):
        assert act().status in (200, 201, 204, 207), number
        assert surroundings(reader, outer) == before, number
    assert reader.propfind(outer, "0", ASKED).body == sync


def test_d10_a_folder_closed_by_an_exception_of_rights_comes_and_goes_unseen(demo: Server) -> None:
    """Its rights are changed here, which ends sync tokens (docs/decisions.md); all else stands."""
    expert, reader = demo.dav(EXPERT), demo.dav(READER)
    outer = rooms.room(demo, "lu.pdf")
    barred = (*outer, "réservé")
    expert.mkcol(barred)
    rooms.grant(demo, barred, rooms.group(demo), "aucun")
    expert.put((*barred, "x.pdf"), PDF)
    before = surroundings(reader, outer, ASKED_WITHOUT_TOKEN)
    time.sleep(1.1)

    assert expert.put((*barred, "x.pdf"), PDF * 3).status == 204
    assert surroundings(reader, outer, ASKED_WITHOUT_TOKEN) == before
    assert expert.move(barred, (*outer, "autre nom")).status == 201
    assert surroundings(reader, outer, ASKED_WITHOUT_TOKEN) == before
    assert expert.delete((*outer, "autre nom")).status == 204
    assert surroundings(reader, outer, ASKED_WITHOUT_TOKEN) == before


def test_d10_who_browses_a_folder_and_sees_no_file_learns_nothing_of_its_files(
    demo: Server,
) -> None:
    expert, reader, folder = demo.dav(EXPERT), demo.dav(READER), rooms.room(demo)
    rooms.grant(demo, folder, rooms.group(demo), "naviguer")
    before = surroundings(reader, folder)
    assert reader.names(folder) == []
    time.sleep(1.1)

    acts: list[Callable[[], Reply]] = [
        lambda: expert.put((*folder, "x.pdf"), PDF),
        lambda: expert.put((*folder, "x.pdf"), PDF * 9),
        lambda: expert.move((*folder, "x.pdf"), (*folder, "y.pdf")),
        lambda: expert.delete((*folder, "y.pdf")),
    ]
    for act in acts:
        assert act().status in (201, 204)
        assert surroundings(reader, folder) == before


def test_d10_figures_of_room_are_those_of_what_one_sees(demo: Server) -> None:
    expert, reader, folder = demo.dav(EXPERT), demo.dav(READER), rooms.room(demo)
    hidden = rooms.room(demo, closed=True)

    def room_of(person: Dav) -> tuple[int, int]:
        found = person.propfind((DOSSIER,), "0", ASKED).xml
        used = found.findtext(".//{DAV:}quota-used-bytes") or ""
        return int(used), int(found.findtext(".//{DAV:}quota-available-bytes") or "")

    theirs, his = room_of(reader), room_of(expert)
    expert.put((*hidden, "x.pdf"), PDF)
    expert.put((*folder, "y.pdf"), PDF)
    size = len(PDF)

    assert room_of(reader) == (theirs[0] + size, theirs[1] - size)
    assert room_of(expert) == (his[0] + 2 * size, his[1] - 2 * size)
    rows = Console(demo.data).json("dossier", "list")
    assert room_of(expert)[0] == next(row["used"] for row in rows if row["title"] == DOSSIER)


def test_d10_the_room_of_a_platform_tells_nothing_of_its_other_dossiers(start: object) -> None:
    quota = load().limits.platform_quota
    server: Server = start({"DAVSERVER_LIMITS__DOSSIER_QUOTA": str(quota * 2)})  # type: ignore[operator]
    expert, reader = server.dav(EXPERT), server.dav(READER)
    asked = ASKED.replace(b"<D:sync-token/>", b"").replace(b"<D:getetag/>", b"")
    before = reader.propfind((DOSSIER,), "0", asked).body

    assert expert.put(("Espace de l'expert", "gros.pdf"), PDF * 500).status == 201

    assert reader.propfind((DOSSIER,), "0", asked).body == before


def test_d10_sync_tokens_tell_no_number_that_can_be_compared(demo: Server) -> None:
    expert, reader = demo.dav(EXPERT), demo.dav(READER)
    hidden, folder = rooms.room(demo, closed=True), rooms.room(demo)
    tokens = []
    for number in range(8):
        assert expert.put((*folder, f"{number}.txt"), b"x").status == 201
        tokens.append(reader.propfind(folder, "0", ASKED).xml.findtext(".//{DAV:}sync-token") or "")
        for _ in range(number):
            expert.put((*hidden, "x.txt"), b"unseen")

    numbers = [int(token.removeprefix("urn:davserver:sync:").split("-")[0], 16) for token in tokens]
    distances = [abs(one - another) for one, another in combinations(numbers, 2)]
    assert min(distances) > 1_000_000, numbers


def test_d10_people_of_other_dossiers_are_nobodys_to_list(demo: Server) -> None:
    stranger = demo.dav("toitures.neant")  # the private user of another dossier
    listed = stranger.propfind("/principals/users/", "1").body.decode()

    assert "TESTARD" in listed
    for name in ("GABARIT", "ORTIE-LAMBDA", "BRUMAIRE", "ESSAI"):
        assert name not in listed, name
    for number in range(1, 30):
        reply = stranger.propfind(f"/principals/users/{number}", "0")
        assert reply.status in (207, 404)
        assert (reply.status == 207) == (f"/principals/users/{number}<" in listed)


def test_d10_a_sealed_piece_shows_in_its_folder_and_nowhere_before(demo: Server) -> None:
    owner, other, name = demo.dav(OWNER), demo.dav(OTHER), f"{rooms.fresh('pièce')}.pdf"
    before = surroundings(other, BOX)
    time.sleep(1.1)

    assert owner.request("LOCK", (*BOX, name), b"<D:x xmlns:D='DAV:'/>").status == 400
    owner.put((*BOX, name))
    assert surroundings(other, BOX) == before
    owner.put((*BOX, name), PDF)
    assert surroundings(other, BOX) == before
    rooms.sealed(other, (*BOX, name))
    assert surroundings(other, BOX) != before
    assert address(name)[5:].encode() in other.propfind(BOX, "1").body
