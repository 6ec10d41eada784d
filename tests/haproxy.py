"""The HAProxy that is shipped as an example, as a process of its own before two nodes."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.front import Front
from tests.serving import wait_for

SHIPPED = Path(__file__).parent.parent / "config" / "haproxy.cfg"
# What only root can do: a plain user runs it as himself.
_ROOTS_OWN = ("    chroot /var/lib/haproxy\n", "    user haproxy\n", "    group haproxy\n")


class Node(Protocol):
    """What listens on a port of this machine."""

    @property
    def port(self) -> int: ...


class HaProxy(Front):
    """HAProxy before ``nodes``."""

    program = "haproxy"
    warning = "[WARNING]"

    def __init__(self, nodes: Sequence[Node], folder: Path) -> None:
        super().__init__(folder, log="output")
        self._socket = folder / "admin.sock"
        self._file = folder / "haproxy.cfg"
        self.certificate = folder / "dossiers.pem"
        self._write(nodes)

    def command(self) -> list[str]:
        return [self.path, "-db", "-f", str(self._file)]

    def checking(self) -> list[str]:
        return [self.path, "-c", "-f", str(self._file)]

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

    def _write(self, nodes: Sequence[Node]) -> None:
        self.issued().private_key_and_cert_chain_pem.write_to_path(self.certificate)
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
