"""The one place that deletes bytes: blobs that no file names, after a time of grace.

Absence is never inferred from failure: the sweep runs only while the database and the store both
answer, and a row goes before its bytes.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select

from davserver.model import Blob, JournalLine, Node
from davserver.model.database import Database
from davserver.storage import BlobStore

RESTORE = "site.restore"  # the journal line of a restored backup
BATCH = 500  # blobs per transaction


def sweep(database: Database, blobs: BlobStore, now: datetime, grace: timedelta) -> int:
    """Delete what has been unused since before ``now - grace``. Returns how many blobs went.

    A transfer that is under way lasts less than the grace, and names its blob when it commits.
    After a restore, bytes that no row names may be what the backup did not have yet: they stay for
    another grace, in which ``verify`` names them.
    """
    before = now - grace
    gone = 0
    while keys := _forget_rows(database, before):
        for key in keys:
            blobs.remove(key)
        gone += len(keys)
    if not _restored_since(database, before):
        for key, kept in list(blobs.keys()):
            if kept < before and not _known(database, key):
                blobs.remove(key)
                gone += 1
    blobs.drop_unfinished(before)
    return gone


def _forget_rows(database: Database, before: datetime) -> list[str]:
    """Delete the rows of unused blobs; their bytes may go once this is committed."""
    with database.writing() as session:
        rows = session.execute(
            select(Blob.id, Blob.key)
            .where(Blob.created < before, ~exists().where(Node.blob_id == Blob.id))
            .limit(BATCH)
        ).all()
        session.execute(delete(Blob).where(Blob.id.in_([row.id for row in rows])))
        return [row.key for row in rows]


def _restored_since(database: Database, before: datetime) -> bool:
    with database.reading() as session:
        restored = exists().where(JournalLine.act == RESTORE, JournalLine.at >= before)
        return bool(session.scalar(select(restored)))


def _known(database: Database, key: str) -> bool:
    with database.reading() as session:
        return session.scalar(select(Blob.id).where(Blob.key == key)) is not None
