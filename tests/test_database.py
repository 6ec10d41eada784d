"""Transactions of one process beside each other."""

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
