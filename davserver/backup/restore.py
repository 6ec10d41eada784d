"""A backup becomes a site again, on any back end.

Nobody must take the restored site for the one that went on after the backup: what was given out
since then (sync tokens, folder ETags, ids, locks) is worth nothing here and is never given again.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Table, exists, make_url, select, update
from sqlalchemy.orm import Session

from davserver import journal
from davserver.backup import BackupProblem
from davserver.backup.choice import chosen, unusable
from davserver.backup.folder import BackupFolder, Manifest, blocks_of, sha256_of
from davserver.backup.lineage import RESTORED, owner
from davserver.backup.rows import Row, copy
from davserver.model import Blob, Deposit, Dossier, Lock, Message, Node, User, sequences
from davserver.model.database import Database
from davserver.settings import Settings
from davserver.site import CONSOLE, Site, create_site, open_site

OWN = frozenset({"site"})  # the identity of a site, which its store bears too
_FIRST = (User.id, Dossier.id)  # what no site is without
LOST_IDS = 1_000_000  # more than a site gives between a backup and its loss


@dataclass(frozen=True)
class Restored:
    """The generation that is a site again, and the files whose bytes it had not."""

    generation: str
    manifest: Manifest
    missing: list[str]


def restore(
    settings: Settings, root: Path, generation: str | None = None, *, incomplete: bool = False
) -> Restored:
    """Make the site of ``settings`` from a generation, the newest if not said.

    The bytes first, then all rows in one transaction: what is cut in between is a site without
    accounts, into which the same backup may be restored. ``incomplete``: also where bytes are
    missing. Raises BackupProblem, BadSettings, Full, Unavailable.
    """
    folder = BackupFolder(root)
    name, manifest = chosen(folder, generation)
    sites = manifest.sites or [owner(folder, name)]
    if not _is_empty(settings):
        raise BackupProblem(
            f"{settings.storage.data} : il y a déjà un site ici ; une sauvegarde se restaure dans "
            "un site vide."
        )
    with _upgraded(folder, name, manifest) as saved:
        wanted = _wanted(saved)
        missing = [
            sha256 for sha256, size in wanted.values() if not _is_whole(folder, sha256, size)
        ]
        if missing and not incomplete:
            raise BackupProblem(
                f"{root} : il manque le contenu de {len(missing)} fichier(s) ; voyez « davserver "
                "backup --check », puis ajoutez --incomplete pour restaurer le reste."
            )
        create_site(settings)
        site = open_site(settings)
        try:
            keys = {
                blob_id: _received(site, folder.bytes_of(sha256))
                for blob_id, (sha256, _) in wanted.items()
                if sha256 not in missing
            }
            with saved.reading() as source, site.database.writing() as target:
                copy(source, target, _Changes(keys, set(wanted)), leave=OWN)
                _begin_anew(target, site.clock(), name, manifest, sites)
        finally:
            site.close()
    return Restored(name, manifest, missing)


class _Changes:
    """What of the rows is other in the restored site: the keys of bytes, and no locks."""

    def __init__(self, keys: dict[int, str], wanted: set[int]) -> None:
        self._keys = keys
        self._wanted = wanted

    def __call__(self, table: Table, row: Row) -> Row | None:
        if table is Lock.__table__:
            return None
        if table is not Blob.__table__:
            return row
        if row["id"] not in self._wanted:
            return None  # nothing names them: they were on their way out
        return row | {"key": self._keys.get(row["id"], row["key"])}


def _begin_anew(
    session: Session, now: datetime, name: str, manifest: Manifest, sites: list[str]
) -> None:
    """End what was given out before, so that nobody goes on from a state that is not this one."""
    numbers = sequences.given(session)
    sequences.go_on(session, {table: last + LOST_IDS for table, last in numbers.items()})
    for dossier in session.scalars(select(Dossier)):
        dossier.rights_changed()
        # Changes are fewer than seconds: above all numbers that the lost site gave, also if this is
        # not the first time that the same backup is restored.
        dossier.change = max(dossier.change, int(now.timestamp()))
    # A mail that may have gone takes no more lines: sent again, it is known as the same one.
    session.execute(update(Message).where(Message.due_at > now).values(due_at=now))
    session.execute(update(Deposit).values(receiving_until=None))
    journal.record(
        session,
        RESTORED,
        at=now,
        actor=CONSOLE.login,
        channel="command",
        generation=name,
        taken_at=manifest.taken_at,
        head=manifest.journal,
        sites=sites,
    )


def _is_empty(settings: Settings) -> bool:
    """Whether there is no site, or one that has neither an account nor a dossier."""
    url = make_url(settings.storage.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return True
    database = Database(settings.storage.database_url)
    try:
        if database.schema() is None:
            return True
        with database.reading() as session:
            return not any(session.scalar(select(exists(select(key)))) for key in _FIRST)
    finally:
        database.close()


@contextmanager
def _upgraded(folder: BackupFolder, name: str, manifest: Manifest) -> Iterator[Database]:
    """The saved rows in the schema of this program; the backup itself is not written to."""
    with tempfile.TemporaryDirectory(prefix="davserver-restore-") as place:
        rows = Path(place) / "rows.sqlite"
        shutil.copyfile(folder.rows(name), rows)
        if sha256_of(rows) != manifest.rows_sha256:
            raise unusable(folder, name, f"{folder.rows(name)} : ce fichier a été modifié.")
        saved = Database(f"sqlite:///{rows}")
        try:
            saved.upgrade()
            yield saved
        finally:
            saved.close()


def _wanted(saved: Database) -> dict[int, tuple[str, int]]:
    """The hash and size of the bytes that a node names, by the id of their row."""
    with saved.reading() as session:
        rows = session.execute(
            select(Blob.id, Blob.sha256, Blob.size).where(exists().where(Node.blob_id == Blob.id))
        )
        return {row.id: (row.sha256, row.size) for row in rows}


def _is_whole(folder: BackupFolder, sha256: str, size: int) -> bool:
    return folder.holds(sha256, size) and sha256_of(folder.bytes_of(sha256)) == sha256


def _received(site: Site, file: Path) -> str:
    """The key under which the store now keeps the bytes of a file."""
    incoming = site.blobs.receive()
    try:
        for block in blocks_of(file):
            incoming.write(block)
        return incoming.keep().key
    finally:
        incoming.drop()
