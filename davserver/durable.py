"""What survives a power cut: a file that is flushed, and the directory that names it."""

import os
from pathlib import Path


def write_durably(path: Path, text: str) -> None:
    """Make a small file that is whole, or not there, after a power cut."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    flush_directory(path.parent)


def flush_directory(directory: Path) -> None:
    """Make the names in ``directory`` durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
