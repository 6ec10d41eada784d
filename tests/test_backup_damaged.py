"""A backup whose disk has gone bad: what is still good stays, is found, and becomes whole again."""

from pathlib import Path

import pytest

from davserver.backup.folder import BackupFolder
from davserver.backup.take import forget
from tests import backups
from tests.backups import A, backed_up, bytes_of, faults, generations, restored
from tests.console import Console, run, sentence_of

console, folder = backups.console, backups.folder  # fixtures


def test_a_generation_that_cannot_be_read_pushes_none_out(console: Console, folder: Path) -> None:
    good, bad = (backed_up(console, folder)["generation"] for _ in range(2))
    console.well("dossier", "purge", A, "--yes")
    (folder / "generations" / bad / "manifest.json").unlink()
    before = bytes_of(folder)

    last = backed_up(console, folder, "--keep", "2")

    assert last["dropped"] == []
    assert generations(folder) == [good, bad, last["generation"]]
    assert backed_up(console, folder, "--keep", "2")["dropped"] == [good]
    assert bytes_of(folder) == before  # its rows name them, and may be all that is left


def test_nothing_is_dropped_while_it_is_not_known_what_is_needed(
    console: Console, folder: Path
) -> None:
    names = [backed_up(console, folder)["generation"] for _ in range(3)]
    (folder / "generations" / names[2] / "rows.sqlite").write_bytes(b"x")
    before = bytes_of(folder)

    assert "--keep ne supprime rien" in console.refused("backup", str(folder), "--keep", "2")

    assert generations(folder)[:3] == names
    assert bytes_of(folder) == before


def flipped(file: Path) -> bytes:
    """Change one bit in the middle of a file, as a disk does; returns what it holds now."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return bytes(content)


def test_a_piece_that_was_changed_in_the_backup_is_copied_again_after_a_check(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    backed_up(console, folder)
    piece = bytes_of(folder)[0]
    changed = flipped(piece)
    aside = piece.with_name(f"{piece.name}.damaged")

    (found,) = faults(folder)
    assert piece.name in found and "its bytes were changed" in found
    # What may be the last copy is not destroyed, and not taken for a good one.
    assert not piece.exists() and aside.read_bytes() == changed
    again = run("backup", str(folder), "--check")
    assert f"blob {piece.name}: its bytes were changed, and set aside as {aside.name}" in again.out
    assert "The next backup copies these pieces anew" in again.out
    assert aside.read_bytes() == changed

    assert backed_up(console, folder)["copied"] == 1

    assert faults(folder) == []
    assert not aside.exists()
    restored(folder, tmp_path / "restauré")


@pytest.mark.embedded
def test_a_changed_piece_stays_as_long_as_no_good_copy_can_be_made(
    console: Console, folder: Path
) -> None:
    backed_up(console, folder)
    piece = bytes_of(folder)[0]
    changed = flipped(piece)
    aside = piece.with_name(f"{piece.name}.damaged")
    faults(folder)
    max((console.data / "blobs").glob("*/*"), key=lambda file: file.stat().st_size).unlink()

    done = console("backup", str(folder), "--json")

    assert (done.code, len(done.json["missing"])) == (1, 1)
    assert aside.read_bytes() == changed
    last = BackupFolder(folder).manifest(done.json["generation"])
    assert len(forget(folder, 1, last.sites)) == 1
    assert aside.read_bytes() == changed


def test_a_check_of_a_backup_that_cannot_be_written_to_names_the_faults_all_the_same(
    console: Console, folder: Path
) -> None:
    backed_up(console, folder)
    piece = bytes_of(folder)[0]
    flipped(piece)

    with BackupFolder(folder).held():
        done = run("backup", str(folder), "--check")

    assert done.code == 1
    assert f"blob {piece.name}: its bytes were changed" in done.out
    assert "1 damaged pieces could not be set aside" in done.out and "en cours" in done.out
    assert piece.exists()


def test_a_check_of_nothing_says_that_there_is_nothing(folder: Path) -> None:
    for options in ((), ("--json",)):
        done = run("backup", str(folder), "--check", *options)
        assert "aucune sauvegarde ici" in sentence_of(done)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [None, "{"], ids=["absent", "unreadable"])
def test_a_generation_without_manifest_is_named_and_the_others_are_good(
    console: Console, folder: Path, content: str | None
) -> None:
    _, bad = (backed_up(console, folder)["generation"] for _ in range(2))
    manifest = folder / "generations" / bad / "manifest.json"
    manifest.unlink()
    if content is not None:
        manifest.write_text(content)
    changed = bytes_of(folder)[0]
    flipped(changed)

    found = faults(folder)

    assert [line for line in found if bad in line and "manifest" in line]
    assert [line for line in found if changed.name in line]
    backed_up(console, folder)
    refused = console.refused("backup", str(folder), "--check", "--generation", "x")
    assert "aucune sauvegarde « x »" in refused


def test_a_restore_that_cannot_be_names_the_generation_that_can(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    good, bad = (backed_up(console, folder)["generation"] for _ in range(2))
    rows = folder / "generations" / bad / "rows.sqlite"
    site = Console(tmp_path / "restauré")
    flipped(rows)
    assert f"--generation {good}." in site.refused("restore", str(folder))
    (folder / "generations" / bad / "manifest.json").unlink()
    assert f"--generation {good}." in site.refused("restore", str(folder))

    restored(folder, site.data, "--generation", good)
