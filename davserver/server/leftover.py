"""The rest of a body that nobody reads, thrown away as it comes."""

import time

from davserver.server.bodies import Body
from davserver.server.streams import NOT_YET, ClientGone, ClientTooSlow, Incoming, Pace

# KDE sends a whole file to be told that it must log in, and reads the answer only then; it calls a
# connection that ends meanwhile broken. So what it sends is taken, up to the largest video of a
# visit and to what a slow line can send in an hour. It costs no thread.
DISCARDED = 1 << 29  # bytes
_LONGEST = 3_600.0  # seconds
_IN_A_TURN = 262_144  # bytes: then it is the turn of others,
_TAKES_IN_A_TURN = 256  # or after so many chunks
_TAKES = 65_536  # in all so many chunks, and one more for each…
_LEAST_TAKEN = 1_024  # … bytes

_SCRATCH = memoryview(bytearray(65_536))  # of all connections: nobody reads what is in it


class Leftover:
    """What is left of ``body`` on ``incoming``, whose socket does not block.

    Bounded in bytes, in time, by ``pace``, and by the work that it makes.
    """

    def __init__(self, incoming: Incoming, body: Body, pace: Pace) -> None:
        self._incoming = incoming
        self._body = body
        self._pace = pace
        self._looked = time.monotonic()
        self._thrown = 0
        self._takes = 0
        self.end = self._looked + _LONGEST  # on the monotonic clock

    def throw_away(self) -> bool:
        """Take what has come by now, or a turn's part of it; whether nothing is left.

        Raises ClientTooSlow when it is not worth going on, BrokenBody when its end cannot be told,
        ClientGone.
        """
        before, takes = self._thrown, self._takes
        try:
            while not self._body.complete:
                over = (
                    self._thrown - before >= _IN_A_TURN or self._takes - takes >= _TAKES_IN_A_TURN
                )
                # What is at hand must go in any case: the loop would not hear of it again.
                self._incoming.only_at_hand = over
                count = self._body.take(_SCRATCH)
                if not count and not self._body.complete:
                    raise ClientGone
                self._thrown += count
                self._takes += 1
        except NOT_YET:
            self._judge(self._thrown - before)
            return False
        finally:
            self._incoming.only_at_hand = False
        return True

    def _judge(self, received: int) -> None:
        now = time.monotonic()
        waited, self._looked = now - self._looked, now
        self._pace.note(waited, received)
        laborious = self._takes > _TAKES + self._thrown // _LEAST_TAKEN
        if self._thrown > DISCARDED or now > self.end or laborious:
            raise ClientTooSlow
