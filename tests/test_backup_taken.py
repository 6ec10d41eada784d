"""A backup holds everything, and says so when it does not."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from davserver.backup import take as taking
from davserver.backup.folder import BackupFolder
from davserver.site import Site
from davserver.storage.sweep import sweep
from tests import backups
from tests.backups import CUT, A, backed_up, bytes_of, faults, generations
from tests.console import Console, opened
from tests.programs import require_root

console, folder = backups.console, backups.folder  # fixtures


def test_a_second_backup_copies_only_what_is_new(console: Console, folder: Path) -> None:
    first = backed_up(console, folder)
    assert first["copied"] == first["pieces"] == len(bytes_of(folder)) > 20

    again = backed_up(console, folder)

    assert (again["copied"], again["pieces"]) == (0, first["pieces"])
    assert generations(folder) == [first["generation"], again["generation"]]


def test_dropped_generations_take_with_them_what_only_they_named(
    console: Console, folder: Path
) -> None:
    for _ in range(2):
        backed_up(console, folder)
    console.well("dossier", "purge", A, "--yes")

    kept = backed_up(console, folder, "--keep", "1")

    assert generations(folder) == [kept["generation"]]
    assert len(kept["dropped"]) == 2
    assert len(bytes_of(folder)) == kept["pieces"]
    assert faults(folder) == []


@pytest.mark.embedded
@pytest.mark.parametrize(("earlier", "step"), [(0, 0), (0, 2), (0, 30), (1, 1), (1, 3)])
def test_a_backup_that_is_cut_is_none_and_the_older_one_stays_good(
    console: Console, folder: Path, earlier: int, step: int
) -> None:
    old = [backed_up(console, folder)["generation"] for _ in range(earlier)]
    command = [sys.executable, "-c", CUT, str(step), "backup", str(folder)]
    cut = subprocess.run([*command, "--data", str(console.data)], check=False, timeout=60)
    assert cut.returncode == -signal.SIGKILL

    assert generations(folder) == old
    assert old == [] or faults(folder) == []
    backed_up(console, folder)
    assert faults(folder) == []
    assert not list(folder.rglob("*.partial"))


@pytest.mark.embedded
def test_a_piece_that_cannot_be_read_is_named_and_pushes_nothing_out(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    whole = backed_up(console, folder)["generation"]
    shutil.rmtree(folder / "blobs" / bytes_of(folder)[0].parent.name)
    lost = max((console.data / "blobs").glob("*/*"), key=lambda file: file.stat().st_size)
    lost.unlink()

    done = console("backup", str(folder), "--keep", "1", "--json")

    (named,) = done.json["missing"]
    assert (done.code, done.json["ok"]) == (1, False)
    assert "Pièce n°12 - Constat.pdf" in named
    assert generations(folder) == [whole, done.json["generation"]]
    assert "was not there to be saved" in " ".join(faults(folder))
    site = Console(tmp_path / "restauré")
    assert "--incomplete" in site.refused("restore", str(folder))
    rest = site("restore", str(folder), "--incomplete")
    assert rest.code == 1
    assert "Pièce n°12 - Constat.pdf): its bytes cannot be read" in rest.out


def test_what_a_purge_and_the_sweep_take_meanwhile_is_not_missed(
    console: Console, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, purged = taking._read, list[str]()

    def purge_first(site: Site, key: str) -> Iterator[bytes]:
        if not purged:
            purged.append(key)
            console.well("dossier", "purge", A, "--yes")
            sweep(site.database, site.blobs, site.clock() + timedelta(days=9), timedelta())
        return read(site, key)

    monkeypatch.setattr(taking, "_read", purge_first)
    taken = backed_up(console, folder)

    assert purged
    assert taken["pieces"] < len(bytes_of(folder)) + 20
    assert faults(folder) == []


def test_every_fault_of_a_backup_is_named(console: Console, folder: Path) -> None:
    name = backed_up(console, folder)["generation"]
    changed, cut, lost = bytes_of(folder)[:3]
    content = bytearray(changed.read_bytes())
    content[1000] ^= 1
    changed.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-1])
    lost.unlink()

    found = faults(folder)

    assert len(found) == 3
    for file, said in ((changed, "were changed"), (cut, "bytes instead"), (lost, "be read")):
        assert [line for line in found if file.name in line and said in line], found
    rows = folder / "generations" / name / "rows.sqlite"
    rows.write_bytes(rows.read_bytes() + b"x")
    assert f"{name}: its rows were changed" in faults(folder)
    rows.write_bytes(b"x")
    assert any("its rows cannot be read" in line for line in faults(folder))
    rows.unlink()
    assert any("its rows cannot be read" in line for line in faults(folder))


def test_bytes_that_were_cut_in_the_backup_are_copied_again(console: Console, folder: Path) -> None:
    backed_up(console, folder)
    largest = bytes_of(folder)[0]
    largest.write_bytes(largest.read_bytes()[:-1])

    assert backed_up(console, folder)["copied"] == 1
    assert faults(folder) == []


def test_a_backup_goes_into_a_folder_of_its_own_that_is_there(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    assert "démonté" in console.refused("backup", str(tmp_path / "absent"))
    inside = console.data / "sauvegarde"
    inside.mkdir()
    assert "dans celui du site" in console.refused("backup", str(inside))
    inside.rmdir()
    (folder / "autre chose").touch()
    assert "n'est pas une sauvegarde" in console.refused("backup", str(folder))
    assert [file.name for file in folder.iterdir()] == ["autre chose"]
    assert console("backup", str(folder), "--check", "--keep", "1").code == 2


@pytest.mark.parametrize("room", [200_000, 4_000_000], ids=["for no rows", "for few pieces"])
def test_a_backup_that_has_no_room_says_so_and_adds_nothing(
    console: Console, folder: Path, room: int
) -> None:
    require_root()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        assert "plus de place ; rien n'a été ajouté" in console.refused("backup", str(folder))
        assert generations(folder) == []
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
    console.well("verify")


@pytest.mark.embedded
def test_the_newest_generation_is_the_last_one_taken_whatever_the_clock_says(
    console: Console, folder: Path
) -> None:
    first = backed_up(console, folder)["generation"]
    with opened(console) as site:
        site.clock = lambda: datetime.now(UTC) - timedelta(days=1)
        second = taking.take(site, folder).generation

    assert generations(folder) == [first, second]


def test_two_backups_into_one_folder_do_not_meet(console: Console, folder: Path) -> None:
    with BackupFolder(folder).held():
        assert "en cours" in console.refused("backup", str(folder))
    backed_up(console, folder)


def test_nobody_else_can_read_a_backup(console: Console, folder: Path) -> None:
    backed_up(console, folder)

    for inside in ("generations", "blobs"):
        assert os.stat(folder / inside).st_mode & 0o077 == 0
