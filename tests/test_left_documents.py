"""Documents under temporary names: found by their authors, and never taken away or dropped by
somebody else."""

from collections.abc import Iterator

import pytest

from tests.dav import Dav, Names
from tests.model import people
from tests.model.site import LOGINS, Box, TimedSite
from tests.model.tree import AUTHOR
from tests.serving import PASSWORD
from tests.test_side_files import FINDER, LITTER, WINDOWS

PDF = b"%PDF-1.4\n" + b"x" * 3_000
DAY = 86_400.0
LEFT = "Lot.pdf~"
box, author, expert = people.box, people.author, people.expert  # fixtures


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedSite]:
    made = TimedSite(tmp_path_factory.mktemp("left"))
    yield made
    made.close()


@pytest.fixture
def filled(site: TimedSite, box: Box, author: Dav) -> Names:
    """A folder of the author's box, with a sealed piece in it, and a folder in that."""
    folder = (*box.places["box"], "Dires")
    assert author.mkcol(folder).status == author.mkcol((*folder, "Annexes")).status == 201
    assert author.put((*folder, "Annexes", "1.pdf"), PDF).status == 201
    site.wait(130)
    return folder


@pytest.fixture
def shared(site: TimedSite, box: Box, expert: Dav) -> Names:
    """A folder of the expert to which the lawyer may add, too."""
    folder = (*box.places["plans"], "Lot 3")
    assert expert.mkcol(folder).status == 201
    assert expert.put((*folder, "p.pdf"), PDF).status == 201
    _run(site, "rights", "grant", "/".join(("", *folder)), LOGINS[AUTHOR], "lire,ajouter")
    return folder


def told(site: TimedSite, box: Box) -> list[str]:
    """The names of which mails tell that they are no deposits."""
    return [
        line["name"]
        for mail in site.server.json("alerts", "queue")
        if mail["kind"] == "fichier temporaire" and mail["dossier"] == box.title
        for line in mail["lines"]
    ]


def _run(site: TimedSite, *arguments: str) -> None:
    done = site.server.run(*arguments)
    assert done.returncode == 0, done.stderr


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


def test_a_folder_is_not_filed_with_somebody_elses_document_in_it(
    site: TimedSite, box: Box, author: Dav, expert: Dav, filled: Names
) -> None:
    target = (*box.places["archive"], "Dires")
    left = (*filled, "Annexes", LEFT)
    author.put(left, PDF + b"2")

    refused = expert.move(filled, target)

    assert refused.status == 423
    assert "nom temporaire" in refused.message
    assert LEFT not in refused.message
    assert author.move(left, (*left[:-1], "Lot.pdf")).status == 201
    site.wait(130)
    assert expert.move(filled, target).status == 201
    assert author.get((*target, "Annexes", "Lot.pdf")).body == PDF + b"2"


def test_litter_empty_files_and_ones_own_documents_go_the_way_of_their_folder(
    box: Box, author: Dav, expert: Dav, filled: Names
) -> None:
    author.put((*filled, ".DS_Store"), LITTER[".DS_Store"])
    author.put((*filled, "x.tmp"))
    expert.put((*filled, "y.tmp"), PDF)

    assert expert.move(filled, (*box.places["archive"], "Dires")).status == 201


def test_no_folder_goes_with_somebody_elses_document_in_it(
    site: TimedSite, box: Box, author: Dav, expert: Dav, shared: Names
) -> None:
    other_dossier = (*site.fresh().places["plans"], "Lot 3")
    source = (*box.places["plans"], "Lot 4")
    expert.mkcol(source)
    left = (*shared, LEFT)
    author.put(left, PDF)

    for refused in (
        expert.delete(shared),
        expert.move(shared, other_dossier),
        expert.move(shared, (*source, "Lot 3")),
        expert.move(source, shared),
        expert.copy(source, shared),
    ):
        assert refused.status == 423
        assert LEFT not in refused.message
    assert author.get(left).body == PDF
    # A new name takes nothing away.
    assert expert.move(shared, (*shared[:-1], "Lot 5")).status == 201
    assert author.delete((*shared[:-1], "Lot 5", LEFT)).status == 204
    assert expert.move((*shared[:-1], "Lot 5"), other_dossier).status == 201


def test_an_author_takes_his_unfinished_folder_away_with_his_documents(
    box: Box, author: Dav
) -> None:
    folder, renamed = (*box.places["box"], "Dires"), (*box.places["box"], "Dires 2")
    author.mkcol(folder)
    author.put((*folder, "1.pdf"), PDF)
    author.put((*folder, LEFT), PDF)

    assert author.move(folder, renamed).status == 201
    assert author.get((*renamed, LEFT)).body == PDF
    assert author.delete(renamed).status == 204


def test_who_does_not_see_a_folder_any_more_is_told_nothing_of_it(
    site: TimedSite, box: Box, author: Dav, shared: Names
) -> None:
    author.put((*shared, LEFT), PDF)
    place = "/".join(("", *shared))
    _run(site, "rights", "revoke", place, LOGINS[AUTHOR])
    _run(site, "rights", "cut", place)
    assert author.get((*shared, LEFT)).status == 404

    site.wait(2 * DAY)
    assert told(site, box) == []

    _run(site, "rights", "restore", place)
    assert author.get((*shared, LEFT)).status == 200
    site.wait(1)
    assert told(site, box) == [LEFT]


def test_the_document_of_a_disabled_account_stays_until_he_is_told(
    site: TimedSite, box: Box, author: Dav
) -> None:
    path, litter = (*box.places["box"], LEFT), (*box.places["box"], ".DS_Store")
    empty = (*box.places["box"], "x.tmp")
    author.put(path, PDF)
    author.put(litter, LITTER[".DS_Store"])
    author.put(empty)
    _run(site, "user", "disable", LOGINS[AUTHOR])
    site.wait(30 * DAY)
    _run(site, "user", "enable", LOGINS[AUTHOR])
    assert told(site, box) == []
    assert author.get(path).body == PDF
    assert (author.get(litter).status, author.get(empty).status) == (404, 404)

    site.wait(1)
    assert told(site, box) == [LEFT]
    site.wait(6 * DAY)
    assert author.get(path).body == PDF
    site.wait(2 * DAY)
    assert author.get(path).status == 404


def test_the_document_of_a_removed_account_stays_as_long_as_if_he_were_told(
    site: TimedSite, box: Box, expert: Dav, shared: Names
) -> None:
    _run(
        site, "user", "add", "me.parti", "--last-name", "PARTI", "--password", PASSWORD,
        "--email", "me.parti@davserver.example",
    )  # fmt: skip
    _run(site, "rights", "grant", f"/{box.title}", "me.parti", "lire")
    _run(site, "rights", "grant", "/".join(("", *shared)), "me.parti", "lire,ajouter")
    other = site.server.dav("me.parti", agent=WINDOWS)
    assert other.put((*shared, LEFT), PDF).status == 201
    _run(site, "user", "remove", "me.parti")

    site.wait(7 * DAY)
    assert expert.delete(shared).status == 423
    site.wait(660)

    assert expert.delete(shared).status == 204
    assert told(site, box) == []
