"""The files that every server gets, and the people who may log in to it."""

import os
import random
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

LISTED = 1_000
LISTED_SIZE = 4_096  # bytes
LARGE_MIB = int(os.environ.get("BENCH_LARGE_MIB", "512"))
LARGE_SIZE = LARGE_MIB << 20  # bytes
UPLOAD_SIZE = 100 << 10  # bytes

LISTING, LARGE, UPLOADS = "listing", "large", "uploads"  # the folders that each server has
SENT = "Envoi"  # what a folder of pieces is called in a box, with a number behind it
BOX = "box"  # with a number behind it: one for each of those who deposit
BOXES = 6
LARGE_NAME = "Relevés du sapiteur.zip"


@dataclass(frozen=True)
class Person:
    """Somebody who logs in, to all servers alike."""

    login: str
    password: str

    @property
    def authorization(self) -> dict[str, str]:
        """The header of his requests."""
        word = b64encode(f"{self.login}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {word}"}


OWNER = Person("apolline.testard", "mot de passe d'essai")


def listed_name(number: int) -> str:
    """The name of a listed file, as lawyers give them: accents, spaces, an apostrophe."""
    return f"Pièce n°{number:04} - Constat d'huissier.pdf"


def content(size: int, seed: int = 0) -> bytes:
    """A document of ``size`` bytes that no compression makes smaller."""
    head = b"%PDF-1.4\n"
    return head + random.Random(seed).randbytes(size - len(head))


def written(folder: Path) -> Path:
    """Write the files of a server into ``folder``, which is made; returns it."""
    for name in (LISTING, LARGE, UPLOADS, *(f"{BOX} {number}" for number in range(BOXES))):
        (folder / name).mkdir(parents=True)
    write_listed(folder / LISTING)
    large(folder / LARGE / LARGE_NAME, seed=0)
    return folder


def large(path: Path, *, seed: int) -> Path:
    """Write a file of LARGE_SIZE bytes; returns its path."""
    with path.open("wb") as file:
        for number in range(LARGE_MIB):
            file.write(content(1 << 20, seed + number))
    return path


def write_listed(folder: Path) -> None:
    """Write the members of the folder that is listed into ``folder``, which is there."""
    body = content(LISTED_SIZE)
    for number in range(LISTED):
        (folder / listed_name(number)).write_bytes(body)
