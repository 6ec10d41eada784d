"""A dossier as ordinary files: its tree, a manifest, its journal. Each byte is hashed on its way.

Only what is published is exported. The manifest follows from the rows alone: two exports of the
same content have the same one, and the certificate of a purge names its hash.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Protocol
from zipfile import ZipFile, ZipInfo
from zoneinfo import ZoneInfo

from sqlalchemy import select

from davserver.errors import Problem
from davserver.model import (
    Blob,
    Deposit,
    Dossier,
    JournalLine,
    Node,
    NodeRole,
    NodeState,
    User,
)
from davserver.names import name_key, numbered, portable
from davserver.storage import BlobStore
from davserver.tree import write
from davserver.work import Work

MANIFEST, JOURNAL = "manifest.json", "journal.jsonl"
_PARIS = ZoneInfo("Europe/Paris")  # of the dates inside a ZIP, which have no time zone
_FILE, _FOLDER = 0o100644, 0o40755


class ExportProblem(Problem):
    """An export that was not made; nothing of it is left. The sentence says why."""

    phrase = "Export impossible"


@dataclass(frozen=True)
class File:
    """A published file. ``path`` begins with the title of the dossier; times are UTC."""

    path: tuple[str, ...]
    key: str | None
    size: int
    sha256: str
    number: int | None
    author: str | None
    author_name: str
    created: datetime
    modified: datetime
    received_at: datetime | None
    sealed_at: datetime | None
    late_seconds: int


@dataclass(frozen=True)
class Manifest:
    """What a dossier holds, in the order of paths."""

    title: str
    reference: str
    created: datetime
    folders: tuple[tuple[str, ...], ...]
    files: tuple[File, ...]

    @cached_property
    def content(self) -> bytes:
        """The manifest as JSON. Sizes are bytes, times ISO 8601 in UTC."""
        return _json(
            {
                "title": self.title,
                "reference": self.reference,
                "created": self.created,
                "folders": ["/".join(path) for path in self.folders],
                "files": [_shown(file) for file in self.files],
            }
        )

    @property
    def sha256(self) -> str:
        """The hash of :attr:`content`."""
        return hashlib.sha256(self.content).hexdigest()


def manifest(work: Work, dossier: Dossier) -> Manifest:
    """What ``dossier`` holds now. Raises ExportProblem for a purged one."""
    nodes = work.session.scalars(
        select(Node)
        .where(Node.dossier_id == dossier.id, Node.state == NodeState.PUBLISHED)
        .order_by(Node.id)
    ).all()
    children: dict[int | None, list[Node]] = defaultdict(list)
    for node in nodes:
        children[node.parent_id].append(node)
    source = next((node for node in nodes if node.role is NodeRole.SOURCE), None)
    if source is None:
        raise ExportProblem(f"Le dossier « {dossier.title} » n'a plus de contenu.")
    facts = _Facts(work, dossier)
    beside = {name_key(MANIFEST), name_key(JOURNAL)}
    top: tuple[str, ...] = (_exported(source.name, beside),)
    folders, files = [top], []
    pending = [(source, top)]
    while pending:
        folder, path = pending.pop()
        taken: set[str] = set()
        for node in children[folder.id]:
            below = (*path, _exported(node.name, taken))
            if node.is_folder:
                folders.append(below)
                pending.append((node, below))
            else:
                files.append(facts.file(node, below))
    return Manifest(
        dossier.title,
        dossier.reference,
        dossier.created,
        tuple(sorted(folders)),
        tuple(sorted(files, key=lambda file: file.path)),
    )


def journal_of(work: Work, dossier: Dossier) -> list[dict[str, Any]]:
    """The journal lines of ``dossier``, oldest first, as values for JSON."""
    lines = work.session.scalars(
        select(JournalLine).where(JournalLine.dossier_id == dossier.id).order_by(JournalLine.id)
    )
    return [journal_line(line) for line in lines]


def journal_line(line: JournalLine) -> dict[str, Any]:
    """A journal line as values for JSON: enough to compute its hash again."""
    return {
        "id": line.id,
        "at": line.at.isoformat(),
        "dossier_id": line.dossier_id,
        "actor": line.actor,
        "channel": line.channel,
        "act": line.act,
        "facts": json.loads(line.facts),
        "previous": line.previous,
        "hash": line.hash,
    }


def export(listed: Manifest, lines: list[dict[str, Any]], blobs: BlobStore, target: Path) -> None:
    """Write the export to ``target``: a new or empty folder, or a new ``.zip`` file.

    It gets its name when it is whole: what was cut short never looks like an export. Raises
    ExportProblem, also for bytes that are not those of their row.
    """
    target = target.resolve()
    zipped = target.suffix.lower() == ".zip"
    _require_free(target, zipped=zipped)
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
    try:
        writer: _Writer = _ZipWriter(partial) if zipped else _FolderWriter(partial)
        with writer.opened():
            for path in listed.folders:
                writer.folder(path)
            for file in listed.files:
                with writer.file(file.path, file.modified) as out:
                    _copy(blobs, file, out)
            for name, content in (
                (MANIFEST, listed.content),
                (JOURNAL, b"".join(_json(line, indent=None) for line in lines)),
            ):
                with writer.file((name,), datetime.now(UTC)) as out:
                    out.write(content)
        if target.is_dir():
            target.rmdir()
        partial.rename(target)
    except OSError as error:
        raise ExportProblem(f"{target} : écriture impossible ({error.strerror}).") from error
    finally:
        _remove(partial)


def note(work: Work, dossier: Dossier, listed: Manifest) -> None:
    """The journal line of an export that was made."""
    write.record(
        work, "dossier.export", dossier, files=len(listed.files), manifest_sha256=listed.sha256
    )


class _Facts:
    """What the manifest tells of files beyond their rows, read once for the dossier."""

    def __init__(self, work: Work, dossier: Dossier) -> None:
        here = select(Node.blob_id).where(Node.dossier_id == dossier.id)
        blobs = work.session.scalars(select(Blob).where(Blob.id.in_(here)))
        self._keys = {blob.id: blob.key for blob in blobs}
        deposits = work.session.scalars(select(Deposit).where(Deposit.dossier_id == dossier.id))
        self._deposits = {deposit.node_id: deposit for deposit in deposits}
        authors = select(Node.author_id).where(Node.dossier_id == dossier.id)
        users = work.session.scalars(select(User).where(User.id.in_(authors)))
        self._authors = {user.id: user for user in users}

    def file(self, node: Node, path: tuple[str, ...]) -> File:
        author = self._authors.get(node.author_id or 0)
        deposit = self._deposits.get(node.id)
        return File(
            path=path,
            key=None if node.blob_id is None else self._keys[node.blob_id],
            size=node.size,
            sha256=node.sha256 or hashlib.sha256().hexdigest(),
            number=node.number,
            author=author.login if author else None,
            author_name=author.display_name if author else "",
            created=node.created,
            modified=node.modified,
            received_at=deposit.received_at if deposit else None,
            sealed_at=deposit.sealed_at if deposit else None,
            late_seconds=deposit.late_seconds if deposit else 0,
        )


class _Writer(Protocol):
    """Where an export goes."""

    @contextmanager
    def opened(self) -> Iterator[None]: ...

    def folder(self, path: tuple[str, ...]) -> None: ...

    @contextmanager
    def file(self, path: tuple[str, ...], modified: datetime) -> Iterator[IO[bytes]]: ...


class _FolderWriter:
    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def opened(self) -> Iterator[None]:
        self._root.mkdir()
        yield

    def folder(self, path: tuple[str, ...]) -> None:
        self._root.joinpath(*path).mkdir()

    @contextmanager
    def file(self, path: tuple[str, ...], modified: datetime) -> Iterator[IO[bytes]]:
        place = self._root.joinpath(*path)
        with place.open("xb") as out:
            yield out
            _flush(out)
        os.utime(place, (modified.timestamp(), modified.timestamp()))


class _ZipWriter:
    def __init__(self, place: Path) -> None:
        self._place = place

    @contextmanager
    def opened(self) -> Iterator[None]:
        with self._place.open("xb") as out:
            with ZipFile(out, "w") as self._zip:
                yield
            _flush(out)

    def folder(self, path: tuple[str, ...]) -> None:
        entry = ZipInfo("/".join(path) + "/", datetime.now(_PARIS).timetuple()[:6])
        entry.external_attr = _FOLDER << 16
        self._zip.writestr(entry, b"")

    @contextmanager
    def file(self, path: tuple[str, ...], modified: datetime) -> Iterator[IO[bytes]]:
        entry = ZipInfo("/".join(path), modified.astimezone(_PARIS).timetuple()[:6])
        entry.external_attr = _FILE << 16
        # Evidence is PDF, photos and film: pressing it again costs time and saves nothing.
        with self._zip.open(entry, "w", force_zip64=True) as out:
            yield out


def _copy(blobs: BlobStore, file: File, out: IO[bytes]) -> None:
    counted, digest = 0, hashlib.sha256()
    for block in blobs.read(file.key) if file.key is not None else ():
        out.write(block)
        digest.update(block)
        counted += len(block)
    if counted != file.size or digest.hexdigest() != file.sha256:
        raise ExportProblem(
            f"« {'/'.join(file.path)} » : le contenu n'est pas celui qui a été déposé. Rien n'a "
            "été exporté ; lancez « davserver verify »."
        )


def _shown(file: File) -> dict[str, Any]:
    number = None if file.number is None else deposit_number(file.number)
    facts = asdict(file) | {"path": "/".join(file.path), "number": number}
    del facts["key"]
    return facts


def deposit_number(number: int) -> str:
    """The running number of a deposit as people read it: ``D-000123``."""
    return f"D-{number:06}"


def _json(value: object, *, indent: int | None = 1) -> bytes:
    def plain(found: object) -> str:
        return found.isoformat() if isinstance(found, datetime) else str(found)

    return (json.dumps(value, ensure_ascii=False, indent=indent, default=plain) + "\n").encode()


def _exported(name: str, taken: set[str]) -> str:
    """The name of a real file for ``name``, whatever the rows say: one that stays inside, that
    Windows can hold, and that is not among the keys ``taken``, to which it is added."""
    if "/" in name or "\\" in name or "\x00" in name or name in ("", ".", ".."):
        raise ExportProblem(f"« {name} » ne peut pas être le nom d'un fichier.")
    free, number = portable(name), 1
    while name_key(free) in taken:
        number += 1
        free = numbered(portable(name), number)
    taken.add(name_key(free))
    return free


def _require_free(target: Path, *, zipped: bool) -> None:
    if not target.parent.is_dir():
        raise ExportProblem(f"{target.parent} : ce dossier n'existe pas.")
    if target.is_dir() and not zipped:
        if any(target.iterdir()):
            raise ExportProblem(f"{target} : ce dossier n'est pas vide.")
    elif target.exists():
        raise ExportProblem(f"{target} : ce fichier existe déjà.")


def _flush(out: IO[bytes]) -> None:
    out.flush()
    os.fsync(out.fileno())


def _remove(partial: Path) -> None:
    if partial.is_dir():
        shutil.rmtree(partial)
    else:
        with suppress(FileNotFoundError):
            partial.unlink()
