"""``./run profile WORKLOAD``: where the time of davserver goes while it is asked.

py-spy looks at all its processes many times a second; printed are the functions that ran most
often, by themselves (self) and with all that they called (total), as shares of the time in which
Python ran.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.__main__ import running
from bench.peers import Peer
from bench.peers.davserver import Davserver
from bench.workloads import WORKLOADS, Terms, Workload

RATE = 250  # looks a second
SHOWN = 40  # functions


def main() -> None:
    """Read the command line, measure, print."""
    names = {workload.name: workload for workload in WORKLOADS}
    parser = argparse.ArgumentParser(prog="./run profile", description=__doc__)
    parser.add_argument("workload", choices=sorted(names))
    parser.add_argument("--seconds", type=float, default=8.0)
    told = parser.parse_args()
    workload = names[told.workload]
    with tempfile.TemporaryDirectory(prefix="davserver-profile-") as name:
        folder = Path(name)
        terms = Terms(told.seconds, folder)
        with running(folder / "site", [Davserver], {}, tls=workload.tls) as peers:
            stacks = looked_at(peers[0], workload, terms, folder / "stacks")
    print(table(stacks))


def looked_at(peer: Peer, workload: Workload, terms: Terms, raw: Path) -> Counter[tuple[str, ...]]:
    """How often each stack of functions was seen, while the workload ran once."""
    looking = subprocess.Popen(
        [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(peer.process),
         "--subprocesses", "--gil", "--rate", str(RATE), "--duration", str(int(terms.seconds) + 1),
         "--format", "raw", "--function", "--output", str(raw)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    figure = workload.run(peer, terms)
    _, complaint = looking.communicate(timeout=120)
    if looking.returncode != 0:
        raise SystemExit(f"py-spy: {complaint.decode(errors='replace')}")
    print(f"{workload.title}: {figure:,.1f} {workload.unit}, while being looked at\n")
    stacks: Counter[tuple[str, ...]] = Counter()
    for line in raw.read_text(encoding="utf-8").splitlines():
        text, _, count = line.rpartition(" ")
        stacks[tuple(text.split(";"))] += int(count)
    return stacks


def table(stacks: Counter[tuple[str, ...]]) -> str:
    """The functions by share."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for stack, count in stacks.items():
        own[stack[-1]] += count
        for function in set(stack):
            total[function] += count
    every = sum(stacks.values())
    lines = ["  self  total  function"]
    chosen = [name for name, _ in own.most_common(SHOWN)]
    chosen += [name for name, _ in total.most_common(SHOWN) if name not in chosen]
    for name in sorted(chosen, key=lambda one: -total[one]):
        lines.append(f"{own[name] / every:6.1%} {total[name] / every:6.1%}  {name}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
