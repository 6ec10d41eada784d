"""The rights table: who may do what, where and when, played over HTTP against a real server.

The expected answers are in tests/rights_table/statement.py and special.py, to be read by people.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from davserver.policy.loading import make_gate
from davserver.settings import load
from davserver.site import Site, open_site
from tests.dav import Dav, Reply
from tests.rights_table.cells import UNDER_WAY, cells, root_cells
from tests.rights_table.mutants import DECISIVE, serving
from tests.rights_table.playing import Cell, Stage, seen
from tests.rights_table.site import FULL, NOTE, TITLES, Names, path, prepare, rows
from tests.rights_table.special import (
    name_cells,
    other_cells,
    room_cells,
    side_cells,
    unfinished_cells,
)
from tests.rights_table.statement import PLACES, STATES, rights
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
    shutil.copytree(prepared, data)
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
    site = open_site(load(None, data=server.data))
    yield site
    site.close()


def everything() -> list[Cell]:
    """All cells that are played."""
    return [
        *(cell for state in STATES for cell in cells(state)),
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


def play_quietly(stage: Stage, site: Site, state: str, quiet: Sequence[Cell]) -> list[str]:
    """Play cells that leave nothing, neither in the rows nor for the expert to see."""
    expert, top = stage.client("expert", state), path("source", state)
    before, shown = rows(site, TITLES[state]), seen(expert, top)
    faults = stage.play(quiet)
    return faults + changed(before, rows(site, TITLES[state])) + changed(shown, seen(expert, top))


@pytest.mark.parametrize("state", STATES)
def test_everybody_may_do_what_the_table_says_in_a_dossier(
    stage: Stage, site: Site, state: str
) -> None:
    every = list(cells(state))

    faults = play_quietly(stage, site, state, [cell for cell in every if not cell.changes])
    faults += stage.play([cell for cell in every if cell.changes])

    assert faults == []


def test_the_root_of_the_drive_is_read_by_all_and_changed_by_none(stage: Stage, site: Site) -> None:
    assert play_quietly(stage, site, UNDER_WAY, list(root_cells())) == []


def test_an_unfinished_deposit_is_its_authors_alone(stage: Stage) -> None:
    assert stage.play(list(unfinished_cells())) == []


def test_names_that_windows_cannot_hold_are_refused_and_leave_nothing(
    stage: Stage, site: Site
) -> None:
    refused = [cell for cell in name_cells() if not cell.changes]

    assert play_quietly(stage, site, UNDER_WAY, refused) == []


def test_names_that_lawyers_give_are_taken(stage: Stage) -> None:
    assert stage.play([cell for cell in name_cells() if cell.changes]) == []


def test_side_files_are_taken_in_and_shown_to_nobody_else(stage: Stage) -> None:
    expert, top = stage.client("expert", UNDER_WAY), path("source", UNDER_WAY)
    shown = seen(expert, top)

    assert stage.play(list(side_cells())) == []
    assert changed({**shown}, {**seen(expert, top)}) == []


def test_an_old_piece_put_again_and_a_lock_by_rclone_are_refused(stage: Stage, site: Site) -> None:
    for state in (UNDER_WAY, "clos"):
        asked = [cell for cell in other_cells() if cell.state == state]
        assert play_quietly(stage, site, state, asked) == []


def test_a_dossier_takes_no_byte_more_than_it_has_room_for(stage: Stage) -> None:
    assert [fault for cell in room_cells() if (fault := stage.play_one(cell))] == []


@pytest.mark.parametrize("person", ["expert", "assistant", "brumaire", "trop"])
def test_a_listing_shows_the_folders_that_are_not_hidden(stage: Stage, person: str) -> None:
    folders = {place: path(place, UNDER_WAY)[-1] for place in PLACES if place[0] == "0"}

    listed = stage.client(person, UNDER_WAY).names(path("source", UNDER_WAY))

    for place, name in folders.items():
        if "/" not in place:
            assert (name in listed) is ("N" in rights(person, place, UNDER_WAY)), place


def test_the_table_has_some_thousands_of_cells() -> None:
    count = len(everything())

    print(f"\nrights table: {count} cells")
    assert count >= 5_000


@pytest.fixture(scope="module")
def gate_names(prepared: Path) -> set[str]:
    return set(make_gate(load(None, data=prepared)).names)


def decisive(policy: str) -> list[Cell]:
    """The cells of the table that depend on ``policy`` alone."""
    table = {
        (cell.state, cell.person, cell.request, cell.place, cell.detail): cell
        for cell in everything()
    }
    return [table[key] for key in DECISIVE[policy]]


def test_every_built_in_policy_has_cells_that_depend_on_it_alone(gate_names: set[str]) -> None:
    assert set(DECISIVE) == gate_names


def test_with_all_policies_no_decisive_cell_differs(prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared, tmp_path / "data")

    with serving(tmp_path / "data") as url:
        assert Stage(url).play([cell for policy in DECISIVE for cell in decisive(policy)]) == []


@pytest.mark.parametrize("policy", DECISIVE)
def test_without_one_policy_the_table_fails(prepared: Path, tmp_path: Path, policy: str) -> None:
    asked = decisive(policy)
    shutil.copytree(prepared, tmp_path / "data")

    with serving(tmp_path / "data", without=policy) as url:
        faults = Stage(url).play(asked)

    assert len(faults) == len(asked), faults
