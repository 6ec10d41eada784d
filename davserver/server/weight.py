"""What each worker holds of memory: one that has grown is followed by a fresh one."""

import math
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

LOOK = 60.0  # seconds from one look to the next
LOOKS = 5  # in a row: hashing passwords and large listings take much for a moment


class Weights:
    """The workers that hold more than ``most`` bytes of their own (0: no matter how much).

    The heap of a process that serves for months gets holes: what lives long comes to lie between
    what does not, and neither Python nor the C library can give back what is between. On systems
    that do not tell what a process holds, nobody is too heavy.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.next_look = time.monotonic() + LOOK if most else math.inf
        self._held: dict[int, deque[int]] = {}

    def heavy(self, workers: Iterable[int]) -> list[int]:
        """Those of ``workers`` (process ids) that held more at each of the last looks; none before
        ``next_look``, on the monotonic clock."""
        if time.monotonic() < self.next_look:
            return []
        self.next_look = time.monotonic() + LOOK
        before, self._held = self._held, {}
        for pid in workers:
            self._held[pid] = before.get(pid, deque(maxlen=LOOKS))
            self._held[pid].append(_held(pid))
        return [
            pid for pid, held in self._held.items() if len(held) == LOOKS and min(held) > self.most
        ]


def _held(pid: int) -> int:
    """The bytes that a process has for itself alone, as Linux tells them; 0 elsewhere."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    anonymous = [line.split()[1] for line in lines if line.startswith("RssAnon:")]
    return int(anonymous[0]) * 1_024 if anonymous else 0
