"""Proving a backup whole, without restoring it."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from davserver.backup.folder import BackupFolder, sha256_of
from davserver.backup.rows import ask
from davserver.backup.take import USED


@dataclass(frozen=True)
class Checked:
    """The generations that were looked at, and every fault in one line."""

    generations: list[str]
    files: int
    faults: list[str]


def check(root: Path, generation: str | None = None) -> Checked:
    """Read all of a backup, or of one generation, and compare every hash. Changes nothing.

    Raises BackupProblem for a folder that is no backup, a generation that is not there.
    """
    folder = BackupFolder(root)
    names = [generation] if generation else folder.generations()
    faults: list[str] = []
    wanted: dict[str, tuple[int, str]] = {}
    for name in names:
        manifest = folder.manifest(name)
        faults += [f"{name}: {missing}: was not there to be saved" for missing in manifest.missing]
        try:
            if sha256_of(folder.rows(name)) != manifest.rows_sha256:
                faults.append(f"{name}: its rows were changed")
            wanted |= {sha256: (size, name) for sha256, size in ask(folder.rows(name), USED)}
            for query in ("PRAGMA integrity_check", "PRAGMA foreign_key_check"):
                found = ask(folder.rows(name), query)
                faults += [f"{name}: its rows: {row}" for row in found if row != ("ok",)]
        except (OSError, sqlite3.DatabaseError) as error:
            faults.append(f"{name}: its rows cannot be read ({error})")
    for sha256, (size, name) in sorted(wanted.items()):
        if (fault := _fault(folder, sha256, size)) is not None:
            faults.append(f"{name}: blob {sha256}: {fault}")
    return Checked(names, len(wanted), faults)


def _fault(folder: BackupFolder, sha256: str, size: int) -> str | None:
    file = folder.bytes_of(sha256)
    try:
        if file.stat().st_size != size:
            return f"{file.stat().st_size} bytes instead of {size}"
        return None if sha256_of(file) == sha256 else "its bytes were changed"
    except OSError:
        return "its bytes cannot be read"
