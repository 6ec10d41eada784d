"""A folder as a lawyer really has it: files of all kinds and sizes, and litter between them."""

import random
from pathlib import Path

from tests.clients import AWKWARD

# The first bytes of each kind, so that a content is of the kind that its name says.
_KINDS = {
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01",
    "docx": b"PK\x03\x04\x14\x00\x06\x00",
    "png": b"\x89PNG\r\n\x1a\n",
    "XLSX": b"PK\x03\x04\x14\x00\x08\x00",
    "dwg": b"AC1032\x00\x00",
    "msg": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "eml": b"From: Me ORTIE <me@ortie.example>\r\n",
    "mp4": b"\x00\x00\x00\x18ftypmp42",
    "txt": b"",
}
_TITLES = (
    "Pièce n°{} - Facture",
    "PV de réception n°{} (lot étanchéité)",
    "Photo d’ensemble {} – façade Est",
    "Relevé #{} & annexe, 20 % TVA",
    "DSC_{:04}",
    "Courrier_RAR_{} [signé]",
    "pièce{}+plan;ind=C",
)
# Most files are small; every tenth fills several buffers, some are photographs of a few megabytes.
_SIZES = (700, 4_096, 15_000, 33, 65_536, 1_500, 120_000, 8_193, 2_049, 400_000)
_LARGE = {20: 1_048_576, 90: 3_500_000, 150: 2_000_003}

THUMBNAILS = (
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(1_024, b"\0") + "Catalog".encode("utf-16-le")
).ljust(9_216, b"\0")
"""As Windows writes it: a compound file that lists its thumbnails."""
OWNER_FILE = (b"\x08Me ORTIE".ljust(54) + b"\x08\0" + "Me ORTIE".encode("utf-16-le")).ljust(162)
"""As Word writes it while a document is open: the name of who has it, twice."""

LITTER = {
    ".DS_Store": b"\x00\x00\x00\x01Bud1".ljust(6_148, b"\0"),
    "._IMG_4513.JPG": b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X".ljust(4_096, b"\0"),
    "Thumbs.db": THUMBNAILS,
    "desktop.ini": b"[.ShellClassInfo]\r\nIconResource=imageres.dll,-3\r\n",
    ".directory": b"[Desktop Entry]\nIcon=folder-documents\n",
    "~$re n°3.docx": OWNER_FILE,
    ".~lock.Dire n°3.odt#": b",ortie,poste-3,14.06.2024 11:02,file:///home/ortie;",
}
"""What programs leave in such a folder; nobody means to deposit it."""


def mixed_folder(folder: Path, files: int = 200) -> dict[str, bytes]:
    """Make a folder of ``files`` pieces and, between them, all of LITTER; the pieces by name.

    It is the same at each call, and cheap: right first bytes, then seeded noise. One piece has a
    single byte, and two have the same content, as when a scan was saved under two names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pieces = {name: _content(number, name) for number, name in enumerate(_names(files))}
    pieces[list(pieces)[-1]] = pieces[AWKWARD[-1]]
    for name, content in {**pieces, **LITTER}.items():
        (folder / name).write_bytes(content)
    return pieces


def _names(files: int) -> list[str]:
    kinds = list(_KINDS)
    numbered = [
        f"{_TITLES[number % len(_TITLES)].format(number)}.{kinds[number % len(kinds)]}"
        for number in range(files - len(AWKWARD))
    ]
    return [*AWKWARD, *numbered]


def _content(number: int, name: str) -> bytes:
    if number == len(AWKWARD):
        return b"1"
    kind = name.rpartition(".")[2]
    head = _KINDS.get(kind) or _KINDS.get(kind.lower(), b"")
    size = _LARGE.get(number, _SIZES[number % len(_SIZES)] + number)
    return head + random.Random(number).randbytes(max(1, size - len(head)))
