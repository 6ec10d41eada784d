"""The eve of a meeting: six lawyers send their pieces at once, each with rclone."""

import itertools
import os
import random
import subprocess
import time
from pathlib import Path

from bench import files
from bench.load import Wrong
from bench.peers import Box, Peer, program

LAWYERS = files.BOXES
FILES = 35  # of each lawyer
TOTAL = 900 << 20  # bytes of all of them
_turns = itertools.count(1)


def written(folder: Path) -> list[Path]:
    """The pieces of each lawyer in a folder of his own, below ``folder``: many small, few large."""
    chance = random.Random(6)
    weights = [chance.lognormvariate(0, 1.5) for _ in range(LAWYERS * FILES)]
    sizes = [max(2_000, int(TOTAL * weight / sum(weights))) for weight in weights]
    folders = []
    for lawyer in range(LAWYERS):
        own = folder / f"lawyer {lawyer}"
        own.mkdir(parents=True)
        for number, size in enumerate(sizes[lawyer * FILES : (lawyer + 1) * FILES], 1):
            name = f"Pièce n°{number} - Courriel du {number % 28 + 1:02} mars 2024.pdf"
            (own / name).write_bytes(files.content(size, lawyer * FILES + number))
        folders.append(own)
    return folders


def eve(peer: Peer, sources: list[Path]) -> float:
    """All copy at once into a new folder of each one's box; bytes a second, until the last is done.

    Raises Wrong where one of them does not end well, or not all is there in the end.
    """
    turn = f"Envoi {next(_turns)}"
    boxes = peer.boxes(LAWYERS)
    begun = time.monotonic()
    running = [
        _rclone(peer, box, "copy", str(source), f":webdav:{turn}")
        for box, source in zip(boxes, sources, strict=True)
    ]
    told = [process.communicate()[0] for process in running]
    seconds = time.monotonic() - begun
    for process, text in zip(running, told, strict=True):
        if process.returncode != 0:
            raise Wrong(f"rclone copy: {text[-300:]!r}")
    for box in boxes:
        listing = _rclone(peer, box, "lsf", f":webdav:{turn}")
        names = listing.communicate()[0].decode().splitlines()
        if len(names) != FILES:
            raise Wrong(f"{len(names)} of {FILES} pieces are there")
    return sum(file.stat().st_size for source in sources for file in source.iterdir()) / seconds


def _rclone(peer: Peer, box: Box, *arguments: str) -> "subprocess.Popen[bytes]":
    rclone = program("rclone")
    settings = peer.folder / "client.conf"
    settings.touch()  # it would else complain, in the midst of a listing
    obscured = subprocess.run(
        [rclone, "obscure", box.person.password], capture_output=True, text=True, check=True
    )
    environment = {
        **os.environ,
        "RCLONE_CONFIG": str(settings),
        "RCLONE_WEBDAV_URL": box.url,
        "RCLONE_WEBDAV_USER": box.person.login,
        "RCLONE_WEBDAV_PASS": obscured.stdout.strip(),
    }
    return subprocess.Popen(
        [rclone, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
