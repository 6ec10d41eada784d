"""The blob store in a local directory.

``spool/`` takes bytes in; a complete file is flushed, renamed into ``blobs/xx/key`` and its
directory flushed, so that a key that was given out names whole bytes after any crash. A marker file
tells the store of this site from an empty mount point.
"""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from davserver.errors import Full, Unavailable
from davserver.storage import Stored

BLOCK = 1 << 18  # bytes read at once
MARKER = "blobs-of-davserver"


class DirectoryIncoming:
    """A spool file; see :class:`davserver.storage.Incoming`."""

    def __init__(self, store: "DirectoryBlobStore") -> None:
        self._store = store
        self._path = store.spool / secrets.token_hex(16)
        self._hash = hashlib.sha256()
        self._kept = False
        self.size = 0
        with _faults():
            self._file = self._path.open("xb", buffering=0)

    def write(self, block: bytes) -> None:
        with _faults():
            view = memoryview(block)
            while view:
                view = view[self._file.write(view) :]
        self._hash.update(block)
        self.size += len(block)

    def keep(self) -> Stored:
        key = secrets.token_hex(20)
        target = self._store.path(key)
        with _faults():
            os.fsync(self._file.fileno())
            self._file.close()
            if not target.parent.is_dir():
                target.parent.mkdir(exist_ok=True)
                flush_directory(self._store.blobs)
            self._path.rename(target)
            self._kept = True
            flush_directory(target.parent)
        return Stored(key, self.size, self._hash.hexdigest())

    def drop(self) -> None:
        # What a broken disk does not let go is the sweep's; the fault itself has been told.
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            if not self._kept:
                self._path.unlink(missing_ok=True)


class DirectoryBlobStore:
    """Blobs in ``root``; see :class:`davserver.storage.BlobStore`."""

    def __init__(self, root: Path) -> None:
        self.spool = root / "spool"
        self.blobs = root / "blobs"

    def create(self) -> None:
        """Make the directories and the marker; does nothing to a store that is there."""
        for directory in (self.spool, self.blobs):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.blobs / MARKER).touch()
        flush_directory(self.blobs)
        flush_directory(self.blobs.parent)

    def path(self, key: str) -> Path:
        return self.blobs / key[:2] / key

    def receive(self) -> DirectoryIncoming:
        self._require()
        return DirectoryIncoming(self)

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        self._require()
        try:
            file = self.path(key).open("rb")
        except OSError as error:
            # The row says that it exists: a missing blob is a fault of the store, not an absence.
            raise Unavailable("Ce fichier est momentanément illisible.") from error
        return _blocks(file, start, length)

    def remove(self, key: str) -> None:
        self._require()
        self.path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[tuple[str, datetime]]:
        self._require()
        for shelf in self.blobs.iterdir():
            if shelf.is_dir():
                for file in shelf.iterdir():
                    with contextlib.suppress(FileNotFoundError):  # another process sweeps too
                        yield file.name, datetime.fromtimestamp(file.stat().st_mtime, UTC)

    def drop_unfinished(self, before: datetime) -> None:
        self._require()
        for file in self.spool.iterdir():
            if file.stat().st_mtime < before.timestamp():
                file.unlink(missing_ok=True)

    def ready(self) -> bool:
        try:
            return (self.blobs / MARKER).is_file() and self.spool.is_dir()
        except OSError:  # a disk that cannot even be asked
            return False

    def _require(self) -> None:
        if not self.ready():
            raise Unavailable("Le stockage des pièces est momentanément indisponible.")


def _blocks(file: BinaryIO, start: int, length: int | None) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = length
        while left is None or left > 0:
            try:
                block = file.read(BLOCK if left is None else min(BLOCK, left))
            except OSError as error:
                raise Unavailable("Ce fichier est momentanément illisible.") from error
            if not block:
                break
            if left is not None:
                left -= len(block)
            yield block


@contextlib.contextmanager
def _faults() -> Iterator[None]:
    """Disk faults as problems that people understand."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Full("Le serveur n'a plus de place : rien n'a été enregistré.") from error
        raise Unavailable("Le stockage des pièces est momentanément indisponible.") from error


def write_durably(path: Path, text: str) -> None:
    """Make a small file that is whole, or not there, after a power cut."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    flush_directory(path.parent)


def flush_directory(directory: Path) -> None:
    """Make the names in ``directory`` durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
