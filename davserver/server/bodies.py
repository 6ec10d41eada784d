"""Request bodies as ``wsgi.input`` gives them: bounded, and incomplete only in a visible way.

They are raw streams; ``io.BufferedReader`` around one makes the file that an application reads.
"""

import errno
import io
import re
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from davserver.server.streams import NOT_YET, Incoming

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

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

        Raises BrokenBody, also once the rest is abandoned, and what the stream raises for a client
        that is slow or gone.
        """
        if self._lost:
            raise BrokenBody("the answer has begun, the rest of the body is gone")
        view = memoryview(buffer).cast("B")
        if self.complete or not view:
            return 0
        if self._invite is not None:
            invite, self._invite = self._invite, None
            invite()
        return self.take(view)

    def abandon(self, most: int) -> bool:
        """Have the application done with it, since its answer begins.

        Whether its end can be told and reached: not if more than ``most`` bytes are known to be
        left, or if the client still waits for its invitation to send them.
        """
        self._lost = not self.complete
        return self.complete or (self._invite is None and self._ends_within(most))

    @property
    @abstractmethod
    def complete(self) -> bool:
        """Whether the last byte of the body was taken from the stream."""

    @abstractmethod
    def take(self, view: memoryview) -> int:
        """Take some bytes of a body that is not complete; 0 where it ends, or is cut off.

        Raises what the stream raises. What a stream that does not block raises while nothing is
        there changes nothing: it can be asked again.
        """

    @abstractmethod
    def _ends_within(self, most: int) -> bool:
        """Whether as far as is known the end is at most ``most`` bytes away."""


class SizedBody(Body):
    """A body of ``length`` bytes. One that is cut off simply ends early: compare lengths."""

    def __init__(
        self, incoming: Incoming, length: int, invite: Callable[[], None] | None = None
    ) -> None:
        super().__init__(incoming, invite)
        self._left = length
        self._cut = False

    @property
    def complete(self) -> bool:
        return self._left == 0

    def take(self, view: memoryview) -> int:
        count = self._incoming.readinto(view[: self._left])
        self._left -= count
        self._cut = not count
        return count

    def _ends_within(self, most: int) -> bool:
        return not self._cut and self._left <= most


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
        self._trailers = 0  # bytes
        self._complete = False
        self._broken = False
        self._next = ChunkedBody._read_size  # what is to be read between two chunks

    @property
    def complete(self) -> bool:
        return self._complete

    def take(self, view: memoryview) -> int:
        if self._broken:
            raise BrokenBody("the body broke off")
        try:
            return self._take_of_chunk(view)
        except NOT_YET:
            raise
        except OSError:
            self._broken = True  # the place in the stream is unknown from here on
            raise

    def _ends_within(self, most: int) -> bool:
        return not self._broken and self._left <= most

    def _take_of_chunk(self, view: memoryview) -> int:
        # Each of these reads one line, or nothing.
        while not self._left and not self._complete:
            self._next(self)
        if self._complete:
            return 0
        count = self._incoming.readinto(view[: self._left])
        if not count:
            raise BrokenBody("the body is cut off")
        self._left -= count
        return count

    def _read_size(self) -> None:
        size = _CHUNK_SIZE.fullmatch(self._incoming.readline(_LONGEST_LINE))
        if not size:
            raise BrokenBody("malformed chunk size")
        self._left = int(size.group(1), 16)
        if self._left > self._most:
            raise BodyTooLarge
        self._most -= self._left
        self._next = ChunkedBody._read_end_of_chunk if self._left else ChunkedBody._drop_trailer

    def _read_end_of_chunk(self) -> None:
        if self._incoming.readline(2) != b"\r\n":
            raise BrokenBody("a chunk does not end where it should")
        self._next = ChunkedBody._read_size

    def _drop_trailer(self) -> None:
        line = self._incoming.readline(_LONGEST_LINE)
        if line == b"\r\n":
            self._complete = True
            return
        self._trailers += len(line)
        if not _TRAILER.fullmatch(line) or self._trailers > _LONGEST_TRAILERS:
            raise BrokenBody("malformed trailer")
