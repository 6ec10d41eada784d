"""The one place that deletes bytes: blobs that no file names, after a time of grace.

Absence is never inferred from failure: the sweep runs only while the database and the store both
answer, and a row goes before its bytes.
"""

import hashlib
import logging
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError

from davserver.errors import Unavailable
from davserver.model import Blob, Node
from davserver.model.database import Database
from davserver.storage import BlobStore

BATCH = 500  # blobs per transaction

log = logging.getLogger(__name__)


def sweep(database: Database, blobs: BlobStore, now: datetime, grace: timedelta) -> int:
    """Delete what has been unused since before ``now - grace``. Returns how many blobs went.

    A transfer that is under way lasts less than the grace, and names its blob when it commits.
    Bytes that no row knows get one, and another grace: beside an older database that was put back
    they are what came after it.
    """
    before = now - grace
    gone = 0
    while keys := _forget_rows(database, before):
        for key in keys:
            blobs.remove(key)
        gone += len(keys)
    for key, kept in list(blobs.keys()):
        if kept < before and not _known(database, key):
            _make_known(database, blobs, key, now)
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


def _known(database: Database, key: str) -> bool:
    with database.reading() as session:
        return session.scalar(select(Blob.id).where(Blob.key == key)) is not None


def _make_known(database: Database, blobs: BlobStore, key: str, now: datetime) -> None:
    """Give bytes the row that they lack; another process may do so, or delete them, meanwhile."""
    size, digest = 0, hashlib.sha256()
    with suppress(Unavailable, IntegrityError):
        for block in blobs.read(key):
            size += len(block)
            digest.update(block)
        with database.writing() as session:
            session.add(Blob(key=key, size=size, sha256=digest.hexdigest(), created=now))
        log.warning(
            "bytes that no row knew: %s; they go after the grace, unless they are used", key
        )
