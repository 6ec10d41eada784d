"""The rights table: who may do what, where and when, played over HTTP against a real server.

The expected answers are in tests/rights_table/statement.py and special.py, to be read by people.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from davserver.policy.loading import make_gate
from davserver.site import Site, open_site
from tests import backends
from tests.dav import Dav, Reply
from tests.rights_table.cells import FOLDERS, UNDER_WAY, cells, folder_cells, root_cells
from tests.rights_table.mutants import DECISIVE, serving
from tests.rights_table.playing import Cell, Stage, shown
from tests.rights_table.site import (
    NOTE,
    PIECE,
    PLAYED,
    TITLES,
    Names,
    path,
    prepare,
    refusals,
    rows,
)
from tests.rights_table.special import (
    name_cells,
    other_cells,
    room_cells,
    side_cells,
    unfinished_cells,
)
from tests.rights_table.statement import STATES, rights
from tests.serving import Server

# Nothing is sealed while the table is played: what is unfinished stays so.
PATIENT = {
    "DAVSERVER_DEPOSIT__QUIET_LOCKED": "3600",
    "DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "3600",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the table's site as it is at first; copied, never written."""
    data = tmp_path_factory.mktemp("table") / "data"
    prepare(data)
    return data


@pytest.fixture(scope="module")
def server(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("played") / "data"
    backends.copy_site(prepared, data)
    server = Server(data, command=("serve",), environment=PATIENT).start()
    yield server
    assert server.stop() == 0, server.log()[-2000:]
    server.verify()


@pytest.fixture(scope="module")
def stage(server: Server) -> Stage:
    return Stage(server.url)


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[Site]:
    """The same data, to look at its rows."""
    site = open_site(backends.settings(server.data))
    yield site
    site.close()


DOSSIERS = [(state, place) for state in STATES for place in PLAYED[state]]


def everything() -> list[Cell]:
    """All cells that are played."""
    return [
        *(cell for state, place in DOSSIERS for cell in cells(state, place)),
        *(cell for place in FOLDERS for cell in folder_cells(place)),
        *root_cells(),
        *unfinished_cells(),
        *name_cells(),
        *side_cells(),
        *other_cells(),
        *room_cells(),
    ]


def changed(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """What is not as it was."""
    keys = sorted(before.keys() | after.keys())
    return [
        f"{key}: {before.get(key)} -> {after.get(key)}"
        for key in keys
        if before.get(key) != after.get(key)
    ]


def play(stage: Stage, site: Site, asked: Iterable[Cell]) -> list[str]:
    """Play cells of one place: first those that leave nothing, neither for the expert to see there
    nor in the rows of the dossier, then those that change something. What was not as expected."""
    every = list(asked)
    state, place = every[0].state, every[0].place
    expert, folder = stage.client("expert", state), path(place, state)
    before, there = rows(site, TITLES[state]), shown(expert, folder)
    faults = stage.play([cell for cell in every if not cell.changes])
    faults += changed(before, rows(site, TITLES[state])) + changed(there, shown(expert, folder))
    return faults + stage.play([cell for cell in every if cell.changes])


@pytest.mark.parametrize(("state", "place"), DOSSIERS)
def test_everybody_may_do_what_the_table_says(
    stage: Stage, site: Site, state: str, place: str
) -> None:
    assert play(stage, site, cells(state, place)) == []


@pytest.mark.parametrize("place", FOLDERS)
def test_the_folders_of_a_dossier_stay_unless_the_table_says(
    stage: Stage, site: Site, place: str
) -> None:
    assert play(stage, site, folder_cells(place)) == []


def test_the_root_of_the_drive_is_read_by_all_and_changed_by_none(stage: Stage, site: Site) -> None:
    assert play(stage, site, root_cells()) == []


def test_an_unfinished_deposit_is_its_authors_alone(stage: Stage) -> None:
    assert stage.play(list(unfinished_cells())) == []


def test_names_that_windows_cannot_hold_are_refused_and_those_that_lawyers_give_are_taken(
    stage: Stage, site: Site
) -> None:
    assert play(stage, site, name_cells()) == []


def test_side_files_are_taken_in_and_shown_to_nobody_else(stage: Stage) -> None:
    expert = stage.client("expert", UNDER_WAY)
    places = [path(place, UNDER_WAY) for place in ("03", "04/B")]
    before = [shown(expert, folder) for folder in places]

    assert stage.play(list(side_cells())) == []
    assert [shown(expert, folder) for folder in places] == before


def test_an_old_piece_put_again_and_a_lock_by_rclone_are_refused(stage: Stage, site: Site) -> None:
    assert play(stage, site, other_cells()) == []


def test_a_dossier_takes_no_byte_more_than_it_has_room_for(stage: Stage) -> None:
    assert [fault for cell in room_cells() if (fault := stage.play_one(cell))] == []


@pytest.mark.parametrize("person", ["expert", "assistant", "brumaire", "trop"])
def test_a_listing_shows_the_folders_that_are_not_hidden(stage: Stage, person: str) -> None:
    listed = stage.client(person, UNDER_WAY).names(path("source", UNDER_WAY))

    for place in ("01", "02", "03", "04", "05", "07", "08", "09"):
        visible = "N" in rights(person, place, UNDER_WAY)
        assert (path(place, UNDER_WAY)[-1] in listed) is visible, place


def test_each_refused_attempt_on_the_pieces_is_in_the_journal(stage: Stage, site: Site) -> None:
    me = stage.client("brumaire", UNDER_WAY)
    piece, others = (*path("04/B", UNDER_WAY), PIECE), (*path("04/O", UNDER_WAY), "Pièce.pdf")
    before = len(refusals(site, me.login))

    replies = [
        me.put(piece, b"autre"),
        me.delete(piece),
        me.move(piece, (*piece[:-1], "Autre nom.pdf")),
        me.put(others, b"ailleurs"),
        me.mkcol(others),
    ]

    assert [reply.status for reply in replies] == [403] * 5
    assert refusals(site, me.login)[before:] == [
        (method, "/".join(name))
        for method, name in [
            ("PUT", piece),
            ("DELETE", piece),
            ("MOVE", piece),
            ("PUT", others),
            ("MKCOL", others),
        ]
    ]


NOTES = path("03", UNDER_WAY)
TITLE = TITLES[UNDER_WAY]
ABSENT = "Nulle part"
DEPOSIT = (*path("04/B", UNDER_WAY), "En cours.pdf")
# Who looks, where something is that he does not see, and where nothing is.
HIDDEN: dict[str, tuple[str, Names, Names]] = {
    "a folder": ("brumaire", path("09", UNDER_WAY), (TITLE, ABSENT)),
    "a file": ("brumaire", (*path("08", UNDER_WAY), NOTE), (*path("08", UNDER_WAY), ABSENT)),
    "a deposit": ("conseil", DEPOSIT, (*DEPOSIT[:-1], ABSENT)),
    "a dossier": ("étranger", (TITLE,), (ABSENT,)),
    "a file of a dossier": ("étranger", (*NOTES, NOTE), (ABSENT, *NOTES[1:], NOTE)),
    "an expert's space": ("brumaire", path("espace", UNDER_WAY), (ABSENT,)),
}
ASKED: dict[str, Callable[[Dav, Names], Reply]] = {
    "OPTIONS": lambda me, name: me.request("OPTIONS", name),
    "GET": lambda me, name: me.get(name),
    "HEAD": lambda me, name: me.request("HEAD", name),
    "PROPFIND": lambda me, name: me.propfind(name),
    "PUT": lambda me, name: me.put(name, b"quelques octets"),
    "PUT if absent": lambda me, name: me.put(name, b"octets", If_None_Match="*"),
    "PUT in it": lambda me, name: me.put((*name, "fichier.pdf"), b"quelques octets"),
    "MKCOL": lambda me, name: me.mkcol(name),
    "LOCK": lambda me, name: me.lock(name),
    "UNLOCK": lambda me, name: me.unlock(name, "<opaquelocktoken:0>"),
    "PROPPATCH": lambda me, name: me.proppatch(name, "<T:a>x</T:a>"),
    "DELETE": lambda me, name: me.delete(name),
    "MOVE": lambda me, name: me.move(name, (*NOTES, "Autre nom.pdf")),
    "COPY": lambda me, name: me.copy(name, (*NOTES, "Autre nom.pdf")),
    "MOVE there": lambda me, name: me.move((*NOTES, NOTE), name),
    "COPY there": lambda me, name: me.copy((*NOTES, NOTE), name),
    "COPY there, F": lambda me, name: me.copy((*NOTES, NOTE), name, Overwrite="F"),
}


@pytest.mark.parametrize("what", HIDDEN)
def test_what_is_hidden_is_answered_like_what_is_absent(stage: Stage, what: str) -> None:
    person, hidden, absent = HIDDEN[what]
    assert stage.client("brumaire", UNDER_WAY).put(DEPOSIT, b"octets").status in (201, 204)
    me = stage.client(person, UNDER_WAY)

    for request, ask in ASKED.items():
        assert told(ask(me, hidden)) == told(ask(me, absent)), request


def told(reply: Reply) -> tuple[object, ...]:
    """All that an answer tells, but for the hour."""
    headers = {key: value for key, value in reply.headers.items() if key != "date"}
    return reply.status, reply.reason, headers, reply.body


def test_the_table_has_some_thousands_of_cells() -> None:
    count = len(everything())

    print(f"\nrights table: {count} cells")
    assert count >= 4_000


@pytest.fixture(scope="module")
def gate_names(prepared: Path) -> set[str]:
    return set(make_gate(backends.settings(prepared)).names)


def decisive(policy: str) -> list[Cell]:
    """The cells of the table that depend on ``policy`` alone."""
    table = {
        (cell.state, cell.person, cell.request, cell.place, cell.detail): cell
        for cell in everything()
    }
    return [table[key] for key in DECISIVE[policy]]


def test_every_built_in_policy_has_cells_that_depend_on_it_alone(gate_names: set[str]) -> None:
    # These two judge what the table does not vary: the scanner's verdict, the device.
    assert set(DECISIVE) == gate_names - {"antivirus", "devices"}


def test_with_all_policies_no_decisive_cell_differs(prepared: Path, tmp_path: Path) -> None:
    backends.copy_site(prepared, tmp_path / "data")

    with serving(tmp_path / "data") as url:
        assert Stage(url).play([cell for policy in DECISIVE for cell in decisive(policy)]) == []


@pytest.mark.parametrize("policy", DECISIVE)
def test_without_one_policy_the_table_fails(prepared: Path, tmp_path: Path, policy: str) -> None:
    asked = decisive(policy)
    backends.copy_site(prepared, tmp_path / "data")

    with serving(tmp_path / "data", without=policy) as url:
        faults = Stage(url).play(asked)

    assert len(faults) == len(asked), faults
