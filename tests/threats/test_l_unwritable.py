"""The journal cannot be written: nothing is done that it does not tell, and reading goes on."""

import sqlite3
from pathlib import Path

import pytest

from tests.faults.site import BOX, EXPERT, LAWYER, SPACE, Breakable, copied

pytestmark = pytest.mark.embedded
BROKEN = (
    "CREATE TRIGGER broken BEFORE INSERT ON journal "
    "BEGIN SELECT RAISE(ABORT, 'the journal is broken'); END"
)


def test_l04_without_its_journal_line_nothing_is_done_and_reading_goes_on(tmp_path: Path) -> None:
    copied(tmp_path / "data")
    with Breakable(tmp_path) as server:
        expert, lawyer = server.dav(EXPERT), server.dav(LAWYER)
        path = (*SPACE, "note.pdf")
        assert expert.put(path, b"before").status == 201
        statement(server.data, BROKEN)
        assert expert.put(path, b"after").status == 503
        assert expert.mkcol((*SPACE, "folder")).status == 503
        assert expert.move(path, (*SPACE, "moved.pdf")).status == 503
        assert expert.delete(path).status == 503
        assert lawyer.put((*BOX, "piece.pdf"), b"%PDF").status == 503
        assert expert.get(path).body == b"before"
        assert expert.names(SPACE) == ["note.pdf"]
        assert lawyer.names(BOX) == []
        assert list((server.data / "spool").iterdir()) == []
        statement(server.data, "DROP TRIGGER broken")
        assert expert.put(path, b"after").status == 204
        assert expert.get(path).body == b"after"


def statement(data: Path, sql: str) -> None:
    database = sqlite3.connect(data / "davserver.sqlite")
    database.execute(sql)
    database.close()
