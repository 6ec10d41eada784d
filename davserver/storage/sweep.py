"""The one place that deletes bytes: blobs that no file has named for a time of grace.

Absence is never inferred from failure: the sweep runs only while the database and the store both
answer and are of one site, and a row goes before its bytes.
"""

import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import delete, exists, select, update
from sqlalchemy.exc import IntegrityError

from davserver.errors import Unavailable
from davserver.model import Blob, Node, SiteIdentity
from davserver.model.database import Database
from davserver.storage import BlobStore

BATCH = 500  # blobs per transaction, and looked up together
_NAMED = exists().where(Node.blob_id == Blob.id)

log = logging.getLogger(__name__)


def sweep(database: Database, blobs: BlobStore, now: datetime, grace: timedelta) -> int:
    """Delete what has been unused since before ``now - grace``. Returns how many blobs went.

    A transfer that is under way lasts less than the grace, and names its blob when it commits.
    Bytes that no row knows get one, and another grace: beside an older database that was put back
    they are what came after it. Raises Unavailable when the rows or the bytes are away, or not of
    the same site.
    """
    _require_one_site(database, blobs)
    before = now - grace
    _note_unused(database, now)
    gone = 0
    while keys := _forget_rows(database, before):
        for key in keys:
            blobs.remove(key)
        gone += len(keys)
    stored = blobs.keys()
    old = (key for key, kept in stored if kept < before)
    while some := list(islice(old, BATCH)):
        for key in _unknown(database, some):
            _make_known(database, blobs, key, now)
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


def _unknown(database: Database, keys: Sequence[str]) -> list[str]:
    """Those of ``keys`` that no row knows."""
    with database.reading() as session:
        known = set(session.scalars(select(Blob.key).where(Blob.key.in_(keys))))
    return [key for key in keys if key not in known]


def _make_known(database: Database, blobs: BlobStore, key: str, now: datetime) -> None:
    """Give bytes the row that they lack; another process may do so, or delete them, meanwhile."""
    size, digest = 0, hashlib.sha256()
    with suppress(Unavailable, IntegrityError):
        for block in blobs.read(key):
            size += len(block)
            digest.update(block)
        with database.writing() as session:
            session.add(
                Blob(
                    key=key, size=size, sha256=digest.hexdigest(), created=now, unused_since=now
                )
            )  # fmt: skip
        log.warning(
            "bytes that no row knew: %s; they go after the grace, unless they are used", key
        )
