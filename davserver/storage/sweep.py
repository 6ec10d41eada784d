"""The one place that deletes bytes: blobs that no file has named for a time of grace.

Absence is never inferred from failure: the sweep runs only while the database and the store both
answer and are of one site, and a row goes before its bytes.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select, update

from davserver.errors import Unavailable
from davserver.model import Blob, Node, SiteIdentity
from davserver.model.database import Database
from davserver.storage import BlobStore

BATCH = 500  # blobs per transaction
_NAMED = exists().where(Node.blob_id == Blob.id)


def sweep(database: Database, blobs: BlobStore, now: datetime, grace: timedelta) -> int:
    """Delete what has been unused since before ``now - grace``. Returns how many blobs went.

    A transfer that is under way lasts less than the grace, and names its blob when it commits.
    Raises Unavailable when the rows or the bytes are away, or not of the same site.
    """
    _require_one_site(database, blobs)
    before = now - grace
    _note_unused(database, now)
    gone = 0
    while keys := _forget_rows(database, before):
        for key in keys:
            blobs.remove(key)
        gone += len(keys)
    for key, kept in list(blobs.keys()):
        if kept < before and not _known(database, key):
            blobs.remove(key)
            gone += 1
    blobs.drop_unfinished(before)
    return gone


def _require_one_site(database: Database, blobs: BlobStore) -> None:
    with database.reading() as session:
        identity = session.scalar(select(SiteIdentity.identity))
    if identity is None or blobs.owner() != identity:
        raise Unavailable("Les pièces et la base de données ne sont pas du même site.")


def _note_unused(database: Database, now: datetime) -> None:
    """Write down which blobs no file names any more, and which are named again."""
    with database.writing() as session:
        for change in (
            update(Blob).where(Blob.unused_since.is_(None), ~_NAMED).values(unused_since=now),
            update(Blob).where(Blob.unused_since.is_not(None), _NAMED).values(unused_since=None),
        ):
            session.execute(change.execution_options(synchronize_session=False))


def _forget_rows(database: Database, before: datetime) -> list[str]:
    """Delete the rows of blobs unused since ``before``; their bytes may go once it is committed.

    A row is locked first and looked at again then: nobody can name it any more in between.
    """
    with database.writing() as session:
        unused = session.scalars(
            select(Blob.id)
            .where(Blob.unused_since <= before, ~_NAMED)
            .order_by(Blob.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        gone = delete(Blob).where(Blob.id.in_(unused), ~_NAMED).returning(Blob.key)
        return list(session.scalars(gone.execution_options(synchronize_session=False)))


def _known(database: Database, key: str) -> bool:
    with database.reading() as session:
        return session.scalar(select(Blob.id).where(Blob.key == key)) is not None
