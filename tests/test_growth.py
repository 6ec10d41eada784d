"""What is asked again and again looks at what it is about alone, however much a site holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from davserver.accounts.credentials import actor_of
from davserver.accounts.people import find
from davserver.model import NodeState
from davserver.policy import Actor
from davserver.site import CONSOLE, Site
from davserver.tree import folders, lookup, members, put, relocate, side_files, synchronise
from davserver.tree.lookup import SPACE_NAME
from davserver.tree.write import EMPTY
from davserver.work import Client
from davserver.worker import settle_deposits, settle_locks, settle_side_files
from tests.clients import DOSSIER, box

pytestmark = pytest.mark.embedded  # the plans are SQLite's

AUTHOR, EXPERT = "cabinet.brumaire-kalve", "apolline.testard"
CLIENT = Client("webdav")
GROW = {"node", "blob", "deposit", "journal", "message", "message_line", "recipient", "removal"}


@contextmanager
def planned(site: Site, told: Callable[[str, list[str]], None]) -> Iterator[None]:
    """Tells each statement meanwhile, with the steps by which SQLite finds its rows."""

    def executed(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            told(statement, [str(row[3]) for row in plan.fetchall()])

    event.listen(site.database.engine, "after_cursor_execute", executed)
    yield
    event.remove(site.database.engine, "after_cursor_execute", executed)


@contextmanager
def reading_whole(site: Site) -> Iterator[dict[str, list[str]]]:
    """The statements meanwhile, each with the tables that it reads whole, of those that grow."""
    read: dict[str, list[str]] = {}

    def told(statement: str, plan: list[str]) -> None:
        steps = [step.split() for step in plan]
        # In the order of an index until enough is found is no whole table.
        whole = [step[1] for step in steps if step[0] == "SCAN" and "LIMIT" not in statement]
        read[statement] = [table for table in whole if table.removesuffix("_1") in GROW]

    with planned(site, told):
        yield read


def actor(site: Site, login: str) -> Actor:
    with site.reading(CONSOLE, CLIENT) as work:
        return actor_of(find(work.session, login))


def test_the_background_work_reads_no_table_that_grows(site: Site) -> None:
    with reading_whole(site) as read:
        settle_deposits(site)
        settle_side_files(site)
        settle_locks(site)

    assert len(read) >= 4
    assert {statement: whole for statement, whole in read.items() if whole} == {}


def test_a_temporary_file_reads_no_table_that_grows(site: Site) -> None:
    author = actor(site, AUTHOR)
    path = (DOSSIER, *box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")[1:], "~WRD0001.tmp")

    with reading_whole(site) as read, site.writing(author, CLIENT) as work:
        made = put.store(work, path, EMPTY, put.no_condition)
        assert made.node.state is NodeState.SIDE
        assert side_files.has_room(work, 1)

    assert len(read) >= 4
    assert {statement: whole for statement, whole in read.items() if whole} == {}


def test_a_persons_dossiers_and_folders_are_found_by_an_index(site: Site) -> None:
    expert = actor(site, EXPERT)
    steps: list[str] = []

    with (
        planned(site, lambda statement, plan: steps.extend(plan)),
        site.reading(expert, CLIENT) as work,
    ):
        dossier, space = lookup.find(work, (SPACE_NAME,)).existing()
        assert len(lookup.sources(work)) == 3
        assert work.outline(dossier).chain(space.id) == (space.id,)

    # Neither among all that lies at the root, nor among the files of a dossier.
    for index in ("ix_node_folder", "ix_node_source"):
        assert any(index in step for step in steps)
    assert [step for step in steps if "(parent_id=?)" in step or "ix_node_change" in step] == []


def test_a_folder_is_renamed_as_fast_whatever_is_in_it(site: Site) -> None:
    expert = actor(site, EXPERT)
    full, empty = (SPACE_NAME, "plein"), (SPACE_NAME, "vide")
    with site.writing(expert, CLIENT) as work:
        for folder in (full, empty):
            folders.make(work, folder, put.no_condition)
        for number in range(40):
            put.store(work, (*full, f"{number}.txt"), EMPTY, put.no_condition)

    def renamed(folder: tuple[str, str], name: str) -> tuple[int, int]:
        """The statements that it takes, and the rows that are written."""
        with reading_whole(site) as read, site.writing(expert, CLIENT) as work:
            driver: Any = work.session.connection().connection.dbapi_connection
            before = driver.total_changes
            relocate.move(work, folder, (SPACE_NAME, name), put.no_condition, overwrite=False)
            return len(read), driver.total_changes - before

    assert renamed(full, "pleine") == renamed(empty, "videe")


def test_a_sync_report_asks_no_more_for_many_new_folders_than_for_few(site: Site) -> None:
    expert, room = actor(site, EXPERT), (SPACE_NAME, "dossiers")
    with site.writing(expert, CLIENT) as work:
        folders.make(work, room, put.no_condition)

    def statements(number: int) -> int:
        """Those that tell of so many folders made since, each with a file."""
        with site.reading(expert, CLIENT) as work:
            spot = lookup.find(work, room)
            token = synchronise.since(work, spot, "", deep=True).token
        with site.writing(expert, CLIENT) as work:
            for one in range(number):
                folder = (*room, f"{number} {one}")
                folders.make(work, folder, put.no_condition)
                put.store(work, (*folder, "a.txt"), EMPTY, put.no_condition)
        asked: list[str] = []
        noting = planned(site, lambda statement, plan: asked.append(statement))
        with noting, site.reading(expert, CLIENT) as work:
            changes = synchronise.since(work, lookup.find(work, room), token, deep=True)
        assert len(changes.changed) == 2 * number
        return len(asked)

    assert statements(2) == statements(30)


def test_more_folders_than_one_statement_names_bring_all_that_is_in_them(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "_MOST", 2)
    expert, before, after = actor(site, EXPERT), (SPACE_NAME, "avant"), (SPACE_NAME, "après")
    with site.writing(expert, CLIENT) as work:
        for room in (before, after, *((*before, str(one)) for one in range(5))):
            folders.make(work, room, put.no_condition)
        for one in range(5):
            put.store(work, (*before, str(one), "a.txt"), EMPTY, put.no_condition)
    with site.reading(expert, CLIENT) as work:
        token = synchronise.since(work, lookup.find(work, after), "", deep=True).token
    with site.writing(expert, CLIENT) as work:
        for one in range(5):
            source, target = (*before, str(one)), (*after, str(one))
            relocate.move(work, source, target, put.no_condition, overwrite=False)
    with site.reading(expert, CLIENT) as work:
        changes = synchronise.since(work, lookup.find(work, after), token, deep=True)
    assert len(changes.changed) == 10
