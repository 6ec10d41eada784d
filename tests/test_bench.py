"""The bench measures what it says it does, and takes no wrong answer for a figure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import load
from bench.files import Person
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
