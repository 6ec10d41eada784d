"""The blob store: immutable bytes under keys that the store makes.

A port of seven methods. :mod:`davserver.storage.directory` keeps the bytes in a local folder,
:mod:`davserver.storage.objects` in an S3 store; both take them in through the local
:mod:`davserver.storage.spool`. No name that a person chose ever reaches it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Stored:
    """Bytes that are kept: their key, size (bytes) and SHA-256 (hexadecimal)."""

    key: str
    size: int
    sha256: str


class Incoming(Protocol):
    """Bytes on their way in: counted and hashed as they come, seen by nobody."""

    @property
    def size(self) -> int:
        """How many bytes have come."""

    def write(self, block: bytes) -> None:
        """Add a block. Raises Full when the disk is full."""

    def keep(self) -> Stored:
        """Make the bytes durable under a new key; when this returns they survive a power cut."""

    def drop(self) -> None:
        """Forget the bytes; does nothing after :meth:`keep`."""


class BlobStore(Protocol):
    """Immutable bytes. Any method raises Unavailable when the store is away, never "absent"."""

    def owner(self) -> str | None:
        """The identity of the site whose store this is; None where there is no store yet."""

    def create(self, identity: str) -> None:
        """Make it the store of the site of this identity; one that is there stays as it is."""

    def receive(self) -> Incoming:
        """Begin to take bytes in."""

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start``, in blocks. Opening errors are raised at once, not at the first
        block."""

    def remove(self, key: str) -> None:
        """Delete the bytes. Called by the sweep alone (:mod:`davserver.storage.sweep`)."""

    def keys(self) -> Iterator[tuple[str, datetime]]:
        """Every key with the time it was kept, in no order."""

    def drop_unfinished(self, before: datetime) -> None:
        """Forget bytes that began to come in before that time and were never kept."""

    def require(self) -> None:
        """Raise Unavailable unless this is the store of the site, as it was a moment ago."""

    def ready(self) -> bool:
        """Whether the store answers and is the one of this site."""
