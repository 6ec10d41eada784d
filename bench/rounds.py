"""Measuring in turn: each round asks every server once, each time in another order."""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.load import Wrong
from bench.peers import Peer
from bench.workloads import Terms, Workload

PAUSE = 0.3  # seconds between two turns


@dataclass
class Row:
    """The figures of one workload: of each server one a round, or why it has none."""

    workload: Workload
    figures: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def median(self, peer: str) -> float | None:
        return statistics.median(self.figures[peer]) if self.figures.get(peer) else None

    def ratio(self, peer: str, other: str) -> float | None:
        """How many times as much: the median of the rounds' own ratios."""
        ours, theirs = self.figures.get(peer, []), self.figures.get(other, [])
        if not ours or len(ours) != len(theirs):
            return None
        return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def all_measured(
    workloads: Sequence[Workload], peers: Sequence[Peer], terms: Terms, rounds: int
) -> list[Row]:
    """As :func:`measured`, one workload after the other; says which is being done."""
    rows = []
    for workload in workloads:
        print(workload.title, file=sys.stderr)
        rows.append(measured(workload, peers, terms, rounds))
    return rows


def measured(workload: Workload, peers: Sequence[Peer], terms: Terms, rounds: int) -> Row:
    """Do a workload on all servers, round by round. One that answers wrongly has no figure."""
    row = Row(workload)
    for number in range(rounds):
        shift = number % len(peers)
        for peer in (*peers[shift:], *peers[:shift]):
            if peer.name in row.failures:
                continue
            try:
                figure = workload.run(peer, terms)
            except (Wrong, OSError) as problem:
                row.failures[peer.name] = str(problem)
                row.figures.pop(peer.name, None)
                print(f"  {peer.name}: {problem}", file=sys.stderr)
                continue
            row.figures.setdefault(peer.name, []).append(figure)
            print(f"  {peer.name}: {figure:,.1f} {workload.unit}", file=sys.stderr)
            peer.tidy()
            time.sleep(PAUSE)
    return row
