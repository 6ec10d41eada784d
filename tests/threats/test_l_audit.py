"""The journal: what was done is in it, and nobody changes it unseen (threats L01 to L04)."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from davserver.journal import BEGINNING, line_hash
from davserver.model import JournalLine
from davserver.site import open_site
from tests import backends
from tests.clients import DOSSIER, EXPERT, cut_power
from tests.conftest import Start
from tests.console import Console, copied
from tests.dav import Dav, Names, Reply
from tests.disks import fill, small_disk
from tests.serving import Server, wait_for
from tests.threats.rooms import BOX, NOTES, OTHER, OTHERS_BOX, OWNER, PDF, fresh, room, tree

SPACE: Names = ("Espace de l'expert",)
ACTS = 48  # so many that the power goes before they are done


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


@contextmanager
def hands_on(data: Path) -> Iterator[Session]:
    """The rows themselves, in the hands of somebody who may write to the database."""
    site = open_site(backends.settings(data))
    with site.database.writing() as session:
        yield session
    site.close()


def faults(console: Console, *options: str) -> list[str]:
    done = console("journal", "verify", "--json", *options)
    found = json.loads(done.out)
    assert done.code == (0 if found["ok"] else 1)
    return list(found["faults"])


def last(console: Console) -> int:
    return int(console.json("journal", "list", "--last", "1")[0]["id"])


@pytest.mark.parametrize(
    "change",
    ["at = '2020-01-01 00:00:00'", "actor = 'quelqu''un'", "channel = 'web'", "act = 'node.copy'",
     "facts = '{}'", "facts = facts || ' '", "dossier_id = 2", "dossier_id = NULL",
     "hash = previous",
     "previous = hash"],
)  # fmt: skip
def test_l01_a_line_that_was_changed_is_named(console: Console, change: str) -> None:
    line = last(console) - 7
    assert faults(console) == []
    with hands_on(console.data) as session:
        session.execute(text(f"UPDATE journal SET {change} WHERE id = {line}"))

    found = faults(console)

    assert any(f"journal {line}:" in fault for fault in found), found
    done = console("verify", "--quick")
    assert done.code == 1 and f"journal {line}:" in done.out


def test_l01_a_line_that_was_removed_is_named(console: Console) -> None:
    line = last(console) - 7
    with hands_on(console.data) as session:
        session.execute(text(f"DELETE FROM journal WHERE id = {line}"))

    assert faults(console) == [f"journal {line + 1}: the line before it is missing or was changed"]


def test_l01_lines_that_were_swapped_are_named(console: Console) -> None:
    line = last(console) - 7
    with hands_on(console.data) as session:
        for old, new in ((line, -1), (line + 1, line), (-1, line + 1)):
            session.execute(text(f"UPDATE journal SET id = {new} WHERE id = {old}"))

    found = faults(console)

    for number in (line, line + 1, line + 2):
        assert any(f"journal {number}:" in fault for fault in found), found


def test_l01_a_line_that_was_put_in_between_is_named(console: Console) -> None:
    line = last(console) - 7
    with hands_on(console.data) as session:
        session.execute(text(f"UPDATE journal SET id = id + 1000 WHERE id > {line}"))
        _append(session, line + 1, "file.publish", _hash_of(session, line))

    assert faults(console) == [
        f"journal {line + 1001}: the line before it is missing or was changed"
    ]


def _hash_of(session: Session, line: int) -> str:
    found = session.get(JournalLine, line)
    assert found is not None
    return found.hash


def _append(session: Session, number: int, act: str, previous: str) -> None:
    """A line that is as well made as any."""
    model = session.get(JournalLine, number - 1)
    assert model is not None
    line = JournalLine(id=number, at=model.at, dossier_id=None, actor="x", channel="x", act=act,
                       facts="{}", previous=previous, hash="")  # fmt: skip
    line.hash = line_hash(line)
    session.add(line)


def head(console: Console) -> str:
    return console.well("journal", "head").strip()


def test_l02_an_end_that_was_cut_off_shows_against_a_head_kept_elsewhere(console: Console) -> None:
    kept, line = head(console), last(console)
    assert kept.startswith(f"{line}:")
    assert faults(console, "--head", kept) == []
    with hands_on(console.data) as session:
        session.execute(text(f"DELETE FROM journal WHERE id > {line - 3}"))

    assert faults(console) == []  # what is left is a sound chain
    assert faults(console, "--head", kept) == [
        f"journal {line}: the end was cut off: this line was kept elsewhere"
    ]


def test_l02_a_chain_that_was_made_anew_shows_against_a_head_kept_elsewhere(
    console: Console,
) -> None:
    kept, line = head(console), last(console)
    with hands_on(console.data) as session:
        previous = BEGINNING
        for one in session.query(JournalLine).order_by(JournalLine.id):
            if one.id == line - 5:
                one.facts = '{"path": "une autre histoire"}'
            one.previous = previous
            one.hash = previous = line_hash(one)

    assert faults(console) == []
    assert faults(console, "--head", kept) == [
        f"journal {line}: this is not the line that was kept elsewhere"
    ]


def test_l02_an_older_database_shows_against_a_head_kept_elsewhere(
    seeded: Path, tmp_path: Path
) -> None:
    """Also when life has gone on since, so that there are as many lines as before."""
    older = copied(seeded, tmp_path)
    backends.copy_site(older.data, tmp_path / "today" / "data")
    today = Console(tmp_path / "today" / "data")
    today.well("user", "disable", OWNER)
    today.well("user", "disable", OTHER)
    kept = head(today)

    assert faults(today, "--head", kept) == []
    assert "the end was cut off" in faults(older, "--head", kept)[0]
    older.well("user", "enable", OWNER)
    older.well("user", "enable", OTHER)
    assert "not the line that was kept" in faults(older, "--head", kept)[0]
    assert faults(older) == []


def test_l02_a_head_that_is_none_is_refused(console: Console) -> None:
    for wrong in ("12", "12:zz", "x:" + "0" * 64, ""):
        assert "tête de journal" in console.refused("journal", "verify", "--head", wrong, code=2)
    assert faults(console, "--head", "0:" + "0" * 64) == []  # kept before there was any line


def lines_of(server: Server, act: str, beginning: str) -> Counter[str]:
    """How often each file whose name begins so is in the journal with this act."""
    names = [
        str(row["facts"]["path"]).rsplit("/", 1)[-1]
        for row in Console(server.data).json("journal", "list")
        if row["act"] == act
    ]
    return Counter(name for name in names if name.startswith(beginning))


def test_l03_many_writers_in_two_processes_make_one_chain(demo: Server) -> None:
    owner, expert, folder = demo.dav(OWNER), demo.dav(EXPERT), room(demo)
    before = last(Console(demo.data))

    def act(number: int) -> int:
        if number % 2:
            return owner.put((*BOX, f"l03 {number}.pdf"), PDF).status
        return expert.put((*folder, f"l03 {number}.pdf"), PDF).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(act, range(40)))

    assert statuses == [201] * 40
    console = Console(demo.data)
    assert faults(console) == []
    rows = [row for row in console.json("journal", "list") if row["id"] > before]
    assert len({row["previous"] for row in rows}) == len(rows)
    assert lines_of(demo, "deposit.receive", "l03") == {f"l03 {n}.pdf": 1 for n in range(1, 40, 2)}
    assert lines_of(demo, "file.publish", "l03") == {f"l03 {n}.pdf": 1 for n in range(0, 40, 2)}


@pytest.mark.parametrize("moment", [0.05, 0.3])
def test_l03_after_a_kill_each_act_has_its_line_and_each_line_its_act(
    start: Start, moment: float
) -> None:
    server = start({"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "600"})
    folder = room(server)

    def act(number: int) -> None:
        try:
            server.dav(EXPERT).put((*folder, f"l03 {number}.pdf"), PDF + str(number).encode())
            server.dav(OWNER).put((*BOX, f"l03 {number}.pdf"), PDF)
            server.dav(OWNER).delete((*BOX, f"l03 {number}.pdf"))
        except OSError:
            return

    with ThreadPoolExecutor(6) as pool:
        acts = [pool.submit(act, number) for number in range(ACTS)]
        wait_for(acts[0].done, 100, "the first act")
        wait_for(lambda: sum(one.done() for one in acts) > ACTS * moment, 100, "some more acts")
        cut_power(server)
    server.start()

    there = {name for name in server.dav(EXPERT).names(folder) if name.startswith("l03")}
    open_ = {name for name in server.dav(OWNER).names(BOX) if name.startswith("l03")}
    received = set(lines_of(server, "deposit.receive", "l03"))
    assert set(lines_of(server, "file.publish", "l03")) == there
    assert open_ == received - set(lines_of(server, "deposit.drop", "l03"))
    assert faults(Console(server.data)) == []
    assert 0 < len(there) < ACTS


@pytest.mark.embedded  # on the small disk are the rows
def test_l04_without_room_for_its_line_no_act_is_done_and_reading_goes_on(
    seeded: Path, tmp_path: Path
) -> None:
    with small_disk(seeded, tmp_path) as server:
        expert, owner = server.dav(EXPERT), server.dav(OWNER)
        for name in ("a.pdf", "b.pdf"):
            assert expert.put((*SPACE, name), PDF).status == 201
        assert owner.put((*BOX, "scellée.pdf"), PDF).status == 201
        wait_for(lambda: expert.get((*BOX, "scellée.pdf")).status == 200, 60, "the seal")
        filler = fill(server)

        for _ in range(12):  # the database may still have some free pages
            if {reply.status for reply in _all_acts(expert, owner)} == {507}:
                break
        before = tree(expert, SPACE), tree(expert, (DOSSIER,)), last(Console(server.data))
        acts = _all_acts(expert, owner)
        assert [reply.status for reply in acts] == [507] * len(acts)
        after = tree(expert, SPACE), tree(expert, (DOSSIER,)), last(Console(server.data))
        assert after == before
        assert expert.get((*BOX, "scellée.pdf")).body == PDF
        filler.unlink()

        assert faults(Console(server.data)) == []
        assert _all_acts(expert, owner)[0].status == 201  # the room is back


def _all_acts(expert: Dav, owner: Dav) -> list[Reply]:
    """One act of each kind, none of which needs room but for its rows."""
    number = fresh("acte")
    return [
        expert.mkcol((*SPACE, number)),
        expert.move((*SPACE, "a.pdf"), (*SPACE, f"{number}.pdf")),
        expert.copy((*SPACE, "b.pdf"), (*SPACE, f"{number}c.pdf")),
        expert.delete((*SPACE, "b.pdf")),
        owner.put((*BOX, f"{number}.pdf"), b"x"),
        owner.lock((*BOX, f"{number}.v.pdf")),
    ]


def test_l04_with_a_journal_that_takes_no_line_no_act_is_done(start: Start) -> None:
    """Whatever keeps the line from being written: it is in the transaction of the act."""
    server = start({"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "600"})
    expert, owner, other = server.dav(EXPERT), server.dav(OWNER), server.dav(OTHER)
    folder = room(server, "a.pdf", "b.pdf", "c.pdf")
    assert owner.put((*BOX, "ouverte.pdf"), PDF).status == 201
    before = tree(expert, (DOSSIER,))
    with hands_on(server.data) as session:
        session.execute(text("ALTER TABLE journal RENAME TO journal_away"))
    try:
        asks = [
            expert.put((*folder, "neuve.pdf"), PDF),
            expert.put((*folder, "a.pdf"), PDF * 2),
            expert.mkcol((*folder, "d")),
            expert.move((*folder, "a.pdf"), (*folder, "z.pdf")),
            expert.move((*folder, "a.pdf"), (*NOTES, f"{fresh()}.pdf")),
            expert.copy((*folder, "b.pdf"), (*folder, "y.pdf")),
            expert.delete((*folder, "c.pdf")),
            other.put((*OTHERS_BOX, "neuve.pdf"), PDF),
            other.lock((*OTHERS_BOX, "verrou.pdf")),
            owner.delete((*BOX, "ouverte.pdf")),
        ]
        assert {reply.status // 100 for reply in asks} == {5}
        assert tree(expert, (DOSSIER,)) == before
        assert expert.get((*folder, "a.pdf")).body == PDF
        assert owner.get((*BOX, "ouverte.pdf")).body == PDF
    finally:
        with hands_on(server.data) as session:
            session.execute(text("ALTER TABLE journal_away RENAME TO journal"))
    assert owner.delete((*BOX, "ouverte.pdf")).status == 204
    assert faults(Console(server.data)) == []
