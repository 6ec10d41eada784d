"""Saving as Word, Excel and vim do, by two renames: the document stays one, in a new version."""

from collections.abc import Iterator

import pytest

from tests.changes import short, sync
from tests.dav import Dav, Names
from tests.model import people
from tests.model.site import LOGINS, Box, TimedSite
from tests.model.tree import AUTHOR, EXPERT

OLD, NEW = b"PK\x03\x04" + b"1" * 3_000, b"PK\x03\x04" + b"2" * 4_000
box, reader, expert = people.box, people.author, people.expert  # fixtures
OWN = '<x:own xmlns:x="urn:test">kept</x:own>'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedSite]:
    with pytest.MonkeyPatch.context() as settings:
        settings.setenv("DAVSERVER_DEPOSIT__SIDE_FILE_QUOTA", "200000")
        made = TimedSite(tmp_path_factory.mktemp("saving"))
    yield made
    made.close()


@pytest.fixture
def folder(site: TimedSite, expert: Dav, box: Box) -> Names:
    """A folder of the expert with a document of his, « suivi.docx »."""
    place = box.places["plans"]
    assert expert.put((*place, "suivi.docx"), OLD).status == 201
    assert expert.proppatch((*place, "suivi.docx"), OWN).status == 207
    return place


def begin(dav: Dav, folder: Names) -> None:
    """The first two steps: the new content, and the old one out of the way."""
    assert dav.put((*folder, "~WRD0001.tmp"), NEW).status == 201
    assert dav.move((*folder, "suivi.docx"), (*folder, "~WRL0002.tmp"), Overwrite="F").status == 201


def finish(dav: Dav, folder: Names) -> int:
    """The third: the new content takes the name of the document."""
    return dav.move((*folder, "~WRD0001.tmp"), (*folder, "suivi.docx"), Overwrite="F").status


def allow(site: TimedSite, folder: Names, rights: str) -> None:
    """Give the reader these rights in the folder, and no others."""
    path = "/".join(("", *folder))
    for words in (("cut", path), ("grant", path, LOGINS[EXPERT], "lire,écrire,gérer"),
                  ("grant", path, LOGINS[AUTHOR], rights)):  # fmt: skip
        done = site.server.run("rights", *words)
        assert done.returncode == 0, done.stderr


def announced(site: TimedSite, box: Box) -> list[str]:
    """The documents of the dossier of which mails tell."""
    return [
        line["name"]
        for mail in site.server.json("alerts", "queue")
        if mail["dossier"] == box.title
        for line in mail["lines"]
    ]


def test_a_document_saved_by_renames_is_one_document_announced_once(
    site: TimedSite, box: Box, folder: Names, expert: Dav, reader: Dav
) -> None:
    document = (*folder, "suivi.docx")
    before = announced(site, box)
    assert before.count("suivi.docx") == 1
    for content in (NEW, OLD, NEW):
        expert.put((*folder, "~WRD0001.tmp"), content)
        expert.move(document, (*folder, "~WRL0002.tmp"), Overwrite="F")
        assert finish(expert, folder) == 201
        assert expert.delete((*folder, "~WRL0002.tmp")).status == 204
        assert reader.get(document).body == content

    assert announced(site, box) == before
    assert b"kept" in expert.propfind(document, "0").body
    assert expert.names(folder) == reader.names(folder)
    assert not [name for name in expert.names(folder) if "~WR" in name]


def test_the_old_content_stays_under_the_temporary_name_for_its_author_alone(
    folder: Names, expert: Dav, reader: Dav
) -> None:
    begin(expert, folder)
    assert finish(expert, folder) == 201

    assert expert.get((*folder, "~WRL0002.tmp")).body == OLD
    assert expert.get((*folder, "~WRD0001.tmp")).status == 404
    assert reader.get((*folder, "~WRL0002.tmp")).status == 404
    assert "~WRL0002.tmp" not in reader.names(folder)


def test_who_synchronises_is_told_of_a_new_version_and_nothing_else(
    folder: Names, expert: Dav, reader: Dav
) -> None:
    _, token = sync(reader, folder)
    begin(expert, folder)
    finish(expert, folder)
    expert.delete((*folder, "~WRL0002.tmp"))

    changes, _ = sync(reader, folder, token)

    assert {name: there for name, there in short(changes).items() if there} == {"suivi.docx": True}


def test_a_save_that_breaks_off_leaves_the_document_to_everybody(
    folder: Names, expert: Dav, reader: Dav
) -> None:
    begin(expert, folder)

    assert reader.get((*folder, "~WRL0002.tmp")).body == OLD
    assert expert.move((*folder, "~WRL0002.tmp"), (*folder, "suivi.docx")).status == 201
    assert reader.get((*folder, "suivi.docx")).body == OLD


def test_a_document_that_somebody_locks_meanwhile_is_not_replaced(
    site: TimedSite, box: Box, folder: Names, expert: Dav, reader: Dav
) -> None:
    begin(expert, folder)
    aside = (*folder, "~WRL0002.tmp")
    allow(site, folder, "lire,modifier")
    token = reader.lock(aside).headers["lock-token"]

    assert finish(expert, folder) == 423
    assert reader.get(aside).body == OLD
    assert reader.unlock(aside, token).status == 204
    assert finish(expert, folder) == 201


def test_what_was_set_aside_long_ago_is_a_document_of_its_own(
    site: TimedSite, folder: Names, expert: Dav, reader: Dav
) -> None:
    begin(expert, folder)
    site.wait(301)
    assert finish(expert, folder) == 201

    assert reader.get((*folder, "suivi.docx")).body == NEW
    assert reader.get((*folder, "~WRL0002.tmp")).body == OLD


def test_a_backup_that_is_called_like_one_is_no_save(
    folder: Names, expert: Dav, reader: Dav
) -> None:
    assert expert.put((*folder, "~WRD0001.tmp"), NEW).status == 201
    assert expert.move((*folder, "suivi.docx"), (*folder, "suivi 1.docx")).status == 201
    assert finish(expert, folder) == 201

    assert reader.get((*folder, "suivi 1.docx")).body == OLD
    assert reader.get((*folder, "suivi.docx")).body == NEW


def test_another_persons_document_is_not_saved_by_somebody_else(
    site: TimedSite, folder: Names, expert: Dav, reader: Dav
) -> None:
    allow(site, folder, "lire,écrire")
    begin(expert, folder)
    assert reader.put((*folder, "x.tmp"), b"mine").status == 201
    assert reader.move((*folder, "x.tmp"), (*folder, "suivi.docx")).status == 201

    assert expert.get((*folder, "~WRL0002.tmp")).body == OLD
    assert expert.get((*folder, "suivi.docx")).body == b"mine"


def test_what_bore_the_name_before_its_last_rename_is_not_saved(
    folder: Names, expert: Dav, reader: Dav
) -> None:
    for name, to in (("suivi.docx", "autre.docx"), ("autre.docx", "autre.docx~")):
        assert expert.move((*folder, name), (*folder, to)).status == 201
    assert expert.put((*folder, "~WRD0001.tmp"), NEW).status == 201
    assert finish(expert, folder) == 201

    assert reader.get((*folder, "autre.docx~")).body == OLD


@pytest.mark.parametrize("rights", ["naviguer,consulter,écrire", "naviguer,écrire"])
def test_who_may_not_fetch_a_document_does_not_get_it_by_saving(
    site: TimedSite, folder: Names, expert: Dav, reader: Dav, rights: str
) -> None:
    allow(site, folder, "lire,écrire")
    begin(reader, folder)
    allow(site, folder, rights)

    assert finish(reader, folder) in (201, 404)
    assert expert.get((*folder, "~WRL0002.tmp")).body == OLD
    assert reader.get((*folder, "~WRL0002.tmp")).status in (403, 404)


def test_who_may_modify_and_not_add_saves_by_renames(
    site: TimedSite, folder: Names, expert: Dav, reader: Dav
) -> None:
    allow(site, folder, "lire,modifier")
    begin(reader, folder)

    assert finish(reader, folder) == 201
    assert reader.delete((*folder, "~WRL0002.tmp")).status == 204
    assert expert.get((*folder, "suivi.docx")).body == NEW


def test_a_save_needs_no_more_room_than_writing_into_the_document(
    site: TimedSite, expert: Dav
) -> None:
    folder = site.fresh(quota=6_000).places["plans"]
    assert expert.put((*folder, "suivi.docx"), OLD).status == 201
    begin(expert, folder)

    assert finish(expert, folder) == 201
    assert expert.delete((*folder, "~WRL0002.tmp")).status == 204


def test_saves_keep_no_more_old_contents_than_side_files_may_have(
    folder: Names, expert: Dav, reader: Dav
) -> None:
    kept, large = [], OLD * 20
    assert expert.put((*folder, "suivi.docx"), large).status == 204
    for number in range(4):
        old, new = f"k{number}.tmp", f"t{number}.tmp"
        assert expert.put((*folder, new), b"mini").status == 201
        assert expert.move((*folder, "suivi.docx"), (*folder, old)).status == 201
        assert expert.move((*folder, new), (*folder, "suivi.docx")).status == 201
        assert expert.put((*folder, "suivi.docx"), large).status == 204
        kept.append(old)

    # Past the bound a save is a new document, and the old one stays the shared one that it was.
    found = [expert.get((*folder, name)) for name in kept]
    assert [reply.body for reply in found] == [large] * 4
    assert expert.put((*folder, "trop.tmp"), large * 2).status == 507
    assert reader.names(folder) == ["k3.tmp", "suivi.docx"]
    for name in kept:
        expert.delete((*folder, name))


def test_a_side_file_of_the_same_name_is_in_nobodys_way(folder: Names, expert: Dav) -> None:
    backup, document = (*folder, "suivi.docx~"), (*folder, "suivi.docx")
    assert expert.put(backup, NEW).status == 201
    assert expert.move(document, backup, Overwrite="F").status in (201, 412)
    assert expert.move(backup, document).status in (201, 204)
    assert expert.get(document).body == NEW

    assert expert.put(backup, OLD).status == 201
    assert expert.put((*folder, "~WRD0001.tmp"), OLD).status == 201
    assert expert.move((*folder, "~WRD0001.tmp"), document).status == 204
    assert expert.get(document).body == OLD
