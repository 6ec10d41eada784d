"""copyparty, a file server in Python."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bench import files
from bench.peers import CORES, Absent, Peer


class Copyparty(Peer):
    """One process per core."""

    name = "copyparty"

    def command(self) -> Sequence[str]:
        command = Path(sys.executable).with_name("copyparty")
        if not command.exists():
            raise Absent("copyparty is not installed")
        # It takes the password for enough, whatever the name that comes with it.
        return [
            str(command), "-q", "-i", "127.0.0.1", "-p", str(self.port), "-j", str(CORES),
            "-a", f"owner:{files.OWNER.password}", "-v", f"{self.served}::A,owner",
            "--daw", "--no-robots", "--no-thumb", "--hist", str(self.folder / "history"),
        ]  # fmt: skip
