"""F11: bytes go only when nobody has named them for a while, whoever else is at work."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from davserver.site import open_site
from davserver.storage.sweep import sweep
from tests import backends, rows
from tests.console import copied
from tests.serving import Server

Start = Callable[..., Server]
PLANS = ("2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle", "08 Plans")
PDF = b"%PDF-1.4 " + bytes(range(256)) * 40


def test_f11_bytes_whose_last_file_goes_stay_for_the_grace_and_may_be_named_again(
    seeded: Path, tmp_path: Path
) -> None:
    console = copied(seeded, tmp_path)
    site = open_site(backends.settings(console.data))
    day, now = timedelta(days=1), datetime.now(UTC)
    plan = rows.ask(console.data, "SELECT id, blob_id FROM node WHERE name LIKE 'Plan RDC%'")[0]
    key = rows.ask(console.data, f"SELECT key FROM blob WHERE id = {plan[1]}")[0][0]
    forget = f"UPDATE node SET blob_id = NULL WHERE id = {plan[0]}"
    name = f"UPDATE node SET blob_id = {plan[1]} WHERE id = {plan[0]}"

    def swept(hours: int) -> bool:
        sweep(site.database, site.blobs, now + timedelta(hours=hours), day)
        return key not in dict(site.blobs.keys())

    rows.alter(console.data, forget)
    assert not swept(0)
    assert not swept(23)
    rows.alter(console.data, name)
    assert not swept(25)
    rows.alter(console.data, forget)
    assert not swept(26)
    assert not swept(49)
    assert swept(51)
    site.close()


def test_f11_deposits_copies_and_deletions_under_a_busy_sweep_lose_nothing(start: Start) -> None:
    server = start({"DAVSERVER_STORAGE__ORPHAN_GRACE": "3600"})
    dav = server.dav("apolline.testard")
    site = open_site(backends.settings(server.data))
    done = threading.Event()
    swept: list[int] = []

    def busy() -> None:
        while not done.is_set():
            # No grace for what rows have forgotten; bytes on their way are younger than this.
            with_rows = site.clock() + timedelta(minutes=59)
            swept.append(sweep(site.database, site.blobs, with_rows, timedelta(hours=1)))

    # What is unused must be seen as old: the mark of the first sweep is an hour back.
    sweeper = threading.Thread(target=busy)
    sweeper.start()
    try:
        end = time.monotonic() + 6
        number = 0
        while time.monotonic() < end or number <= 3:
            number += 1
            content = PDF + number.to_bytes(4, "big")
            first, copy = (*PLANS, f"{number}.pdf"), (*PLANS, f"copie {number}.pdf")
            assert dav.put(first, content).status == 201
            assert dav.copy(first, copy).status == 201
            assert dav.delete(first).status == 204
            assert dav.get(copy).body == content
            rows.alter(
                server.data,
                "UPDATE blob SET unused_since = '2024-01-01 00:00:00' WHERE unused_since"
                " IS NOT NULL",
            )
    finally:
        done.set()
        sweeper.join()
    for one in range(1, number + 1):
        body = dav.get((*PLANS, f"copie {one}.pdf")).body
        assert body == PDF + one.to_bytes(4, "big")
    site.close()
