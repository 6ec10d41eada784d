"""Sites as released versions of the program left them.

``schemas/REVISION.sql`` is a database that the migrations of that time made, with the rows of a
small site; ``schemas/blobs`` are its pieces.
"""

import shutil
import sqlite3
from pathlib import Path

from tests.console import Console

SCHEMAS = Path(__file__).parent / "schemas"
REVISIONS = sorted(file.stem for file in SCHEMAS.glob("*.sql"))


def database(revision: str, file: Path) -> None:
    """Make the database of a released version."""
    made = sqlite3.connect(file)
    made.executescript((SCHEMAS / f"{revision}.sql").read_text(encoding="utf-8"))
    made.close()


def site(revision: str, data: Path) -> Console:
    """The command line of a site that a released version left in the folder ``data``."""
    for folder in (data, data / "spool", data / "blobs"):
        folder.mkdir()
    (data / "davserver.json").write_text('{"program": "davserver", "layout": 1}\n')
    (data / "blobs" / "blobs-of-davserver").touch()
    for blob in (SCHEMAS / "blobs").iterdir():
        shelf = data / "blobs" / blob.name[:2]
        shelf.mkdir(exist_ok=True)
        shutil.copy(blob, shelf)
    database(revision, data / "davserver.sqlite")
    return Console(data)
