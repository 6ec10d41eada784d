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

from davserver.model import schema
from davserver.site import open_site
from davserver.storage.sweep import sweep
from davserver.verify import store, verify
from tests import backends, released
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
    # Since then one piece was purged and swept, another came: long ago, for a sweep.
    known = [file for file in (console.data / "blobs").glob("*/*") if file.is_file()]
    went = max(known, key=lambda file: file.stat().st_size)
    went.unlink()
    newer = console.data / "blobs" / "cd" / ("cd" * 20)
    newer.parent.mkdir(exist_ok=True)
    newer.write_bytes("déposée après la sauvegarde".encode())
    old = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    os.utime(newer, (old, old))
    # The administrator puts the rows back by hand.
    (generation,) = (folder / "generations").iterdir()
    for file in console.data.glob("davserver.sqlite*"):
        file.unlink()
    shutil.copy(generation / "rows.sqlite", console.data / "davserver.sqlite")

    site = open_site(backends.settings(console.data))
    try:
        found = verify(site).differences
        assert len(found) == 2
        assert any(went.name in line and "cannot be read" in line for line in found)
        assert any(newer.name in line and "no row names" in line for line in found)

        now = site.clock()
        for passed in (timedelta(), timedelta(hours=1), GRACE - timedelta(hours=1)):
            assert sweep(site.database, site.blobs, now + passed, GRACE) == 0
        assert newer.exists()
        # Whoever has not put things right within the grace does not want them.
        for passed in (GRACE + timedelta(hours=1), 2 * GRACE + timedelta(hours=2)):
            sweep(site.database, site.blobs, now + passed, GRACE)
        assert not newer.exists()
        assert {file for file in known if file.exists()} == {*known} - {went}
    finally:
        site.close()


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
    assert "davserver init" in site.refused("verify")
    assert f"brought from version {revision} to {schema.latest()}" in site.well("init")
    site.well("verify")
