"""How programs save a file that is open in them: each in the steps that it really takes."""

import os
from collections.abc import Callable
from pathlib import Path

Save = Callable[[Path, bytes], None]


def in_place(path: Path, content: bytes) -> None:
    """Empty the file, write it anew, and ask that it be on the disk (nano, Notepad)."""
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def like_vim(path: Path, content: bytes) -> None:
    """With a swap file beside it, a trial of the folder, and the old text kept until the end."""
    swap = path.with_name(f".{path.name}.swp")
    swap.write_bytes(b"b0VIM 9.0".ljust(4_096, b"\0"))
    trial = path.with_name("4913")
    trial.touch()
    trial.unlink()
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_bytes(content)
    backup.unlink()
    swap.unlink()


def by_replacing(path: Path, content: bytes) -> None:
    """Write another file, then give it the name (gedit, Kate)."""
    fresh = path.with_name(".goutputstream-ABC123")
    fresh.write_bytes(content)
    fresh.replace(path)


SAVES: dict[str, Save] = {"in place": in_place, "like vim": like_vim, "by replacing": by_replacing}
