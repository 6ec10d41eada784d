"""rclone serve webdav."""

from collections.abc import Sequence

from bench import files
from bench.peers import Peer, program


class Rclone(Peer):
    """One process; Go uses all cores."""

    name = "rclone serve"

    def command(self) -> Sequence[str]:
        return [
            program("rclone"), "serve", "webdav", str(self.served),
            "--addr", f"127.0.0.1:{self.port}", "--config", str(self.folder / "rclone.conf"),
            "--user", files.OWNER.login, "--pass", files.OWNER.password,
        ]  # fmt: skip
