"""``python -m bench.nodes``: one node and two, on PostgreSQL and S3, behind the shipped HAProxy.

The same workloads as ``./run bench``, in turn on davserver without a proxy, with one node behind it
and with two; all on one machine, which PostgreSQL, SeaweedFS, HAProxy and the clients share. So two
nodes show what several cost; what they bring shows where each has a machine of its own.
"""

import argparse
import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from bench import machine, report
from bench.__main__ import running
from bench.peers import Absent, Peer, Tls, program
from bench.peers.davserver import Davserver
from bench.rounds import Row, all_measured
from bench.workloads import WORKLOADS, Terms, Workload
from davserver.settings import Settings
from tests import backends
from tests.haproxy import HaProxy
from tests.nginx import BEHIND
from tests.ports import free_port

_START = 60.0  # seconds
_BY_RCLONE = ("eve", "morning")
# With the address of HAProxy they would have to say that they came by TLS.
_STRAIGHT = ("127.0.0.2", 0)


class Scaled(Davserver):
    """davserver on PostgreSQL and S3, without a proxy."""

    name = "no proxy"

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **backends.environment(self.folder / "data")}

    def settings(self) -> Settings:
        return backends.settings(self.folder / "data")


class OneNode(Scaled):
    """The same behind HAProxy."""

    name = "1 node"
    number = 1

    def __init__(self, folder: Path, tls: Tls | None = None) -> None:
        super().__init__(folder, tls)
        self._others: list[subprocess.Popen[bytes]] = []
        self._proxy: HaProxy | None = None

    @property
    def origin(self) -> str:
        return self._proxy.url if self._proxy else super().origin

    def environment(self) -> dict[str, str]:
        return {**super().environment(), **BEHIND}

    def door(self) -> http.client.HTTPConnection:
        if self._proxy is None:
            address = urlsplit(self.origin).netloc
            return http.client.HTTPConnection(address, timeout=120, source_address=_STRAIGHT)
        return super().door()

    def start(self) -> None:
        program("haproxy")
        super().start()
        ports = [self.port, *(self._start_another(one) for one in range(1, self.number))]
        self._proxy = HaProxy([_Listening(port) for port in ports], self.folder).start()
        self.tls = Tls(self._proxy.certificate, self._proxy.certificate, self._proxy.authority)

    def stop(self) -> None:
        if self._proxy is not None:
            self._proxy.stop()
        for process in self._others:
            process.terminate()
            process.wait(timeout=60)
        super().stop()

    def _start_another(self, number: int) -> int:
        """Serve the site on another port, from a data folder of its own; the port."""
        data, port = str(self.folder / f"node {number}"), free_port()
        davserver = [sys.executable, "-m", "davserver"]
        with (self.folder / f"node {number}.log").open("wb") as log:
            subprocess.run(
                [*davserver, "init", "--data", data],
                env=self.environment(), stdout=log, stderr=log, check=True,
            )  # fmt: skip
            process = subprocess.Popen(
                [*davserver, "serve", "--data", data, "--port", str(port)],
                env=self.environment(), stdout=log, stderr=log,
            )  # fmt: skip
        self._others.append(process)
        end = time.monotonic() + _START
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > end:
                raise Absent(f"node {number} did not start")
            time.sleep(0.1)
        return port


class TwoNodes(OneNode):
    """Two nodes behind it."""

    name = "2 nodes"
    number = 2


class _Listening:
    """Where a node listens."""

    def __init__(self, port: int) -> None:
        self.port = port


def _answers(port: int) -> bool:
    door = http.client.HTTPConnection("127.0.0.1", port, timeout=5, source_address=_STRAIGHT)
    try:
        door.request("GET", "/healthz")
        return door.getresponse().status == 200
    except OSError:
        return False
    finally:
        door.close()


def _trusting(workload: Workload) -> Workload:
    """The same for rclone, which has to know who signed the certificate of the proxy."""

    def run(peer: Peer, terms: Terms) -> float:
        with _changed("RCLONE_CA_CERT", str(peer.tls.authority) if peer.tls else ""):
            return workload.run(peer, terms)

    return replace(workload, run=run)


@contextmanager
def _changed(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


PEERS: tuple[type[Peer], ...] = (Scaled, OneNode, TwoNodes)
ROWS: tuple[Workload, ...] = tuple(
    _trusting(one) if one.name in _BY_RCLONE else one for one in WORKLOADS if not one.tls
)


def main() -> None:
    """Read the command line, measure, print."""
    names = [workload.name for workload in ROWS]
    parser = argparse.ArgumentParser(prog="python -m bench.nodes", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one turn")
    parser.add_argument("--write", type=Path, help="folder for nodes.md and nodes.json")
    told = parser.parse_args()
    if unknown := [*set(told.workloads) - set(names)]:
        parser.error(f"unknown: {', '.join(unknown)}")
    wanted = [one for one in ROWS if not told.workloads or one.name in told.workloads]
    services = backends.Services()
    os.environ[backends.CHOSEN] = backends.SCALED
    services.start()
    try:
        with tempfile.TemporaryDirectory(prefix="davserver-bench-") as name:
            folder, absent = Path(name), dict[str, str]()
            described = machine.described(folder)
            with running(folder / "sites", PEERS, absent, tls=False) as peers:
                rows = all_measured(wanted, peers, Terms(told.seconds, folder), told.rounds)
    finally:
        services.stop()
    how = f"All on one machine. {told.rounds} rounds of {told.seconds:g} s, medians."
    shown = table(described, [peer.name for peer in peers], rows, how)
    report.publish(shown, report.as_json(described, rows, absent), told.write, "nodes")


def table(described: machine.Machine, names: Sequence[str], rows: Sequence[Row], how: str) -> str:
    """The medians, and how many times as much two nodes do as one."""
    lines = [
        report.heading(described, how),
        "",
        f"| | {' | '.join(names)} | 2 nodes : 1 node |",
        "|---" * (len(names) + 2) + "|",
    ]
    for row in rows:
        unit = "" if row.workload.unit == "B/s" else f" {row.workload.unit}"
        ratio = row.ratio(TwoNodes.name, OneNode.name)
        cells = [report.figure(row.median(name), row.workload.unit) for name in names]
        cells.append("–" if ratio is None else f"{ratio:.2f}")
        lines.append(f"| {row.workload.title}{unit} | {' | '.join(cells)} |")
    return "\n".join([*lines, *report.failures(rows)]) + "\n"


if __name__ == "__main__":
    main()
