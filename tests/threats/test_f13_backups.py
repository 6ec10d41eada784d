"""F13: an older database beside newer bytes, a backup under load, an upgrade that is cut."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from davserver.model.database import latest_schema
from davserver.settings import load
from davserver.site import open_site
from davserver.storage.sweep import sweep
from davserver.verify import store, verify
from tests import released
from tests.conftest import Start
from tests.console import Console, copied, run
from tests.dav import Names

DOSSIER = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
OWNER = "cabinet.ortie-lambda"
BOX: Names = (DOSSIER, "04 Boîtes aux lettres", "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)")
GRACE = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sauvegarde"
    made.mkdir()
    return made


def test_f13_a_backup_under_load_holds_every_acknowledged_deposit(
    start: Start, folder: Path, tmp_path: Path
) -> None:
    server = start()
    owner, expert = server.dav(OWNER), server.dav("apolline.testard")
    acknowledged: list[str] = []
    done = threading.Event()

    def deposit() -> None:
        number = 0
        while not done.is_set():
            number += 1
            name = f"Pièce sous charge n°{number}.pdf"
            if owner.put((*BOX, name), b"%PDF-1.4 " + name.encode() * 2_000).status == 201:
                acknowledged.append(name)
            if number % 4 == 0:
                expert.put(("Espace de l'expert", f"{number % 3}.txt"), name.encode())

    writer = threading.Thread(target=deposit)
    writer.start()
    before: list[set[str]] = []
    try:
        for _ in range(3):
            before.append(set(acknowledged))
            done_ = Console(server.data)("backup", str(folder), "--json")
            assert (done_.code, done_.json["missing"]) == (0, []), done_
    finally:
        done.set()
        writer.join()
    assert len(before[-1]) > len(before[0])

    assert run("backup", str(folder), "--check").code == 0
    names = sorted(file.name for file in (folder / "generations").iterdir())
    for name, promised in zip(names, before, strict=True):
        site = Console(tmp_path / name)
        site.well("restore", str(folder), "--generation", name)
        site.well("verify")
        assert promised <= {row["name"] for row in site.json("deposits", "list")}


@pytest.mark.embedded
def test_f13_older_rows_beside_newer_bytes_delete_nothing(
    seeded: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SECOND_LOOK", 0.0)
    console = copied(seeded, tmp_path)
    assert console("backup", str(folder)).code == 0
    # What came after the backup, long enough ago for the sweep to take it for litter.
    newer = console.data / "blobs" / "ab" / ("ab" * 20)
    newer.parent.mkdir(exist_ok=True)
    newer.write_bytes("déposée après la sauvegarde".encode())
    old = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    os.utime(newer, (old, old))
    for file in console.data.glob("davserver.sqlite*"):
        file.unlink()

    told = console("restore", str(folder))

    assert told.code == 1
    assert f"blob {newer.name}: bytes that no row names" in told.out
    site = open_site(load(None, data=console.data))
    try:
        assert sweep(site.database, site.blobs, site.clock(), GRACE) == 0
        assert newer.exists()
        (named,) = (line for line in verify(site).differences if newer.name in line)
        assert "no row names" in named
        # Whoever has not come for them within the grace does not want them.
        sweep(site.database, site.blobs, site.clock() + GRACE + timedelta(minutes=1), GRACE)
        assert not newer.exists()
        assert verify(site).differences == []
    finally:
        site.close()


@pytest.mark.embedded
def test_f13_a_database_put_back_by_hand_is_named_difference_by_difference(
    seeded: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "SECOND_LOOK", 0.0)
    console = copied(seeded, tmp_path)
    assert console("backup", str(folder)).code == 0
    (generation,) = (folder / "generations").iterdir()
    known = {file for file in (console.data / "blobs").glob("*/*") if file.is_file()}
    went = max(known, key=lambda file: file.stat().st_size)
    went.unlink()  # purged and swept after the backup
    newer = went.with_name("cd" * 20)
    newer.write_bytes(b"newer")
    for file in console.data.glob("davserver.sqlite*"):
        file.unlink()
    shutil.copy(generation / "rows.sqlite", console.data / "davserver.sqlite")

    site = open_site(load(None, data=console.data))
    try:
        assert sweep(site.database, site.blobs, site.clock(), GRACE) == 0
        site.clock = lambda: datetime.now(UTC) + timedelta(days=2)
        found = verify(site).differences
    finally:
        site.close()

    assert len(found) == 2
    assert any(went.name in line and "cannot be read" in line for line in found)
    assert any(newer.name in line and "no row names" in line for line in found)
    assert newer.exists()


# Ends as by a power cut before the Nth statement that changes something, or before the commit.
CUT = """
import os, signal, sys
from sqlalchemy import Engine, event
left = int(sys.argv[1])
@event.listens_for(Engine, "before_cursor_execute")
def statement(connection, cursor, statement, parameters, context, many):
    global left
    if statement.split()[0] in ("ALTER", "CREATE", "UPDATE", "INSERT", "DELETE", "DROP"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
@event.listens_for(Engine, "commit")
def commit(connection):
    if left > 0:
        os.kill(os.getpid(), signal.SIGKILL)
from davserver.commands import main
sys.exit(main(sys.argv[2:]))
"""
AT_COMMIT = 10_000


@pytest.mark.embedded
@pytest.mark.parametrize("statement", [2, 5, 9, AT_COMMIT])
def test_f13_an_upgrade_that_is_cut_has_not_begun(tmp_path: Path, statement: int) -> None:
    revision = released.REVISIONS[0]
    site = released.site(revision, tmp_path / "data")
    file = site.data / "davserver.sqlite"

    def dump() -> list[str]:
        connection = sqlite3.connect(file)
        lines = list(connection.iterdump())
        connection.close()
        return lines

    before = dump()
    command = [sys.executable, "-c", CUT, str(statement), "init", "--data", str(site.data)]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL

    assert dump() == before
    assert f"version « {revision} »" in site.refused("verify")
    assert f"brought from version {revision} to {latest_schema()}" in site.well("init")
    site.well("verify")
