"""What is away, damaged or put back from another day: named to who keeps the server, once a minute
and not twice a second, and never to its users."""

import json
import logging
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from davserver import logs
from tests import backends
from tests.clients import DOSSIER, EXPERT
from tests.conftest import Start
from tests.console import copied
from tests.serving import Server, wait_for

PLANS = (DOSSIER, "08 Plans")
PDF = b"%PDF-1.4 outage"


def lines(server: Server, *words: str) -> list[dict[str, Any]]:
    """The lines of the log in which all of ``words`` stand."""
    found = [line for line in server.log().splitlines() if all(word in line for word in words)]
    return [json.loads(line) for line in found if line.startswith("{")]


@pytest.mark.embedded
def test_rows_of_another_day_leave_pieces_that_verify_names(start: Start, tmp_path: Path) -> None:
    server = start()
    assert server.stop() == 0
    rows = [file for file in server.data.glob("davserver.sqlite*") if file.is_file()]
    kept = tmp_path / "rows"
    kept.mkdir()
    for file in rows:
        shutil.copy2(file, kept)
    server.start()
    assert server.dav(EXPERT).put((*PLANS, "perdu.pdf"), PDF).status == 201
    assert server.stop() == 0
    for file in server.data.glob("davserver.sqlite*"):
        file.unlink()
    for file in kept.iterdir():
        shutil.copy2(file, server.data)

    done = server.run("verify")

    assert done.returncode == 0
    (named,) = [line for line in done.stdout.splitlines() if "no row names" in line]
    key = named.split()[1].rstrip(":")
    assert (server.data / "blobs" / key[:2] / key).read_bytes() == PDF
    assert server.json("verify")["notes"] == [named]


@pytest.mark.embedded
def test_a_server_does_not_start_without_the_folder_where_bytes_come_in(
    seeded: Path, tmp_path: Path
) -> None:
    console = copied(seeded, tmp_path)
    shutil.rmtree(console.data / "spool")

    assert "spool" in console.refused("serve", "--port", "0")


@pytest.mark.embedded
def test_a_store_that_goes_is_told_to_the_log_with_its_reason(start: Start) -> None:
    server = start()
    dav = server.dav(EXPERT)
    blobs = server.data / "blobs"
    blobs.rename(server.data / "away")

    for _ in range(5):
        reply = dav.put((*PLANS, "x.pdf"), PDF)
        assert reply.status == 503
        assert "marker" not in reply.message
    told = lines(server, "the store of pieces is away: the marker of this site is not there")
    assert 1 <= len(told) <= len(server.workers())
    (server.data / "away").rename(blobs)
    assert dav.put((*PLANS, "x.pdf"), PDF).status == 201


@pytest.mark.embedded
def test_damaged_rows_are_503_and_a_few_lines_of_the_log(start: Start, tmp_path: Path) -> None:
    server = start()
    assert server.stop() == 0
    kept = tmp_path / "kept"
    shutil.copytree(server.data, kept, ignore=shutil.ignore_patterns("*-shm", "*-wal"))
    server.start()
    file = server.data / "davserver.sqlite"
    with file.open("r+b") as damaged:
        damaged.seek(4_096)
        damaged.write(b"\xa5" * (file.stat().st_size - 4_096))

    statuses: set[int] = set()

    def told() -> list[dict[str, Any]]:
        # What a process remembers of the file is right; each connection looks by itself.
        with ThreadPoolExecutor(8) as threads:
            drives = [server.dav(EXPERT)] * 8
            statuses.update(threads.map(lambda dav: dav.propfind(PLANS).status, drives))
        return lines(server, "the database is damaged", "malformed")

    wait_for(told, 60, "the reason")
    assert statuses <= {207, 503}
    assert len(lines(server, '"level": "error"')) < 30
    server.kill()
    for left in server.data.glob("davserver.sqlite*"):
        left.unlink()
    shutil.copy2(kept / "davserver.sqlite", server.data)


@pytest.mark.scaled
@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [("SECRET_KEY", "wrong", "403"), ("ENDPOINT", "http://127.0.0.1:9", "error sending request")],
)
def test_a_store_that_refuses_says_why_to_who_runs_a_command(
    seeded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    setting: str, value: str, reason: str,
) -> None:  # fmt: skip
    console = copied(seeded, tmp_path)
    changed = backends.environment(console.data) | {f"DAVSERVER_S3__{setting}": value}
    monkeypatch.setattr(backends, "environment", lambda data: changed)

    sentence = console.refused("verify")

    assert "momentanément indisponible" in sentence
    assert reason in sentence
    assert "127.0.0.1" not in sentence


def test_what_repeats_itself_is_told_once_with_how_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    repeats = logs.Repeats()

    def heard(level: int, text: str, **facts: Any) -> tuple[bool, dict[str, Any]]:
        record = logging.LogRecord("davserver.x", level, "", 0, text, (), None)
        record.__dict__["facts"] = facts
        return repeats.filter(record), record.__dict__["facts"]

    assert heard(logging.WARNING, "away")[0]
    assert [heard(logging.WARNING, "away")[0] for _ in range(9)] == [False] * 9
    assert heard(logging.WARNING, "away", client="other")[0]
    assert heard(logging.ERROR, "damaged")[0]
    assert [heard(logging.INFO, "request")[0] for _ in range(2)] == [True] * 2
    now[0] += 61
    assert heard(logging.WARNING, "away") == (True, {"repeated": 9})
    now[0] += 61
    assert heard(logging.WARNING, "away") == (True, {})
