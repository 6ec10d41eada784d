"""Transactions of one process beside each other."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from davserver.model.database import _MOST, Database

pytestmark = pytest.mark.embedded  # PostgreSQL has its own queues


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{tmp_path / 'rows.sqlite'}")) as database:
        database.upgrade()
        yield database


def test_writers_that_wait_keep_no_connection_from_the_readers(database: Database) -> None:
    done = []

    def write() -> None:
        with database.writing() as session:
            session.execute(text("UPDATE platform SET quota = 1"))
        done.append(1)

    writers = [threading.Thread(target=write) for _ in range(2 * _MOST)]
    with database.writing():
        for writer in writers:
            writer.start()
        time.sleep(0.5)  # for all of them to wait
        begun = time.monotonic()
        with database.reading() as session:
            assert session.scalar(text("SELECT 1")) == 1
        assert time.monotonic() - begun < 1
        assert not done
    for writer in writers:
        writer.join(timeout=30)
    assert len(done) == len(writers)


_WRITING = """
import sys, time
from sqlalchemy import text
from davserver.model.database import Database
database = Database(sys.argv[1])
waited = 0.0
for turn in range(int(sys.argv[2])):
    begun = time.monotonic()
    with database.writing() as session:
        waited = max(waited, time.monotonic() - begun)
        session.execute(text("UPDATE platform SET quota = quota"))
        time.sleep(0.01)
print(waited)
"""


def test_two_processes_that_write_without_pause_take_turns(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'rows.sqlite'}"
    with closing(Database(address)) as database:
        database.upgrade()
    command = [sys.executable, "-c", _WRITING, address]
    writers = [
        subprocess.Popen([*command, turns], stdout=subprocess.PIPE, text=True)
        for turns in ("100", "100", "100")
    ]
    waited = [float(writer.communicate(timeout=60)[0]) for writer in writers]
    # In turn, two are before one; where they only look now and then, some miss a hundred turns.
    assert max(waited) < 0.5, waited


def test_a_writer_that_is_killed_leaves_its_place(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'rows.sqlite'}"
    with closing(Database(address)) as database:
        database.upgrade()
        stuck = _WRITING.replace("time.sleep(0.01)", "print(flush=True); time.sleep(60)")
        killed = subprocess.Popen(
            [sys.executable, "-c", stuck, address, "1"], stdout=subprocess.PIPE, text=True
        )
        assert killed.stdout is not None
        assert killed.stdout.readline() == "\n"  # it is inside
        killed.kill()
        killed.communicate()
        begun = time.monotonic()
        with database.writing() as session:
            session.execute(text("UPDATE platform SET quota = 1"))
        assert time.monotonic() - begun < 5


def test_where_no_file_can_be_made_writers_do_not_queue(tmp_path: Path) -> None:
    (tmp_path / "rows.sqlite-writers").mkdir()
    with closing(Database(f"sqlite:///{tmp_path / 'rows.sqlite'}")) as database:
        database.upgrade()
        with database.writing() as session:
            session.execute(text("UPDATE platform SET quota = 1"))


def test_a_process_that_was_halted_in_the_queue_stops_nobody(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'rows.sqlite'}")) as database:
        database.upgrade()
        with database.writing():
            pass  # the queue is made by who comes first
        held = (
            "import fcntl, sys, time; file = open(sys.argv[1], 'r+b');"
            "fcntl.lockf(file, fcntl.LOCK_EX, 1, 1); print(flush=True); time.sleep(60)"
        )
        halted = subprocess.Popen(
            [sys.executable, "-c", held, tmp_path / "rows.sqlite-writers"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert halted.stdout is not None
        assert halted.stdout.readline() == "\n"
        begun = time.monotonic()
        with database.writing() as session:
            session.execute(text("UPDATE platform SET quota = 1"))
        assert 0.5 < time.monotonic() - begun < 5
        halted.kill()
        halted.communicate()
