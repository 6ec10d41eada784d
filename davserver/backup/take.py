"""Taking a backup of a site that is being served."""

import errno
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from davserver import __version__
from davserver.backup import BackupProblem
from davserver.backup.folder import BackupFolder, Manifest, sha256_of
from davserver.backup.lineage import line_of, owner, require_own
from davserver.backup.rows import ask, save
from davserver.errors import Full, Unavailable
from davserver.model import Blob, JournalLine, schema
from davserver.model.database import Database
from davserver.site import Site
from davserver.storage.away import STORE
from davserver.verify.rows import NOWHERE, Kept, Rows

LAST_LINE = select(JournalLine.hash).order_by(JournalLine.id.desc()).limit(1)
TRIES = 3  # how often the rows are read anew because some of their bytes went meanwhile
USED = "SELECT DISTINCT sha256, size FROM blob WHERE id IN (SELECT blob_id FROM node)"


@dataclass(frozen=True)
class Taken:
    """A generation, how much it holds, and how much of it had to be copied (files, bytes)."""

    generation: str
    manifest: Manifest
    copied: int
    copied_bytes: int


def take(site: Site, root: Path, *, shared: bool = False) -> Taken:
    """Add a generation to the backup in ``root``: all rows, and the bytes that they name.

    A deposit that was acknowledged before the call is in it. What cannot be read is named in the
    manifest. ``shared``: also where the newest generation is another site's. Raises BackupProblem,
    and Unavailable when the database or the store is away.
    """
    folder = BackupFolder(root)
    if root.resolve().is_relative_to(site.settings.storage.data.resolve()):
        raise BackupProblem(f"{root} : ce dossier est dans celui du site.")
    if not site.blobs.ready():
        raise Unavailable(STORE)
    with folder.held():
        with site.database.reading() as session:
            sites = line_of(session, folder)
        if not shared:
            require_own(folder, sites)
        try:
            return _taken(site, folder, sites)
        except (Full, OSError, SQLAlchemyError) as error:
            if isinstance(error, Full) or "full" in str(error) or _has_no_room(error):
                # The site is only read: it is the backup that has no room.
                raise BackupProblem(f"{root} : plus de place ; rien n'a été ajouté.") from error
            raise


def _has_no_room(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _taken(site: Site, folder: BackupFolder, sites: list[str]) -> Taken:
    now = site.clock()
    name = now.strftime("%Y-%m-%dT%H%M%S.%fZ")
    if (older := folder.generations()) and name <= older[-1]:
        name = f"{older[-1]}+"  # the clock has gone back: the newest is the last one taken
    file = folder.begin(name)
    copied = copied_bytes = 0
    for _ in range(TRIES):
        file.unlink(missing_ok=True)
        with site.database.reading() as session:
            save(session, file)
            kept = [one for one in Rows(session).kept() if one.place != NOWHERE]
            journal = session.scalar(LAST_LINE) or ""
        missing = []
        for one in kept:
            if folder.holds(one.sha256, one.size):
                continue
            if _copy(site, folder, one):
                copied += 1
                copied_bytes += one.size
            else:
                missing.append(one)
        # A purge and the sweep may take bytes after the rows were read: then the rows are past.
        if all(_is_still_named(site.database, one) for one in missing):
            break
    manifest = Manifest(
        program=__version__,
        taken_at=now.isoformat(),
        schema=schema.latest(),
        rows_sha256=sha256_of(file),
        journal=journal,
        blobs=len(kept),
        bytes=sum(one.size for one in kept),
        missing=[f"{one.place} ({one.sha256})" for one in missing],
        sites=sites,
    )
    folder.finish(name, manifest)
    return Taken(name, manifest, copied, copied_bytes)


def forget(root: Path, keep: int, sites: list[str]) -> list[str]:
    """Drop all but the newest ``keep`` generations of ``sites``, and the bytes only they named.

    One that cannot be read counts for none and stays. Raises BackupProblem, and drops nothing, if
    it is not known what those that stay need.
    """
    folder = BackupFolder(root)
    with folder.held():
        names = folder.generations()
        doomed = [name for name in names if _is_of(folder, name, sites)][:-keep]
        used: set[str] = set()
        for name in names:
            if name not in doomed:
                used |= _needed(folder, name)
        folder.forget(doomed, used)
    return doomed


def _is_of(folder: BackupFolder, name: str, sites: list[str]) -> bool:
    """Whether a generation is one of ``sites``, or of the time before sites had identities."""
    try:
        folder.manifest(name)
    except BackupProblem:
        return False
    return owner(folder, name) in {*sites, ""}


def _needed(folder: BackupFolder, name: str) -> set[str]:
    """The hashes of the bytes that a generation names."""
    try:
        return {row[0] for row in ask(folder.rows(name), USED)}
    except sqlite3.DatabaseError:
        raise BackupProblem(
            f"{folder.rows(name)} : illisible ; la sauvegarde est prise, mais --keep ne supprime "
            "rien tant que ce dossier est là."
        ) from None


def _copy(site: Site, folder: BackupFolder, one: Kept) -> bool:
    try:
        return folder.keep(_read(site, one.key), one.sha256, one.size)
    except Unavailable:
        return False


def _read(site: Site, key: str) -> Iterator[bytes]:
    """The bytes; a fault of the store's disk must not be taken for one of the backup's."""
    try:
        yield from site.blobs.read(key)
    except OSError as error:
        raise Unavailable("Ce fichier est momentanément illisible.") from error


def _is_still_named(database: Database, one: Kept) -> bool:
    with database.reading() as session:
        return bool(session.scalar(select(exists().where(Blob.key == one.key))))
