"""The bench measures what it says it does, and takes no wrong answer for a figure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bench import load, people, sites
from bench.files import Person
from davserver.model import Blob, Deposit, Dossier, Node, NodeKind, User
from davserver.settings import load as settings_of
from davserver.site import CONSOLE, open_site
from davserver.verify import verify
from tests.clients import EXPERT
from tests.programs import require_program
from tests.serving import PASSWORD, Server

pytestmark = pytest.mark.embedded  # it starts its own server

ROOT = Path(__file__).parent.parent


def test_the_bench_measures_and_writes_its_tables(tmp_path: Path) -> None:
    require_program("wrk")
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--rounds", "2", "--seconds", "0.3", "--peer", "davserver",
         "--peer", "rclone serve", "--write", str(tmp_path), "propfind-1", "get-512m"],
        env={**os.environ, "BENCH_LARGE_MIB": "2"},
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert [row["workload"] for row in told["rows"]] == ["propfind-1", "get-512m"]
    for row in told["rows"]:
        assert row["failures"] == {}
        assert {name: len(figures) for name, figures in row["figures"].items()} == {
            "davserver": 2, "rclone serve": 2,
        }  # fmt: skip
        assert all(figure > 0 for figures in row["figures"].values() for figure in figures)
    table = (tmp_path / "bench.md").read_text(encoding="utf-8")
    assert table in done.stdout
    assert "PROPFIND Depth 1 of 1,000 members" in table and "GET 2 MiB" in table


def test_a_wrong_answer_is_no_figure(demo: Server) -> None:
    require_program("wrk")
    expert = Person(EXPERT, PASSWORD).authorization
    space = f"{demo.url}/dav/Espace%20de%20l'expert/"

    def ask(url: str, statuses: set[int], least: int = 0) -> load.Ask:
        return load.Ask("GET", url, frozenset(statuses), least, expert)

    assert load.many(ask(space, {200}), seconds=0.2) > 0
    with pytest.raises(load.Wrong):
        load.many(ask(space, {207}), seconds=0.2)
    with pytest.raises(load.Wrong):
        load.many(ask(space, {200}, 100_000), seconds=0.2)
    with pytest.raises(load.Wrong):
        load.many(ask("http://127.0.0.1:1/", {200}), seconds=0.2)
    with pytest.raises(load.Wrong):
        load.once(ask(space, {200}), size=1)


def test_a_site_of_some_size_is_as_if_it_had_been_used(tmp_path: Path) -> None:
    data = tmp_path / "data"

    sites.built(data, sites.Scale(pieces=1_200, dossiers=12, people=150), moved=30)

    site = open_site(settings_of(None, data=data))
    try:
        report = verify(site)
        with site.reading(CONSOLE, people.CLIENT) as work:
            count = {
                table: work.session.scalar(select(func.count(table.id))) or 0
                for table in (Node, Blob, Deposit, User)
            }
            titles = set(work.session.scalars(select(Dossier.title)))
            most = work.session.scalars(
                select(func.count(Node.id))
                .where(Node.kind == NodeKind.FILE)
                .group_by(Node.parent_id)
                .order_by(func.count(Node.id).desc())
            ).first()
    finally:
        site.close()
    assert report.differences == [] and report.notes == []
    assert report.checked["deposits"] == count[Deposit] >= 1_200
    assert count[Blob] >= 1_230
    assert abs(count[User] - 150) < 10
    assert len([title for title in titles if title.startswith("20")]) == 12
    assert most is not None and most <= 1_000


@pytest.mark.timeout(420)
def test_growth_is_measured_and_told(tmp_path: Path) -> None:
    require_program("wrk")
    done = subprocess.run(
        [sys.executable, "-m", "bench.growth", "--pieces", "60", "120", "--moved", "20",
         "--idle", "40", "--rounds", "1", "--seconds", "0.3", "--write", str(tmp_path),
         "changed-1", "rename-empty", "rename-full", "deposit"],
        env={**os.environ, "BENCH_LARGE_MIB": "8"},
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "growth.json").read_text(encoding="utf-8"))
    assert {row["workload"] for row in told["rows"]} == {
        "changed-1", "rename-empty", "rename-full", "deposit",
    }  # fmt: skip
    for row in told["rows"]:
        assert row["failures"] == {}
        assert {name: len(figures) for name, figures in row["figures"].items()} == {
            "60 pieces": 1, "120 pieces": 1,
        }  # fmt: skip
    held = told["crowding"]
    assert held["idle"] == held["held"] == 40
    for kind in ("at_rest", "after_load", "before_upload", "uploading"):
        for memory in held[kind]:
            assert 1 << 23 < memory["private"] <= memory["pss"] <= memory["rss"] < 1 << 29
    assert 0 < held["start"] < 60
    assert 0 < held["alone"]["median"] <= held["alone"]["slow"]
    table = (tmp_path / "growth.md").read_text(encoding="utf-8")
    assert table in done.stdout
    assert "times as long as of the empty one: 60 pieces: " in table
    assert "40 of 40 held ✓" in table
