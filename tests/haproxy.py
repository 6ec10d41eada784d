"""The HAProxy that is shipped as an example, as a process of its own before two nodes."""

import os
import socket
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import trustme

from tests.ports import free_port
from tests.programs import require_program
from tests.serving import wait_for

SHIPPED = Path(__file__).parent.parent / "config" / "haproxy.cfg"
# What only root can do: a plain user runs it as himself.
_ROOTS_OWN = ("    chroot /var/lib/haproxy\n", "    user haproxy\n", "    group haproxy\n")


class Node(Protocol):
    """What listens on a port of this machine."""

    @property
    def port(self) -> int: ...


class HaProxy:
    """HAProxy with TLS for ``localhost``, before ``nodes``. Everything of it is in ``folder``."""

    def __init__(self, nodes: Sequence[Node], folder: Path) -> None:
        self._program = require_program("haproxy")
        self._folder = folder
        self._socket = folder / "admin.sock"
        self._file = folder / "haproxy.cfg"
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://localhost:{self.port}"
        self.certificate, self.authority = folder / "dossiers.pem", folder / "authority.pem"
        self._authority = trustme.CA()
        self._write(nodes)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "HaProxy":
        self.check()
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, "-db", "-f", str(self._file)], stdout=log, stderr=log
            )
        wait_for(self._listens, what="HAProxy")
        return self

    def check(self) -> None:
        """``haproxy -c``: fails where HAProxy does not understand its file, or warns."""
        done = subprocess.run(
            [self._program, "-c", "-f", str(self._file)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "[WARNING]" not in done.stderr, done.stderr

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(timeout=20)

    def trust(self) -> ssl.SSLContext:
        """What a client needs to know this server."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def tell(self, command: str) -> str:
        """Give a command to its administration socket; what it answers."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(20)
            line.connect(str(self._socket))
            line.sendall(f"{command}\n".encode())
            answer = b""
            while block := line.recv(65_536):
                answer += block
        return answer.decode().strip()

    def told(self, node: str) -> dict[str, str]:
        """The figures of a node among those that are well, by the names that HAProxy gives them."""
        head, *lines = self.tell("show stat").splitlines()
        rows = [
            dict(zip(head.strip("# ").split(","), line.split(","), strict=True)) for line in lines
        ]
        (found,) = [row for row in rows if (row["pxname"], row["svname"]) == ("nodes", node)]
        return found

    def await_state(self, node: str, state: str) -> None:
        """Wait until it takes a node for ``UP``, ``DOWN`` or ``DRAIN``."""
        wait_for(lambda: self.told(node)["status"] == state, 30, f"{node} to be {state}")

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _write(self, nodes: Sequence[Node]) -> None:
        issued = self._authority.issue_cert("localhost")
        issued.private_key_and_cert_chain_pem.write_to_path(self.certificate)
        self._authority.cert_pem.write_to_path(self.authority)
        text = SHIPPED.read_text(encoding="utf-8")
        for there, (here, count) in {
            "bind :::443 v4v6 ": (f"bind 127.0.0.1:{self.port} ", 1),
            "bind :::80 v4v6\n": (f"bind 127.0.0.1:{self.plain_port}\n", 1),
            "/etc/haproxy/tls/dossiers.pem": (str(self.certificate), 1),
            "/run/haproxy/admin.sock": (str(self._socket), 1),
            **{
                f"10.0.0.{10 + number}:8080": (f"127.0.0.1:{node.port}", 2)
                for number, node in enumerate(nodes, start=1)
            },
            **(dict.fromkeys(_ROOTS_OWN, ("", 1)) if os.getuid() else {}),
        }.items():
            assert text.count(there) == count, there
            text = text.replace(there, here)
        self._file.write_text(text, encoding="utf-8")
