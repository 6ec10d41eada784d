"""The blob store in a local directory.

A complete spool file is flushed, renamed into ``blobs/xx/key`` and its directory flushed, so that a
key that was given out names whole bytes after any crash. A marker file holds the identity of the
site: it tells this site's store from an empty mount point and from another site's.
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from davserver.durable import flush_directory, write_durably
from davserver.errors import Unavailable
from davserver.storage import Stored
from davserver.storage.away import PIECE, away, require
from davserver.storage.spool import Spool, SpoolFile, disk_faults, new_key

BLOCK = 1 << 18  # bytes read at once
MARKER = "blobs-of-davserver"


class DirectoryIncoming(SpoolFile):
    """A spool file that becomes the blob itself; see :class:`davserver.storage.Incoming`."""

    def __init__(self, store: "DirectoryBlobStore") -> None:
        super().__init__(store.spool.free())
        self._store = store

    def keep(self) -> Stored:
        key = new_key()
        target = self._store.path(key)
        self.flush()
        with disk_faults():
            self._store.make_shelf(target.parent)
            self.path.rename(target)
            flush_directory(target.parent)
        return Stored(key, self.size, self.sha256)


class DirectoryBlobStore:
    """The blobs of one site, in ``root``; see :class:`davserver.storage.BlobStore`."""

    def __init__(self, root: Path, identity: str) -> None:
        self._identity = identity
        self.spool = Spool(root / "spool")
        self.blobs = root / "blobs"
        self._shelves: set[Path] = set()

    def owner(self) -> str | None:
        try:
            return (self.blobs / MARKER).read_text().strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise away(error) from error

    def create(self, identity: str) -> None:
        self.spool.create()
        self.blobs.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.owner():
            write_durably(self.blobs / MARKER, identity + "\n")
        flush_directory(self.blobs)
        flush_directory(self.blobs.parent)

    def path(self, key: str) -> Path:
        """The file that holds the bytes of ``key``."""
        return self.blobs / key[:2] / key

    def make_shelf(self, shelf: Path) -> None:
        """Have a folder of blobs that survives a power cut. One that is there may be so new that
        whoever made it has not flushed it yet, or has died before: each process does it once."""
        if shelf not in self._shelves:
            shelf.mkdir(exist_ok=True)
            flush_directory(self.blobs)
            self._shelves.add(shelf)

    def receive(self) -> DirectoryIncoming:
        self.require()
        return DirectoryIncoming(self)

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        self.require()
        try:
            file = open(self.path(key), "rb", opener=_no_link)  # noqa: SIM115 - its reader closes it
        except OSError as error:
            # The row says that it exists: a missing blob is a fault of the store, not an absence.
            raise away(error, PIECE) from error
        return _blocks(file, start, length)

    def remove(self, key: str) -> None:
        self.require()
        self.path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[tuple[str, datetime]]:
        self.require()
        for shelf in self.blobs.iterdir():
            if shelf.is_dir():
                for file in shelf.iterdir():
                    with contextlib.suppress(FileNotFoundError):  # another process sweeps too
                        yield file.name, datetime.fromtimestamp(file.stat().st_mtime, UTC)

    def drop_unfinished(self, before: datetime) -> None:
        self.require()
        self.spool.drop_unfinished(before)

    def ready(self) -> bool:
        try:
            self.require()
        except Unavailable:
            return False
        return True

    def require(self) -> None:
        try:
            require(self.owner(), self._identity, spool=self.spool.ready())
        except OSError as error:  # a disk that cannot even be asked
            raise away(error) from error


def _blocks(file: BinaryIO, start: int, length: int | None) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = length
        while left is None or left > 0:
            try:
                block = file.read(BLOCK if left is None else min(BLOCK, left))
            except OSError as error:
                raise away(error, PIECE) from error
            if not block:
                break
            if left is not None:
                left -= len(block)
            yield block


def _no_link(path: str, flags: int) -> int:
    """Open a blob, never what somebody has put in its place to have another file read."""
    return os.open(path, flags | os.O_NOFOLLOW)
