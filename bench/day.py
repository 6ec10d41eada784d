"""The eve of a meeting and the morning after, with rclone: six lawyers send their pieces at once,
then twelve people read them."""

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
READERS = 12  # each of two boxes
_turns = itertools.count(1)
_THAT_EVE = f"{files.SENT} de la veille"
_SEALED = 180.0  # seconds in which what was sent is to be read by others


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
    turn = f"{files.SENT} {next(_turns)}"
    boxes = peer.boxes(LAWYERS)
    begun = time.monotonic()
    _send(peer, boxes, sources, turn)
    seconds = time.monotonic() - begun
    for box in boxes:
        if (found := _names(peer, box, turn)) != FILES:
            raise Wrong(f"{found} of {FILES} pieces are there")
    return _bytes(sources) / seconds


def morning(peer: Peer, sources: list[Path]) -> float:
    """Each of twelve people reads what two others have sent, once it may be read, and compares it
    with what was sent; bytes a second, until the last is done. Raises Wrong where it is another."""
    boxes = peer.boxes(LAWYERS)
    if _names(peer, boxes[0], _THAT_EVE) != FILES:
        _send(peer, boxes, sources, _THAT_EVE)
        end = time.monotonic() + _SEALED
        for box, reader in zip(boxes, (*boxes[1:], boxes[0]), strict=True):
            while _names(peer, Box(reader.person, box.url), _THAT_EVE) != FILES:
                if time.monotonic() > end:
                    raise Wrong("what was sent cannot be read by others")
                time.sleep(1)
    begun = time.monotonic()
    reading = [
        _rclone(peer, Box(boxes[who % LAWYERS].person, boxes[what].url),
                "check", "--download", str(sources[what]), f":webdav:{_THAT_EVE}")
        for who in range(READERS)
        for what in ((who + 1) % LAWYERS, (who + 2) % LAWYERS)
    ]  # fmt: skip
    _await(reading)
    return _bytes(sources) * 2 * READERS / LAWYERS / (time.monotonic() - begun)


def _send(peer: Peer, boxes: list[Box], sources: list[Path], turn: str) -> None:
    _await([
        _rclone(peer, box, "copy", str(source), f":webdav:{turn}")
        for box, source in zip(boxes, sources, strict=True)
    ])  # fmt: skip


def _await(running: "list[subprocess.Popen[bytes]]") -> None:
    """Let all end; raises Wrong where one does not end well."""
    told = [process.communicate()[0] for process in running]
    for process, text in zip(running, told, strict=True):
        if process.returncode != 0:
            raise Wrong(f"rclone: {text[-300:]!r}")


def _names(peer: Peer, box: Box, turn: str) -> int:
    """How many pieces somebody sees in the folder ``turn`` of a box."""
    listing = _rclone(peer, box, "lsf", f":webdav:{turn}")
    names = listing.communicate()[0].decode().splitlines()
    return len(names) if listing.returncode == 0 else 0


def _bytes(sources: list[Path]) -> int:
    return sum(file.stat().st_size for source in sources for file in source.iterdir())


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
