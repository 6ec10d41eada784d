"""``./run bench``: all servers side by side, in turn; prints the table and writes it.

Each workload in turn on each server (A B C, B C A, …), each answer looked at. What is missing on
the machine is named in the table.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import trustme

from bench import machine, report
from bench.peers import Absent, Peer, Tls
from bench.peers.apache import Apache
from bench.peers.copyparty import Copyparty
from bench.peers.davserver import Davserver
from bench.peers.go import Go
from bench.peers.lighttpd import Lighttpd
from bench.peers.nginx import Nginx
from bench.peers.rclone import Rclone
from bench.peers.wsgidav import WsgiDav
from bench.rounds import Row, all_measured
from bench.workloads import WORKLOADS, Terms

PEERS: tuple[type[Peer], ...] = (
    Davserver, Apache, Nginx, Lighttpd, Rclone, Go, WsgiDav, Copyparty,
)  # fmt: skip
WITH_TLS: tuple[type[Peer], ...] = (Davserver, Apache, Nginx)


def main() -> None:
    """Read the command line, measure, print."""
    names = [workload.name for workload in WORKLOADS]
    known = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(names))
    parser.add_argument("--peer", action="append", metavar="NAME", help=", ".join(known))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one turn")
    parser.add_argument("--write", type=Path, help="folder for bench.md and bench.json")
    told = parser.parse_args()
    if unknown := [*set(told.workloads) - set(names), *set(told.peer or ()) - set(known)]:
        parser.error(f"unknown: {', '.join(unknown)}")
    wanted = [one for one in WORKLOADS if not told.workloads or one.name in told.workloads]
    kinds = [peer for peer in PEERS if not told.peer or peer.name in told.peer]

    with tempfile.TemporaryDirectory(prefix="davserver-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Apache's workers are somebody else
        described = machine.described(folder)
        terms = Terms(told.seconds, folder)
        absent: dict[str, str] = {}
        rows: list[Row] = []
        for tls in (False, True):
            these = [one for one in wanted if one.tls is tls]
            some = [peer for peer in kinds if not tls or peer in WITH_TLS]
            if these and some:
                with running(folder / ("tls" if tls else "plain"), some, absent, tls=tls) as peers:
                    rows += all_measured(these, peers, terms, told.rounds)
    how = f"{told.rounds} rounds of {told.seconds:g} s, medians; ratios are medians of rounds."
    shown = [peer.name for peer in kinds if peer.name not in absent]
    table = report.markdown(described, shown, rows, absent, how)
    report.publish(table, report.as_json(described, rows, absent), told.write, "bench")


@contextmanager
def running(
    folder: Path, kinds: Sequence[type[Peer]], absent: dict[str, str], *, tls: bool
) -> Iterator[list[Peer]]:
    """All servers that can run here, started; the others are noted in ``absent``."""
    folder.mkdir()
    certificate = _certificate(folder) if tls else None
    with ExitStack() as stack:
        peers = []
        for kind in kinds:
            peer = kind(folder / kind.__name__.lower(), certificate)
            stack.callback(peer.stop)
            try:
                peer.start()
            except Absent as reason:
                absent[peer.name] = str(reason)
                print(f"absent: {peer.name}: {reason}", file=sys.stderr)
            else:
                peers.append(peer)
        yield peers


def _certificate(folder: Path) -> Tls:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    chain, key, root = folder / "chain.pem", folder / "key.pem", folder / "authority.pem"
    chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(root)
    return Tls(chain, key, root)


if __name__ == "__main__":
    main()
