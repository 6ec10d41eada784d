"""The settings on which the durability of rows hangs, on the real connections; many writers."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from davserver.settings import load
from davserver.site import CONSOLE, Site
from davserver.work import Client
from tests.faults.site import EXPERT, SPACE, Breakable, copied

pytestmark = pytest.mark.embedded
WRITERS = 50


def test_f10_each_connection_is_durable_checked_and_patient(tmp_path: Path) -> None:
    copied(tmp_path / "data")
    site = Site(load(None, data=tmp_path / "data"))
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    with site.database.engine.connect() as first, site.database.engine.connect() as second:
        for connection in (first, second):
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
            assert found == wanted
    site.close()


def test_f10_a_writer_has_its_lock_from_the_beginning(tmp_path: Path) -> None:
    copied(tmp_path / "data")
    site = Site(load(None, data=tmp_path / "data"))
    other = sqlite3.connect(tmp_path / "data" / "davserver.sqlite", timeout=0, isolation_level=None)
    with (
        site.writing(CONSOLE, Client("console")),
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")
    with site.reading(CONSOLE, Client("console")):
        other.execute("BEGIN IMMEDIATE")
    other.close()
    site.close()


def test_f10_fifty_writers_at_once_wait_for_each_other(tmp_path: Path) -> None:
    copied(tmp_path / "data")
    with Breakable(tmp_path, {"DAVSERVER_SERVER__THREADS": "25"}) as server:
        assert server.dav(EXPERT).propfind(SPACE).status == 207

        def write(number: int) -> int:
            return server.dav(EXPERT).put((*SPACE, f"{number}.pdf"), b"%PDF" * number).status

        with ThreadPoolExecutor(WRITERS) as pool:
            statuses = list(pool.map(write, range(1, WRITERS + 1)))
        assert statuses == [201] * WRITERS
        assert len(server.dav(EXPERT).names(SPACE)) == WRITERS


def test_f10_who_makes_a_folder_that_is_there_waits_for_no_writer(tmp_path: Path) -> None:
    copied(tmp_path / "data")
    with Breakable(tmp_path) as server:
        expert = server.dav(EXPERT)
        assert expert.mkcol((*SPACE, "Plans")).status == 201
        other = sqlite3.connect(server.data / "davserver.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        assert expert.mkcol((*SPACE, "Plans")).status == 405
        assert time.monotonic() - begun < 5
        other.close()
