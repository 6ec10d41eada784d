"""The blob store: durable before it is named, whole or absent, swept with patience."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select

from davserver.errors import Full, Unavailable
from davserver.model import Blob, Node, NodeKind, SiteIdentity
from davserver.model.database import Database
from davserver.storage import directory
from davserver.storage import sweep as sweeping
from davserver.storage.directory import DirectoryBlobStore
from davserver.storage.sweep import sweep

NOW = datetime(2026, 1, 5, tzinfo=UTC)
SITE = "0123456789abcdef" * 2


@pytest.fixture
def blobs(tmp_path: Path) -> DirectoryBlobStore:
    store = DirectoryBlobStore(tmp_path, SITE)
    store.create(SITE)
    return store


def keep(store: DirectoryBlobStore, content: bytes) -> str:
    incoming = store.receive()
    incoming.write(content)
    return incoming.keep().key


def test_what_was_kept_is_read_back_whole_or_in_part(blobs: DirectoryBlobStore) -> None:
    content = os.urandom(700_000)
    key = keep(blobs, content)

    assert b"".join(blobs.read(key)) == content
    assert b"".join(blobs.read(key, 10, 300_000)) == content[10:300_010]


def test_each_content_has_a_key_of_its_own(blobs: DirectoryBlobStore) -> None:
    assert keep(blobs, b"same") != keep(blobs, b"same")


def test_file_and_directory_are_flushed_before_the_key_is_given(
    blobs: DirectoryBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    flush, rename = os.fsync, Path.rename

    def flushed(handle: int) -> None:
        name = os.readlink(f"/proc/self/fd/{handle}") if Path("/proc/self/fd").exists() else ""
        steps.append(f"flush {'file' if '/spool/' in name else 'directory'}")
        flush(handle)

    def renamed(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "rename", renamed)
    keep(blobs, b"x")

    assert steps[0] == "flush file"
    assert steps[-2:] == ["rename", "flush directory"]


def test_a_shelf_that_somebody_has_just_made_is_flushed_as_well(
    blobs: DirectoryBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    for shelf in range(256):  # made by a process that was killed before it flushed them
        (blobs.blobs / f"{shelf:02x}").mkdir()
    monkeypatch.setattr(directory, "flush_directory", flushed.append)
    key = keep(blobs, b"x")

    assert flushed == [blobs.blobs, blobs.path(key).parent]


def test_what_is_dropped_leaves_nothing(blobs: DirectoryBlobStore) -> None:
    incoming = blobs.receive()
    incoming.write(b"x")
    incoming.drop()

    assert list(blobs.spool.folder.iterdir()) == []
    assert list(blobs.keys()) == []


def test_a_store_that_is_away_is_unavailable_never_empty(
    blobs: DirectoryBlobStore, tmp_path: Path
) -> None:
    key = keep(blobs, b"x")
    shutil.move(blobs.blobs, tmp_path / "elsewhere")
    blobs.blobs.mkdir()

    assert not blobs.ready()
    for attempt in (
        lambda: blobs.read(key),
        lambda: list(blobs.keys()),
        blobs.receive,
        lambda: blobs.remove(key),
    ):
        with pytest.raises(Unavailable):
            attempt()


def test_a_missing_blob_is_a_fault_not_an_absence(blobs: DirectoryBlobStore) -> None:
    with pytest.raises(Unavailable):
        blobs.read("0" * 40)


def test_a_full_disk_is_told_as_such(
    blobs: DirectoryBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = blobs.receive()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    incoming.write(b"x")
    with pytest.raises(Full):
        incoming.keep()
    incoming.drop()
    assert list(blobs.spool.folder.iterdir()) == []


def test_the_sweep_takes_only_what_nobody_names_and_only_after_its_grace(
    blobs: DirectoryBlobStore, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'rows.sqlite'}")
    database.upgrade()
    named, unused, fresh, stray = (keep(blobs, name.encode()) for name in "abcd")
    old = NOW - timedelta(days=3)
    with database.writing() as session:
        session.add(SiteIdentity(identity=SITE, created=old))
        for key, created in ((named, old), (unused, old)):
            session.add(Blob(key=key, size=1, sha256="", created=created))
        session.flush()
        blob = session.query(Blob).filter_by(key=named).one()
        session.add(
            Node(
                name="x",
                name_key="x",
                kind=NodeKind.FILE,
                blob_id=blob.id,
                created=old,
                modified=old,
                written=old,
            )
        )
    os.utime(blobs.path(stray), (old.timestamp(), old.timestamp()))
    (blobs.spool.folder / "left").write_bytes(b"x")
    os.utime(blobs.spool.folder / "left", (old.timestamp(), old.timestamp()))

    first = sweep(database, blobs, NOW - timedelta(days=2), timedelta(days=5))
    with database.writing() as session:
        session.add(Blob(key=fresh, size=1, sha256="", created=NOW))
    gone = sweep(database, blobs, NOW, timedelta(days=1))

    assert (first, gone) == (0, 1)
    assert dict(blobs.keys()).keys() == {named, fresh, stray}
    assert list(blobs.spool.folder.iterdir()) == []
    # What no row knew has a row now, and its grace.
    assert sweep(database, blobs, NOW + timedelta(hours=23), timedelta(days=1)) == 0
    assert sweep(database, blobs, NOW + timedelta(days=1), timedelta(days=1)) == 2
    assert dict(blobs.keys()).keys() == {named}
    database.close()


def test_the_sweep_asks_for_many_bytes_at_once(
    blobs: DirectoryBlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 8)
    database = Database(f"sqlite:///{tmp_path / 'rows.sqlite'}")
    database.upgrade()
    keys = [keep(blobs, b"%d" % number) for number in range(20)]
    with database.writing() as session:
        session.add(SiteIdentity(identity=SITE, created=NOW))
        session.add_all(Blob(key=key, size=1, sha256="", created=NOW) for key in keys[1:])
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))

    sweep(database, blobs, datetime.now(UTC) + timedelta(days=1), timedelta(hours=1))

    assert len([text for text in asked if 'WHERE blob."key"' in text]) == 3
    with database.reading() as session:  # those that no row knew have one, whichever it was
        assert set(session.scalars(select(Blob.key))) == set(keys)
    database.close()
