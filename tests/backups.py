"""Backups of a site, what they hold and lack, and the sites made of them."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from davserver.backup.folder import BackupFolder
from tests.console import Console, copied, run

A, B, C = "2024-01", "2024-02", "2023-07"


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for backups."""
    made = tmp_path / "sauvegarde"
    made.mkdir()
    return made


def backed_up(console: Console, folder: Path, *options: str) -> dict[str, Any]:
    """What a backup that is whole tells of itself."""
    done = console("backup", str(folder), "--json", *options)
    assert (done.code, done.json["ok"], done.json["missing"]) == (0, True, []), done
    found = done.json
    assert isinstance(found, dict)
    return found


def restored(folder: Path, data: Path, *options: str) -> Console:
    """The site made of a backup, verified."""
    site = Console(data)
    assert site.well("restore", str(folder), *options).rstrip().endswith("; 0 differences")
    site.well("verify")
    return site


def faults(folder: Path) -> list[str]:
    """What ``--check`` names; its exit code must agree."""
    done = run("backup", str(folder), "--check", "--json")
    found = done.json["faults"]
    assert isinstance(found, list)
    assert (done.code, done.json["ok"]) == ((1, False) if found else (0, True))
    return found


def manifests(console: Console) -> list[str]:
    """What the dossiers hold: the hash of their manifests (names, authors, dates, hashes)."""
    with tempfile.TemporaryDirectory() as place:
        return [
            console.well("dossier", "export", title, f"{place}/{title}").rpartition(": ")[2]
            for title in (A, B, C)
        ]


def bytes_of(folder: Path) -> list[Path]:
    """The files of bytes in a backup, largest first."""
    files = [file for file in (folder / "blobs").glob("*/*") if file.is_file()]
    return sorted(files, key=lambda file: file.stat().st_size, reverse=True)


def generations(folder: Path) -> list[str]:
    return BackupFolder(folder).generations()


# Ends as by a power cut, at the Nth time that something is made durable.
CUT = """
import os, signal, sys
real, left = os.fsync, int(sys.argv[1])
def fsync(handle):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(handle)
os.fsync = fsync
from davserver.commands import main
sys.exit(main(sys.argv[2:]))
"""
