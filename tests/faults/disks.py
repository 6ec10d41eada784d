"""Disks of the tests: small, full, read-only, and cut from their power.

A power cut is what a copy of the disk's image shows, made at one instant: what the file system has
given to the disk by then is in it, what it still kept in memory is not. ext4 is mounted so that it
writes nothing by itself for ten minutes. Needs root on Linux.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import require_program, require_root

SIZE = 24  # MiB of an image
# ext4 may wait for 600 s before it writes, and does not guess which file matters: others do not.
_PATIENCE = "commit=600,noauto_da_alloc"


def image(folder: Path, name: str) -> Path:
    """A new image of an empty ext4 file system."""
    require_root()
    path = folder / f"{name}.img"
    with path.open("wb") as file:
        file.truncate(SIZE << 20)
    _run(require_program("mkfs.ext4"), "-q", "-m", "0", str(path))
    return path


@contextmanager
def mounted(disk: Path, at: Path) -> Iterator[Path]:
    """The file system of an image, mounted at a folder."""
    at.mkdir(exist_ok=True)
    _run("mount", "-o", f"loop,{_PATIENCE}", str(disk), str(at))
    try:
        yield at
    finally:
        _unmount(at)


@contextmanager
def memory(at: Path, options: str) -> Iterator[Path]:
    """A disk in memory (tmpfs), with its limits: ``size=20m``, ``nr_inodes=100``."""
    require_root()
    at.mkdir()
    _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at))
    try:
        yield at
    finally:
        _run("umount", "-l", str(at))


def give_up(at: Path) -> None:
    """Have an image's file system do what it does at a fault of its disk: refuse all writes."""
    _run("mount", "-o", "remount,abort", str(at))


def cut(disk: Path, copy: Path) -> Path:
    """What is on the disk at this instant."""
    _run("cp", "--sparse=always", str(disk), str(copy))
    return copy


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Leave no room, but for ``leave`` bytes, on the disk of ``folder``; the file that does it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for block in (b"x" * 65_536, b"x" * 512, b"x"):
            try:
                while True:
                    file.write(block)
            except OSError:
                continue
        if leave:
            file.truncate(max(0, file.tell() - leave))
    return filler


def _unmount(at: Path) -> None:
    """A process that was just killed may still be closing its files."""
    for _ in range(100):
        if subprocess.run(["umount", str(at)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    _run("umount", "-l", str(at))  # not to stand in the way of others
    raise AssertionError(f"{at} stays in use")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
