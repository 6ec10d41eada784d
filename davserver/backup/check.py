"""Proving a backup whole, without restoring it."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from davserver.backup import BackupProblem
from davserver.backup.folder import BackupFolder, sha256_of
from davserver.backup.rows import ask
from davserver.backup.take import USED


@dataclass(frozen=True)
class Checked:
    """The generations that were looked at, every fault in one line, and what to do about them."""

    generations: list[str]
    files: int
    faults: list[str]
    advice: list[str]


def check(root: Path, generation: str | None = None) -> Checked:
    """Read all of a backup, or of one generation, and compare every hash.

    Bytes that are damaged are set aside, so that the next backup copies them anew; nothing else is
    changed. Raises BackupProblem for a folder that is no backup or an empty one, and for a
    generation that is not there.
    """
    folder = BackupFolder(root)
    names = folder.generations()
    if not names:
        raise BackupProblem(f"{root} : aucune sauvegarde ici.")
    if generation is not None:
        if generation not in names:
            raise BackupProblem(f"{root} : aucune sauvegarde « {generation} ».")
        names = [generation]
    faults: list[str] = []
    wanted: dict[str, tuple[int, str]] = {}
    for name in names:
        expected = None
        try:
            manifest = folder.manifest(name)
            expected = manifest.rows_sha256
            faults += [f"{name}: {lost}: was not there to be saved" for lost in manifest.missing]
        except BackupProblem as problem:
            faults.append(f"{name}: its manifest cannot be read ({problem})")
        try:
            if expected is not None and sha256_of(folder.rows(name)) != expected:
                faults.append(f"{name}: its rows were changed")
            wanted |= {sha256: (size, name) for sha256, size in ask(folder.rows(name), USED)}
            for query in ("PRAGMA integrity_check", "PRAGMA foreign_key_check"):
                found = ask(folder.rows(name), query)
                faults += [f"{name}: its rows: {row}" for row in found if row != ("ok",)]
        except (OSError, sqlite3.DatabaseError) as error:
            faults.append(f"{name}: its rows cannot be read ({error})")
    bad: dict[str, int] = {}
    for sha256, (size, name) in sorted(wanted.items()):
        if (fault := _fault(folder, sha256, size)) is not None:
            faults.append(f"{name}: blob {sha256}: {fault}")
            bad[sha256] = size
    return Checked(names, len(wanted), faults, _advice(folder, bad) if bad else [])


def _fault(folder: BackupFolder, sha256: str, size: int) -> str | None:
    file = folder.bytes_of(sha256)
    try:
        if file.stat().st_size != size:
            return f"{file.stat().st_size} bytes instead of {size}"
        return None if sha256_of(file) == sha256 else "its bytes were changed"
    except OSError:
        aside = folder.damaged(sha256)
        if aside.exists():
            return f"its bytes were changed, and set aside as {aside.name}"
        return "its bytes cannot be read"


def _advice(folder: BackupFolder, bad: dict[str, int]) -> list[str]:
    """Set aside what the next backup would else take for good; what comes of it, in words."""
    # What this user may not read is not known to be damaged.
    taken_for_good = [
        sha256
        for sha256, size in bad.items()
        if folder.holds(sha256, size) and os.access(folder.bytes_of(sha256), os.R_OK)
    ]
    try:
        if taken_for_good:
            with folder.held():
                for sha256 in taken_for_good:
                    folder.set_aside(sha256)
    except (BackupProblem, OSError) as error:
        return [
            f"{len(taken_for_good)} damaged pieces could not be set aside ({error}): until a "
            "check can, no backup replaces them"
        ]
    return ["The next backup copies these pieces anew, if the site still has them whole."]
