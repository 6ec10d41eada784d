"""A disk of its own for a site, which a test can fill."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import backends
from tests.programs import require_root
from tests.serving import Server

DISK = 80_000_000  # bytes; the demo takes about 10 MB of it


@contextmanager
def small_disk(seeded: Path, folder: Path) -> Iterator[Server]:
    """The demo site, served from a disk of DISK bytes; verified at the end."""
    require_root()
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(disk)], check=True)
    try:
        backends.copy_site(seeded, disk / "data")
        server = Server(disk / "data", log=folder / "log").start()
        yield server
        assert server.stop() == 0
        server.verify()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(server: Server) -> Path:
    """Take all the room that is left; the file that takes it."""
    filler = server.data.parent / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(b"x" * 65_536)
                file.flush()
        except OSError:
            pass
    return filler
