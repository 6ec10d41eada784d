"""``verify`` of the bytes: each that was changed is named, and none of a sound site."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from davserver import verify as verifying
from davserver.verify import store
from tests import damaged
from tests.conftest import Start
from tests.console import Console, opened
from tests.damaged import BOX, OWNER, damage, differences

console = damaged.console  # a fixture


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SECOND_LOOK", 0.0)


def blobs(console: Console) -> list[Path]:
    """The files of the pieces, largest first."""
    files = [file for file in (console.data / "blobs").glob("*/*") if file.is_file()]
    return sorted(files, key=lambda file: file.stat().st_size, reverse=True)


def snapshot(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith(("-shm", "-wal"))
    }


def test_a_sound_site_has_no_difference_and_is_not_changed(console: Console) -> None:
    before = snapshot(console.data)

    text = console.well("verify")

    assert text.startswith("0 differences; checked: ")
    assert differences(console) == differences(console, "--quick") == []
    assert snapshot(console.data) == before


@pytest.mark.embedded
def test_it_tells_how_much_it_looked_at(console: Console) -> None:
    checked = console("verify", "--json").json["checked"]

    assert set(checked) == {"nodes", "blobs", "bytes", "deposits", "journal"}
    assert checked["bytes"] == sum(file.stat().st_size for file in blobs(console))
    assert checked["deposits"] == len(console.json("deposits", "list"))


@pytest.mark.embedded
def test_one_flipped_byte_is_found_and_its_file_named(console: Console) -> None:
    largest = blobs(console)[0]
    content = bytearray(largest.read_bytes())
    content[1000] ^= 1
    largest.write_bytes(content)

    (found,) = differences(console)

    assert found.endswith("its bytes were changed")
    assert "Pièce n°12 - Constat.pdf" in found
    assert differences(console, "--quick") == []  # which looks at sizes alone


@pytest.mark.embedded
@pytest.mark.parametrize("option", ["--json", "--quick"])
def test_bytes_that_are_missing_or_cut_or_longer_are_found(console: Console, option: str) -> None:
    largest, second, third = blobs(console)[:3]
    largest.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    third.write_bytes(third.read_bytes() + b"x")

    found = differences(console, option)

    assert len(found) == 3
    assert all(any(file.name in line for line in found) for file in (largest, second, third))


@pytest.mark.embedded
def test_every_difference_is_printed_without_json_too(console: Console) -> None:
    for file in blobs(console)[:2]:
        file.unlink()

    done = console("verify")

    assert done.code == 1
    assert done.out.count("its bytes cannot be read") == 2
    assert "2 differences" in done.out


@pytest.mark.embedded
@pytest.mark.usefixtures("at_once")
def test_old_bytes_without_a_row_are_found_and_young_ones_may_be_on_their_way(
    console: Console,
) -> None:
    orphan = console.data / "blobs" / "ab" / ("ab" * 20)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"x")

    with opened(console) as site:
        young = verifying.verify(site)
        assert (young.differences, len(young.notes)) == ([], 1)
        assert young.notes[0].startswith(f"blob {orphan.name}: bytes that no row names; kept until")
        site.clock = lambda: datetime.now(UTC) + timedelta(days=2)
        old = verifying.verify(site)
        (found,) = old.differences
        assert old.notes == []

    assert found.startswith(f"blob {orphan.name}: bytes that no row names")
    assert orphan.exists()


@pytest.mark.usefixtures("at_once")
def test_bytes_that_the_sweep_takes_meanwhile_are_not_missed(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "cd" * 20
    columns = "(key, size, sha256, created)"
    damage(console, f"INSERT INTO blob {columns} VALUES ('{key}', 1, 'x', '2024-01-01')")
    hashed = store._hash_fault

    def swept(*arguments: Any) -> str | None:
        damage(console, f"DELETE FROM blob WHERE key = '{key}'")
        return hashed(*arguments)

    with opened(console) as site:
        (missing,) = verifying.verify(site).differences
        monkeypatch.setattr(store, "_hash_fault", swept)

        assert missing == f"blob {key} (no file): its bytes cannot be read"
        assert verifying.verify(site).differences == []


@pytest.mark.embedded
def test_a_store_that_is_away_is_no_list_of_losses(console: Console) -> None:
    (console.data / "blobs").rename(console.data / "démonté")

    assert "stockage" in console.refused("verify")


def test_it_runs_while_the_site_is_written_to(start: Start) -> None:
    server = start({"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "0.2"})
    dav = server.dav(OWNER)
    done = threading.Event()

    def deposit() -> None:
        for number in range(200):
            if done.is_set():
                break
            path = (*BOX, f"Pièce n°{100 + number}.pdf")
            assert dav.put(path, b"%PDF-1.4 " + bytes([number]) * 5000).status == 201
            if number % 3 == 0:
                assert dav.delete(path).status in (204, 403)

    writer = threading.Thread(target=deposit)
    writer.start()
    try:
        console = Console(server.data)
        for _ in range(8):
            assert differences(console) == []
    finally:
        done.set()
        writer.join()
