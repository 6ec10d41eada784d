"""A folder of backups knows whose they are: no site pushes out what another one has kept."""

import json
import sqlite3
from pathlib import Path

import pytest

from davserver.backup.folder import BackupFolder
from tests import backups
from tests.backups import backed_up, bytes_of, faults, generations, manifests, restored
from tests.console import Console

console, folder = backups.console, backups.folder  # fixtures


@pytest.fixture
def other(tmp_path: Path) -> Console:
    """An empty site beside the one of the demo."""
    made = Console(tmp_path / "autre")
    made.well("init")
    return made


def test_a_site_is_not_backed_up_into_the_folder_of_another_by_mistake(
    console: Console, other: Console, folder: Path
) -> None:
    whole = backed_up(console, folder)["generation"]
    before = bytes_of(folder)

    refused = other.refused("backup", str(folder), "--keep", "1")

    assert "un autre site" in refused and "un autre dossier" in refused and "--shared" in refused
    assert generations(folder) == [whole]
    assert bytes_of(folder) == before


def test_sites_that_share_a_folder_keep_and_drop_their_own_generations(
    console: Console, other: Console, folder: Path, tmp_path: Path
) -> None:
    first = backed_up(console, folder)["generation"]
    foreign = backed_up(other, folder, "--shared", "--keep", "1")["generation"]
    assert generations(folder) == [first, foreign]
    assert "un autre site" in console.refused("backup", str(folder))

    last = backed_up(console, folder, "--shared", "--keep", "1")

    assert (last["dropped"], last["copied"]) == ([first], 0)
    assert generations(folder) == [foreign, last["generation"]]
    assert faults(folder) == []
    site = Console(tmp_path / "restauré")
    refused = site.refused("restore", str(folder))
    assert "plusieurs sites" in refused
    assert f"--generation {foreign}" in refused and f"--generation {last['generation']}" in refused
    whole = restored(folder, site.data, "--generation", last["generation"])
    assert manifests(whole) == manifests(console)


def test_a_restored_site_goes_on_with_the_folder_it_comes_from(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    first, second = (backed_up(console, folder)["generation"] for _ in range(2))
    heir = restored(folder, tmp_path / "restauré", "--generation", first)

    third = backed_up(heir, folder)["generation"]
    # The lost site is back: it is not the one that went on.
    assert "un autre site" in console.refused("backup", str(folder))
    grandchild = restored(folder, tmp_path / "encore")
    fourth = backed_up(grandchild, folder, "--keep", "2")

    assert fourth["dropped"] == [first, second]
    assert generations(folder) == [third, fourth["generation"]]


def test_a_backup_of_before_is_of_the_site_that_its_rows_name(
    console: Console, other: Console, folder: Path, tmp_path: Path
) -> None:
    old = backed_up(console, folder)["generation"]
    forget_sites(folder, old)

    assert "un autre site" in other.refused("backup", str(folder))
    heir = restored(folder, tmp_path / "restauré")
    assert backed_up(heir, folder, "--keep", "1")["dropped"] == [old]


@pytest.mark.embedded
def test_a_site_that_was_restored_by_an_earlier_version_goes_on_with_its_folder(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    backed_up(console, folder)
    heir = restored(folder, tmp_path / "restauré")
    rows = sqlite3.connect(heir.data / "davserver.sqlite")
    act = "WHERE act = 'site.restore'"
    assert rows.execute(f"SELECT json_extract(facts, '$.sites') FROM journal {act}").fetchone()[0]
    rows.execute(f"UPDATE journal SET facts = json_remove(facts, '$.sites') {act}")
    rows.commit()
    rows.close()

    backed_up(heir, folder)


def test_a_backup_of_before_sites_had_names_is_anybodys(
    console: Console, other: Console, folder: Path
) -> None:
    old = backed_up(console, folder)["generation"]
    forget_sites(folder, old)
    forget_names(BackupFolder(folder).rows(old))

    taken = backed_up(other, folder, "--keep", "1")

    assert taken["dropped"] == [old]


def forget_sites(folder: Path, generation: str) -> None:
    """Make a manifest such as it was before it named its site."""
    file = folder / "generations" / generation / "manifest.json"
    found = json.loads(file.read_text())
    del found["sites"]
    file.write_text(json.dumps(found))


def forget_names(rows: Path) -> None:
    """Make rows such as they were before sites had identities."""
    connection = sqlite3.connect(rows)
    connection.execute("DROP TABLE site")
    connection.commit()
    connection.close()
