"""Request bodies as ``wsgi.input`` gives them: bounded, and incomplete only in a visible way.

They are raw streams; ``io.BufferedReader`` around one makes the file that an application reads.
"""

import errno
import io
import re
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from davserver.server.streams import Incoming

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# A refused body up to this size is read and thrown away, and the connection lives on: KDE sends a
# whole file to be told that it must log in, and calls a connection that ends meanwhile broken.
DISCARDED = 64 << 20  # bytes
_DISCARDING = 15.0  # seconds at most
_DISCARDED_AT_ONCE = 65_536  # bytes
_LONGEST_LINE = 1_024  # bytes: a chunk size with its extensions, or one trailer
_LONGEST_TRAILERS = 16_384  # bytes
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00-\x08\x0a-\x1f\x7f]*\r\n")


class BrokenBody(OSError):
    """A chunked body that is malformed or cut off: what was read of it is not the whole."""


class BodyTooLarge(BrokenBody):
    """A chunked body that passes the largest size; ``errno`` is EFBIG."""

    def __init__(self) -> None:
        super().__init__(errno.EFBIG, "the body passes the largest size")


class Body(io.RawIOBase):
    """A request body on ``incoming``. ``invite``, if any, is called when it is first asked for."""

    def __init__(self, incoming: Incoming, invite: Callable[[], None] | None) -> None:
        self._incoming = incoming
        self._invite = invite
        self._lost = False  # what was left of it was not for the application any more

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Wait for some bytes; 0 at the end.

        Raises BrokenBody, also once ``finish`` has thrown away the rest, and what the stream raises
        for a client that is slow or gone.
        """
        if self._lost:
            raise BrokenBody("the answer has begun, the rest of the body is gone")
        view = memoryview(buffer).cast("B")
        if self.complete or not view:
            return 0
        if self._invite is not None:
            invite, self._invite = self._invite, None
            invite()
        return self._take(view)

    def finish(self) -> bool:
        """Throw away what is left, up to a bound; whether the next request can follow.

        To be called before the head of the answer is written: many clients read only once they
        have sent all. Nothing is waited for from a client that still waits for its invitation.
        """
        self._lost = not self.complete
        try:
            return self._discard()
        except OSError:
            return False

    @property
    @abstractmethod
    def complete(self) -> bool:
        """Whether the last byte of the body was taken from the stream."""

    @abstractmethod
    def _take(self, view: memoryview) -> int:
        """Take some bytes of a body that is not complete; 0 where it ends."""

    def _discard(self) -> bool:
        if self.complete:
            return True
        if self._invite is not None:
            return False
        thrown, end = 0, time.monotonic() + _DISCARDING
        scratch = memoryview(bytearray(_DISCARDED_AT_ONCE))
        while thrown <= DISCARDED and time.monotonic() < end and (count := self._take(scratch)):
            thrown += count
        return self.complete


class SizedBody(Body):
    """A body of ``length`` bytes. One that is cut off simply ends early: compare lengths."""

    def __init__(
        self, incoming: Incoming, length: int, invite: Callable[[], None] | None = None
    ) -> None:
        super().__init__(incoming, invite)
        self._left = length

    @property
    def complete(self) -> bool:
        return self._left == 0

    def _take(self, view: memoryview) -> int:
        count = self._incoming.readinto(view[: self._left])
        self._left -= count
        return count

    def _discard(self) -> bool:
        return self._left <= DISCARDED and super()._discard()


class ChunkedBody(Body):
    """A body in the chunked coding, of at most ``most`` bytes, its trailers read and dropped.

    Raises BrokenBody where it is cut off or is not what RFC 9112 §7.1 says, to the letter.
    """

    def __init__(
        self, incoming: Incoming, most: int, invite: Callable[[], None] | None = None
    ) -> None:
        super().__init__(incoming, invite)
        self._most = most
        self._left = 0  # bytes of the present chunk
        self._begun = False
        self._complete = False
        self._broken = False

    @property
    def complete(self) -> bool:
        return self._complete

    def _take(self, view: memoryview) -> int:
        if self._broken:
            raise BrokenBody("the body broke off")
        # Until this call has gone well, the place in the stream is unknown.
        self._broken = True
        count = self._take_of_chunk(view)
        self._broken = False
        return count

    def _take_of_chunk(self, view: memoryview) -> int:
        if not self._left and not self._next_chunk():
            return 0
        count = self._incoming.readinto(view[: self._left])
        if not count:
            raise BrokenBody("the body is cut off")
        self._left -= count
        return count

    def _next_chunk(self) -> bool:
        if self._begun and self._incoming.readline(2) != b"\r\n":
            raise BrokenBody("a chunk does not end where it should")
        self._begun = True
        size = _CHUNK_SIZE.fullmatch(self._incoming.readline(_LONGEST_LINE))
        if not size:
            raise BrokenBody("malformed chunk size")
        self._left = int(size.group(1), 16)
        if self._left > self._most:
            raise BodyTooLarge
        self._most -= self._left
        if not self._left:
            self._drop_trailers()
            self._complete = True
        return not self._complete

    def _drop_trailers(self) -> None:
        dropped = 0
        while (line := self._incoming.readline(_LONGEST_LINE)) != b"\r\n":
            dropped += len(line)
            if not _TRAILER.fullmatch(line) or dropped > _LONGEST_TRAILERS:
                raise BrokenBody("malformed trailer")
