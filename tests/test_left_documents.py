"""Documents under temporary names: found by their authors, and never lost on the way."""

from collections.abc import Iterator

import pytest

from tests.dav import Dav
from tests.model.site import LOGINS, Box, TimedSite
from tests.model.tree import AUTHOR
from tests.test_side_files import FINDER, LITTER, WINDOWS

PDF = b"%PDF-1.4\n" + b"x" * 3_000
LEFT = "Lot.pdf~"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedSite]:
    made = TimedSite(tmp_path_factory.mktemp("left"))
    yield made
    made.close()


@pytest.fixture
def box(site: TimedSite) -> Box:
    return site.fresh()


@pytest.fixture
def author(site: TimedSite) -> Dav:
    return site.server.dav(LOGINS[AUTHOR], agent=WINDOWS)


def test_who_was_told_of_a_document_finds_it_where_nothing_else_lies(
    site: TimedSite, box: Box, author: Dav
) -> None:
    for agent in (WINDOWS, FINDER):
        dav = site.server.dav(LOGINS[AUTHOR], agent=agent)
        folder = (*box.places["box"], f"Dires {agent[:3]}")
        dav.mkcol(folder)
        dav.put((*folder, LEFT), PDF)
        dav.put((*folder, ".DS_Store"), LITTER[".DS_Store"])

        assert dav.names(folder) == [".DS_Store", LEFT]


def test_a_folder_in_which_a_mac_left_a_document_is_found(site: TimedSite, box: Box) -> None:
    mac = site.server.dav(LOGINS[AUTHOR], agent=FINDER)
    folder, saving = (*box.places["box"], "Notes"), "n.pages.sb-ac6800a0-t3YBFI"
    mac.mkcol(folder)
    mac.mkcol((*folder, saving))
    assert mac.names(folder) == []

    mac.put((*folder, saving, "n.pages"), PDF)

    assert mac.names(folder) == [saving]


def test_a_mac_finds_no_litter_and_no_empty_file_where_nothing_else_lies(
    site: TimedSite, box: Box
) -> None:
    mac = site.server.dav(LOGINS[AUTHOR], agent=FINDER)
    folder = (*box.places["box"], "Dires")
    mac.mkcol(folder)
    mac.put((*folder, ".DS_Store"), LITTER[".DS_Store"])
    mac.put((*folder, "x.tmp"))
    mac.mkcol((*folder, ".Trashes"))
    mac.put((*folder, ".Trashes", "x.trashinfo"), b"[Trash Info]\nPath=x")

    assert mac.names(folder) == []
