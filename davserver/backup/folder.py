"""The folder of a backup: its generations and its bytes, each durable before it has its name."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from davserver.backup import BackupProblem
from davserver.durable import flush_directory
from davserver.storage.directory import BLOCK

MARKER, LAYOUT = "backup-of-davserver", 1
ROWS, MANIFEST, PARTIAL, DAMAGED = "rows.sqlite", "manifest.json", ".partial", ".damaged"


@dataclass(frozen=True)
class Manifest:
    """What a generation holds. Sizes are bytes, times ISO 8601 in UTC.

    ``schema`` is the revision of its rows; ``journal`` the hash of their last journal line;
    ``missing`` names the files whose bytes could not be had; ``sites`` the identity of its site,
    then those that this site was restored from (empty in manifests of before).
    """

    program: str
    taken_at: str
    schema: str
    rows_sha256: str
    journal: str
    blobs: int
    bytes: int
    missing: list[str]
    layout: int = LAYOUT
    sites: list[str] = field(default_factory=list)


class BackupFolder:
    """The folder of a backup. Raises BackupProblem unless it is one, or is empty."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._generations = root / "generations"
        self._blobs = root / "blobs"
        if not root.is_dir():
            # Never made: what is missing may be a disk that is not mounted.
            raise BackupProblem(f"{root} : ce dossier n'existe pas (un disque est-il démonté ?).")
        if not (root / MARKER).exists() and any(root.iterdir()):
            raise BackupProblem(f"{root} : ce dossier n'est pas vide et n'est pas une sauvegarde.")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Write here, alone. What a backup that was cut has left is removed first."""
        (self.root / MARKER).touch()
        for folder in (self._generations, self._blobs):
            folder.mkdir(mode=0o700, exist_ok=True)
        flush_directory(self.root)
        with (self.root / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupProblem(f"{self.root} : une autre sauvegarde est en cours.") from None
            for left in self._generations.glob(f"*{PARTIAL}"):
                shutil.rmtree(left)
            for left in self._blobs.glob(f"*/*{PARTIAL}"):
                left.unlink()
            yield

    def generations(self) -> list[str]:
        """The names of the whole generations, oldest first."""
        if not self._generations.is_dir():
            return []
        names = (folder.name for folder in self._generations.iterdir() if folder.is_dir())
        return sorted(name for name in names if not name.endswith(PARTIAL))

    def rows(self, name: str) -> Path:
        """The file of a generation's rows."""
        return self._generations / name / ROWS

    def manifest(self, name: str) -> Manifest:
        """Raises BackupProblem for a generation that is not there or cannot be read."""
        file = self._generations / name / MANIFEST
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            if found["layout"] != LAYOUT:
                raise BackupProblem(
                    f"{file} : sauvegarde de la version {found['layout']}, ce programme attend la "
                    f"version {LAYOUT}."
                )
            return Manifest(**found)
        except FileNotFoundError:
            if file.parent.is_dir():
                raise BackupProblem(f"{file} : ce fichier manque.") from None
            raise BackupProblem(f"{self.root} : aucune sauvegarde « {name} ».") from None
        except (OSError, ValueError, KeyError, TypeError):
            raise BackupProblem(f"{file} : illisible.") from None

    def begin(self, name: str) -> Path:
        """A place for the rows of a new generation."""
        place = self._generations / f"{name}{PARTIAL}"
        place.mkdir()
        return place / ROWS

    def finish(self, name: str, manifest: Manifest) -> None:
        """The generation is whole: from now on it has its name."""
        place = self._generations / f"{name}{PARTIAL}"
        text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1) + "\n"
        (place / MANIFEST).write_text(text, encoding="utf-8")
        for file in (place / ROWS, place / MANIFEST):
            with file.open("rb") as content:
                os.fsync(content.fileno())
        flush_directory(place)
        place.rename(self._generations / name)
        flush_directory(self._generations)

    def bytes_of(self, sha256: str) -> Path:
        """The file of bytes."""
        return self._blobs / sha256[:2] / sha256

    def holds(self, sha256: str, size: int) -> bool:
        """Whether the bytes are here, as many as they should be."""
        try:
            return self.bytes_of(sha256).stat().st_size == size
        except FileNotFoundError:
            return False

    def damaged(self, sha256: str) -> Path:
        """Where bytes lie that are no longer those of ``sha256``, until a good copy is made."""
        return self.bytes_of(sha256).with_name(f"{sha256}{DAMAGED}")

    def set_aside(self, sha256: str) -> None:
        """Take damaged bytes out of the way of a good copy; they may be all that is left of it."""
        with suppress(FileNotFoundError):
            self.bytes_of(sha256).rename(self.damaged(sha256))
            flush_directory(self.bytes_of(sha256).parent)

    def keep(self, blocks: Iterable[bytes], sha256: str, size: int) -> bool:
        """Keep bytes; False, and nothing is left, if they are not those of ``sha256``."""
        target = self.bytes_of(sha256)
        if not target.parent.is_dir():
            target.parent.mkdir(mode=0o700)
            flush_directory(self._blobs)
        partial = target.with_name(f"{sha256}{PARTIAL}")
        counted, digest = 0, hashlib.sha256()
        try:
            with partial.open("wb") as out:
                for block in blocks:
                    out.write(block)
                    digest.update(block)
                    counted += len(block)
                out.flush()
                os.fsync(out.fileno())
            if (counted, digest.hexdigest()) != (size, sha256):
                return False
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)
        flush_directory(target.parent)
        self.damaged(sha256).unlink(missing_ok=True)
        return True

    def forget(self, names: Iterable[str], used: set[str]) -> int:
        """Drop generations, then the bytes that are not in ``used``. Returns how many went."""
        for name in names:
            # A generation that is half removed must not look like one.
            doomed = self._generations / f"{name}{PARTIAL}"
            (self._generations / name).rename(doomed)
            flush_directory(self._generations)
            shutil.rmtree(doomed)
        found = self._blobs.glob("*/*")
        gone = [file for file in found if file.name.removesuffix(DAMAGED) not in used]
        for file in gone:
            file.unlink()
        return len(gone)


def sha256_of(file: Path) -> str:
    """The hash of a file's content. Raises OSError."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def blocks_of(file: Path) -> Iterator[bytes]:
    """The content of a file, in blocks. Raises OSError."""
    with file.open("rb") as content:
        while block := content.read(BLOCK):
            yield block
