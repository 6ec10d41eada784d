"""Pieces that are proven while they are read: a disk that turns bits must not pass for evidence."""

import hashlib
import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator

from davserver.errors import Unavailable
from davserver.storage import BlobStore, Stored

log = logging.getLogger("davserver.storage")

PROVEN = 3_600.0  # seconds that a piece stays proven in the memory of a process
MOST = 1_000  # pieces that it remembers


class Checked:
    """Reads pieces, whole or in part; shared by the threads of one process.

    The last byte of a piece leaves only when the whole has the size and the hash that its row
    tells: from a damaged one no client puts a file together, neither at once nor part by part.
    """

    def __init__(self) -> None:
        self._proven: OrderedDict[str, float] = OrderedDict()  # keys, and when (monotonic clock)
        self._lock = threading.Lock()

    def read(self, blobs: BlobStore, piece: Stored, start: int, length: int) -> Iterator[bytes]:
        """``length`` bytes from ``start``, in blocks.

        Raises Unavailable when the store is away, and in the place of the last block when the piece
        is damaged; that is logged. A part that does not end the piece is given out as it is stored.
        """
        ends = start + length == piece.size
        if ends and (start == 0 or not self._is_proven(piece.key)):
            return self._proving(blobs, piece, start)
        return blobs.read(piece.key, start, length)

    def _proving(self, blobs: BlobStore, piece: Stored, start: int) -> Iterator[bytes]:
        """From ``start`` to the end, the last block held back until all is proven."""
        digest, size, held = hashlib.sha256(), 0, b""
        for block in blobs.read(piece.key, 0, piece.size):
            digest.update(block)
            if held:
                yield held
            held = block[max(0, start - size) :]
            size += len(block)
        if (size, digest.hexdigest()) != (piece.size, piece.sha256):
            log.error("a piece is damaged", extra={"facts": {"blob": piece.key}})
            raise Unavailable("Ce fichier est endommagé sur le serveur : prévenez son exploitant.")
        self._note(piece.key)
        yield held

    def _is_proven(self, key: str) -> bool:
        with self._lock:
            return time.monotonic() - self._proven.get(key, -math.inf) < PROVEN

    def _note(self, key: str) -> None:
        with self._lock:
            self._proven[key] = time.monotonic()
            self._proven.move_to_end(key)
            if len(self._proven) > MOST:
                self._proven.popitem(last=False)
