"""A backup whose disk has gone bad: what is still good stays, is found, and becomes whole again."""

from pathlib import Path

from tests import backups
from tests.backups import A, backed_up, bytes_of, generations
from tests.console import Console

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
