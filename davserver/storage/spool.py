"""Where bytes come in: a local folder of files without a name, counted and hashed on the way."""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from davserver.errors import Full
from davserver.storage.away import away


class SpoolFile:
    """A new, empty file at ``path`` for bytes on their way in; see
    :class:`davserver.storage.Incoming`. What keeps them, and where, is the store's."""

    def __init__(self, path: Path) -> None:
        """Raises Full or Unavailable."""
        self.path = path
        self.size = 0
        self._hash = hashlib.sha256()
        with disk_faults():
            self._file = path.open("xb", buffering=0)

    @property
    def sha256(self) -> str:
        """The hash of what has come so far (hexadecimal)."""
        return self._hash.hexdigest()

    def write(self, block: bytes) -> None:
        """Add a block. Raises Full when the disk is full."""
        with disk_faults():
            view = memoryview(block)
            while view:
                view = view[self._file.write(view) :]
        self._hash.update(block)
        self.size += len(block)

    def flush(self) -> None:
        """Make what has come survive a power cut, and take no more."""
        with disk_faults():
            os.fsync(self._file.fileno())
        self.close()

    def close(self) -> None:
        """Take no more."""
        with disk_faults():
            self._file.close()

    def drop(self) -> None:
        """Forget the bytes; does nothing where the file has been moved away.

        What a broken disk does not let go is the sweep's; the fault itself has been told.
        """
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


class Spool:
    """The folder of the files on their way in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self) -> None:
        """Make the folder; does nothing to one that is there."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def ready(self) -> bool:
        """Whether the folder is there."""
        return self.folder.is_dir()

    def free(self) -> Path:
        """Where no file is or ever was."""
        return self.folder / secrets.token_hex(16)

    def drop_unfinished(self, before: datetime) -> None:
        """Forget the files to which nothing came since that time."""
        for file in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # it was kept or dropped this moment
                if file.stat().st_mtime < before.timestamp():
                    file.unlink()


def new_key() -> str:
    """A key that no other bytes have or ever had."""
    return secrets.token_hex(20)


@contextlib.contextmanager
def disk_faults() -> Iterator[None]:
    """Faults of the disk as problems that people understand."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Full("Le serveur n'a plus de place : rien n'a été enregistré.") from error
        raise away(error) from error
