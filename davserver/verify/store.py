"""The bytes themselves: read after the rows, while the site may go on."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import select

from davserver.errors import Unavailable
from davserver.model import Blob
from davserver.model.database import Database
from davserver.site import Site
from davserver.storage import BlobStore
from davserver.verify.rows import Kept

SECOND_LOOK = 2.0  # seconds: a sweep forgets a row first, and deletes its bytes at once


def faults(database: Database, blobs: BlobStore, kept: list[Kept], *, quick: bool) -> Iterator[str]:
    """The bytes of each row are there, as many and the same."""
    for one in kept:
        fault = _size_fault(blobs, one) if quick else _hash_fault(blobs, one)
        if fault is not None and _has_row(database, one.key):
            yield f"blob {one.key} ({one.place}): {fault}"


def _hash_fault(blobs: BlobStore, one: Kept) -> str | None:
    size, digest = 0, hashlib.sha256()
    try:
        for block in blobs.read(one.key):
            size += len(block)
            digest.update(block)
    except (Unavailable, OSError):
        return "its bytes cannot be read"
    if size != one.size:
        return f"{size} bytes instead of {one.size}"
    return None if digest.hexdigest() == one.sha256 else "its bytes were changed"


def _size_fault(blobs: BlobStore, one: Kept) -> str | None:
    try:
        last = b"".join(blobs.read(one.key, max(0, one.size - 1), 2))
    except (Unavailable, OSError):
        return "its bytes cannot be read"
    return None if len(last) == min(one.size, 1) else f"not {one.size} bytes"


def unknown(site: Site, known: set[str]) -> dict[str, datetime]:
    """The keys of bytes that had no row when the rows were read, and when they were kept."""
    return {key: kept for key, kept in _keys(site) if key not in known}


def orphans(site: Site, suspects: Mapping[str, datetime]) -> tuple[list[str], list[str]]:
    """Those of ``suspects`` that are still there, and still without a row: those that the sweep
    should have deleted, and the younger ones, which it will. These are what a cut upload has left,
    or pieces whose rows are gone: rows of an older day were put back."""
    if not suspects:
        return [], []
    time.sleep(SECOND_LOOK)
    there = {key for key, _ in _keys(site)}
    left = [key for key in sorted(suspects.keys() & there) if not _has_row(site.database, key)]
    grace = timedelta(seconds=site.settings.storage.orphan_grace)
    old, young = [], []
    for key in left:
        end = suspects[key] + grace
        if end < site.clock():
            old.append(f"blob {key}: bytes that no row names; the sweep should have deleted them")
        else:
            young.append(
                f"blob {key}: bytes that no row names; kept until {end:%Y-%m-%d %H:%M} UTC"
            )
    return old, young


def _keys(site: Site) -> Iterator[tuple[str, datetime]]:
    """Every key of the store with the time it was kept."""
    store: BlobStore = site.blobs
    yield from store.keys()


def _has_row(database: Database, key: str) -> bool:
    with database.reading() as session:
        return session.scalar(select(Blob.id).where(Blob.key == key)) is not None
