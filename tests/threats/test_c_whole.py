"""C03 and C09: whole or not at all, wherever the disk fails or the power goes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from davserver.accounts import people
from davserver.accounts.credentials import actor_of
from davserver.errors import Unavailable
from davserver.model import JournalLine, Lock, Node
from davserver.settings import load
from davserver.site import CONSOLE, open_site
from davserver.tree import duplicate, put, relocate, remove
from davserver.work import Client, Work
from tests.clients import cut_power
from tests.conftest import Start
from tests.console import copied
from tests.dav import Dav, Names
from tests.threats.scene import DOSSIER, EXPERT, SPACE

Operation = Callable[[Work], object]
PHOTOS: Names = (DOSSIER, "07 Photos et vidéos")
_SOURCE: Names = (*PHOTOS, "Réunion n°1 - 12 mars 2024")
_TARGET: Names = (*PHOTOS, "but")
_CLIENT = Client("test")


def _copy(work: Work) -> object:
    return duplicate.copy(work, _SOURCE, _TARGET, put.no_condition, overwrite=True, deep=True)


def _move(work: Work) -> object:
    return relocate.move(work, _SOURCE, _TARGET, put.no_condition, overwrite=True)


def _delete(work: Work) -> None:
    remove.remove(work, _TARGET, put.no_condition)


class Failing:
    """A site on which the n-th statement of an operation finds a disk that fails."""

    def __init__(self, data: Path) -> None:
        self.site = open_site(load(data=data))
        with self.site.reading(CONSOLE, _CLIENT) as work:
            self._actor = actor_of(people.find(work.session, EXPERT))
        self._count, self._failing = 0, 0
        event.listen(self.site.database.engine, "before_cursor_execute", self._counted)

    def _counted(self, *_: Any) -> None:
        self._count += 1
        if self._count == self._failing:
            raise OperationalError("", {}, OSError("disk I/O error"))

    def run(self, operation: Operation, failing: int = 0) -> int:
        """Run it; how many statements it took. Raises Unavailable at the one that fails."""
        self._count, self._failing = 0, failing
        with self.site.writing(self._actor, _CLIENT) as work:
            operation(work)
        return self._count

    def rows(self) -> list[tuple[Any, ...]]:
        """All nodes, locks and lines."""
        self._failing = 0
        with self.site.reading(self._actor, _CLIENT) as work:
            tables = (Node.__table__, Lock.__table__, JournalLine.__table__)
            return [tuple(row) for table in tables for row in work.session.execute(select(table))]


@pytest.fixture
def failing(seeded: Path, tmp_path: Path) -> Iterator[Failing]:
    console = copied(seeded, tmp_path)
    found = Failing(console.data)
    try:
        yield found
    finally:
        found.site.close()
        console.well("verify")


def require_whole(failing: Failing, operation: Operation) -> None:
    """At whatever statement the disk fails, nothing has happened; without a fault, all has."""
    failing.run(_copy)
    before = failing.rows()
    failed = 0
    while True:
        try:
            steps = failing.run(operation, failed + 1)
        except Unavailable:
            failed += 1
            assert failing.rows() == before, f"at statement {failed}"
        else:
            break
    assert (failed, failing.rows() != before) == (steps, True)
    assert failed > 10


@pytest.mark.embedded
@pytest.mark.parametrize("operation", [_copy, _move])
def test_c03_what_is_overwritten_outlives_a_failure_at_any_statement(
    failing: Failing, operation: Operation
) -> None:
    require_whole(failing, operation)


@pytest.mark.embedded
def test_c09_a_removal_that_fails_at_any_statement_has_removed_nothing(failing: Failing) -> None:
    require_whole(failing, _delete)


def tree(person: Dav, folder: Names) -> list[Names]:
    """All paths below a folder."""
    found: list[Names] = []
    for response in person.propfind(folder).xml.findall("{DAV:}response")[1:]:
        name = (response.findtext("{DAV:}href") or "").rstrip("/").rpartition("/")[2]
        found.append((name,))
        if response.find("{*}propstat/{*}prop/{*}resourcetype/{DAV:}collection") is not None:
            found += [(name, *deeper) for deeper in tree(person, (*folder, name))]
    return sorted(found)


@pytest.mark.timeout(300)
def test_c09_a_tree_is_copied_moved_and_removed_whole_when_the_power_goes(start: Start) -> None:
    server = start()
    expert = server.dav(EXPERT)
    source = (*SPACE, "mille")
    expert.mkcol(source)
    expert.put((*source, "f"), b"f")
    seconds = 0.0
    for number in range(6):  # each copy doubles what there is
        expert.copy(source, (*SPACE, "pli"))
        begun = time.monotonic()
        assert expert.move((*SPACE, "pli"), (*source, f"d{number}")).status == 201
        seconds = time.monotonic() - begun
    begun = time.monotonic()
    assert expert.copy(source, (*SPACE, "copie")).status == 201
    seconds = max(seconds, time.monotonic() - begun)
    whole = tree(expert, source)
    assert len(whole) == 127

    acts: dict[str, Callable[[], object]] = {
        "COPY": lambda: expert.copy(source, (*SPACE, "neuf")),
        "MOVE": lambda: expert.move((*SPACE, "copie"), (*PHOTOS, "neuf")),
        "DELETE": lambda: expert.delete((*SPACE, "copie")),
    }
    for name, act in acts.items():

        def asked(act: Callable[[], object] = act) -> None:
            with suppress(OSError, HTTPException):
                act()

        asking = threading.Thread(target=asked)
        asking.start()
        time.sleep(seconds * (0.6 if name == "COPY" else 0.1))
        cut_power(server)
        asking.join()
        server.start()

        assert tree(expert, source) == whole, name
        for folder in ((*SPACE, "neuf"), (*SPACE, "copie"), (*PHOTOS, "neuf")):
            if expert.propfind(folder, "0").status == 207:
                assert tree(expert, folder) == whole, (name, folder)
        server.verify()
