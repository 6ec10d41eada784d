"""``./run growth``: sites of several sizes side by side, in turn, and what the largest one holds.

Each workload in turn on the site of each size, all of them served (A B C, B C A, …). What is kept
in memory while nothing is committed would hide what rows cost: so some requests are sent after a
change of something else each, and their time alone counts.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from bench import crowding, files, machine, report
from bench.crowding import Crowding
from bench.load import Ask, Wrong, many
from bench.machine import Machine
from bench.peers import Peer
from bench.rounds import Row, all_measured
from bench.sites import EMPTY, FULL, Grown, Scale
from bench.workloads import CREATED, WORKLOADS, Terms, Workload, moving

SIZES = (1_000, 100_000, 1_000_000)  # pieces
MOVED = 10_000  # pieces of the folder that is moved
GOAL = 1.2  # times as long as on the smallest site, at most


def after_a_change(method: str, *path: str, depth: str = "0", status: int) -> Callable[..., float]:
    """A request whose answer nobody keeps, since a document was replaced just before; answers a
    second, replacing not counted."""

    def run(peer: Peer, terms: Terms) -> float:
        door = peer.door()
        note = urlsplit(peer.url(files.UPLOADS, "note.txt")).path
        where = urlsplit(peer.url(*path)).path
        count, spent, end = 0, 0.0, time.monotonic() + terms.seconds
        while time.monotonic() < end:
            door.request("PUT", note, f"{count}", headers=files.OWNER.authorization)
            reply = door.getresponse()
            reply.read()
            if reply.status not in (201, 204):
                raise Wrong(f"PUT {note}: {reply.status}")
            begun = time.monotonic()
            door.request(method, where, headers={**files.OWNER.authorization, "Depth": depth})
            reply = door.getresponse()
            reply.read()
            spent += time.monotonic() - begun
            if reply.status != status:
                raise Wrong(f"{method} {where}: {reply.status}")
            count += 1
        door.close()
        return count / spent

    return run


def deposit(peer: Peer, terms: Terms) -> float:
    """PUT of 100 KiB into a mailbox under ever new names, by its lawyer; answers a second."""
    box = peer.boxes(1)[0]
    ask = Ask("PUT", f"{box.url}%d.pdf", CREATED, body=terms.small, people=(box.person,))
    return many(ask, seconds=terms.seconds, first=time.monotonic_ns() // 1_000)


_SAME = ("propfind-1", "propfind-0", "get-4k", "users", "put-100k")
_INTO = files.UPLOADS
WORKLOADS_OF_GROWTH = (
    *(workload for workload in WORKLOADS if workload.name in _SAME),
    Workload("changed-root", "PROPFIND Depth 1 of the drive, after a change", "/s",
             after_a_change("PROPFIND", depth="1", status=207), {}),
    Workload("changed-1", "PROPFIND Depth 1 of 1,000 members, after a change", "/s",
             after_a_change("PROPFIND", files.LISTING, "", depth="1", status=207), {}),
    Workload("changed-0", "PROPFIND Depth 0, after a change", "/s",
             after_a_change("PROPFIND", files.LISTING, "", status=207), {}),
    Workload("changed-get", "GET 4 KiB, after a change", "/s",
             after_a_change("GET", files.LISTING, files.listed_name(7), status=200), {}),
    Workload("rename-empty", "MOVE of the empty folder, to another name", "/s",
             moving(EMPTY, to=(f"{EMPTY} moved",)), {}),
    Workload("rename-full", "MOVE of the full folder, to another name", "/s",
             moving(FULL, to=(f"{FULL} moved",)), {}),
    Workload("move-empty", "MOVE of the empty folder, into another folder", "/s",
             moving(EMPTY, to=(_INTO, EMPTY)), {}),
    Workload("move-full", "MOVE of the full folder, into another folder", "/s",
             moving(FULL, to=(_INTO, FULL)), {}),
    Workload("deposit", "PUT 100 KiB into a mailbox", "/s", deposit, {}),
)  # fmt: skip
BESIDE = {"rename-full": "rename-empty", "move-full": "move-empty"}
"""Which workload is to be as fast as which other one, on each site."""
NAMES = [workload.name for workload in WORKLOADS_OF_GROWTH]


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="./run growth", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(NAMES))
    parser.add_argument("--pieces", type=int, nargs="+", default=list(SIZES), metavar="N")
    parser.add_argument("--moved", type=int, default=MOVED, help="pieces of the moved folder")
    parser.add_argument("--idle", type=int, default=crowding.IDLE, help="connections held")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one turn")
    parser.add_argument("--write", type=Path, help="folder for growth.md and growth.json")
    told = parser.parse_args()
    if unknown := set(told.workloads) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    wanted = [w for w in WORKLOADS_OF_GROWTH if not told.workloads or w.name in told.workloads]
    with tempfile.TemporaryDirectory(prefix="davserver-growth-") as name:
        folder = Path(name)
        described = machine.described(folder)
        terms = Terms(told.seconds, folder)
        with ExitStack() as stack:
            sites = []
            for pieces in sorted(set(told.pieces)):
                site = Grown(folder / str(pieces), Scale.of(pieces), moved=told.moved)
                stack.callback(site.stop)
                begun = time.monotonic()
                site.start()
                print(f"{site.name}: made in {time.monotonic() - begun:.0f} s", file=sys.stderr)
                sites.append(site)
            rows = all_measured(wanted, sites, terms, told.rounds)
        held = crowding.measured(sites[-1], terms, told.idle)
    how = (
        f"{told.rounds} rounds of {told.seconds:g} s, medians; ratios are medians of rounds. "
        f"The full folder holds {told.moved:,} pieces."
    )
    table = markdown(described, [site.scale for site in sites], rows, held, how)
    report.publish(table, as_json(described, rows, held), told.write, "growth")


def markdown(machine: Machine, scales: Sequence[Scale], rows: Sequence[Row], held: Crowding,
             how: str) -> str:  # fmt: skip
    """The tables: medians on each site, and how much longer a request takes on a larger one; a
    folder of many pieces beside an empty one; memory and idle connections."""
    small, *larger = [scale.name for scale in scales]
    lines = [
        report.heading(machine, how),
        "",
        *(
            f"- {scale.name}: {scale.dossiers:,} dossiers, {scale.people:,} people"
            for scale in scales
        ),
        "",
        "| | "
        + " | ".join([small, *larger, *(f"times as long: {name}" for name in larger)])
        + " |",
        "|---" * (2 + 2 * len(larger)) + "|",
    ]
    for row in rows:
        unit = row.workload.unit
        cells = [report.figure(row.median(name), unit) for name in (small, *larger)]
        cells += [_times(row.ratio(small, name)) for name in larger]
        lines.append(f"| {row.workload.title} {unit} | " + " | ".join(cells) + " |")
    by_name = {row.workload.name: row for row in rows}
    for full, empty in BESIDE.items():
        if full in by_name and empty in by_name:
            both = [(name, by_name[empty], by_name[full]) for name in (small, *larger)]
            told = [
                f"{name}: {_times(_quotient(none.median(name), whole.median(name)))}"
                for name, none, whole in both
            ]
            title = by_name[full].workload.title
            lines += ["", f"{title}, times as long as of the empty one: {', '.join(told)}"]
    return "\n".join([*lines, *report.failures(rows), "", *crowding.lines(held)]) + "\n"


def _quotient(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None


def _times(ratio: float | None) -> str:
    """How many times as long, and whether it is within the goal."""
    if ratio is None:
        return "–"
    return f"{ratio:.2f}" + (" ✓" if ratio <= GOAL else "")


def as_json(machine: Machine, rows: Sequence[Row], held: Crowding) -> str:
    """All figures of all rounds."""
    told: Mapping[str, object] = json.loads(report.as_json(machine, rows, {}))
    return json.dumps({**told, "crowding": held.as_facts()}, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
