"""What the clock decides: the cap of what is kept open, seals, deadlines, closings (D16, D21, R04).

The clock of this server stands still until a test moves it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from davserver.model import DossierState
from tests.console import Console
from tests.dav import Dav
from tests.mixed import OWNER_FILE
from tests.model.site import LOGINS, Box, TimedSite
from tests.model.tree import AUTHOR, DAY, EXPERT, HOUR, MINUTE, QUIET_UNLOCKED
from tests.races.uploads import Upload
from tests.serving import PASSWORD

A, B = b"Contenu, premiere version.", b"Contenu, seconde version, autre."
MILLISECOND = 0.001


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedSite]:
    made = TimedSite(tmp_path_factory.mktemp("clock"))
    yield made
    made.close()


@pytest.fixture
def box(site: TimedSite) -> Box:
    return site.fresh()


def person(site: TimedSite, who: str) -> Dav:
    return Dav(site.server.url, LOGINS[who], PASSWORD)


def kinds(site: TimedSite, box: Box) -> list[str]:
    """What was told of in this dossier, by kind."""
    queue = Console(site.server.data).json("alerts", "queue")
    return [message["kind"] for message in queue if message["dossier"] == box.title]


def acts(site: TimedSite, box: Box) -> list[str]:
    rows = Console(site.server.data).json("journal", "list", "--dossier", box.title)
    return [row["act"] for row in rows]


def test_d16_a_lock_that_is_kept_for_days_seals_what_is_there(site: TimedSite, box: Box) -> None:
    author, expert, name = person(site, AUTHOR), person(site, EXPERT), (*box.places["box"], "p.pdf")
    author.put(name, A)
    token = author.lock(name).headers["lock-token"]
    refresh = {"If": f"({token})", "Timeout": "Second-3600"}
    for _ in range(9):
        site.wait(1 * MINUTE)
        assert author.request("LOCK", name, b"", refresh).status == 200
        assert expert.get(name).status == 404
    site.wait(2 * MINUTE)

    assert expert.get(name).body == A
    assert author.put(name, B, If=f"({token})").status == 403
    assert kinds(site, box) == ["dépôt"]


def test_d16_an_empty_name_that_is_kept_for_days_is_dropped_with_a_notice(
    site: TimedSite, box: Box
) -> None:
    author, expert, name = person(site, AUTHOR), person(site, EXPERT), (*box.places["box"], "p.pdf")
    token = author.lock(name, Timeout="Second-3600").headers["lock-token"]
    refresh = {"If": f"({token})", "Timeout": "Second-3600"}
    for _ in range(47):
        site.wait(HOUR / 2)
        assert author.request("LOCK", name, b"", refresh).status == 200
    assert expert.put(name, B).status == 423
    site.wait(HOUR / 2 + MINUTE)  # the lock is still good

    assert author.get(name).status == expert.get(name).status == 404
    assert kinds(site, box) == ["dépôt inachevé"]
    assert expert.put(name, B).status == 201


def test_d21_litter_is_kept_for_a_day(site: TimedSite, box: Box) -> None:
    author, name = person(site, AUTHOR), (*box.places["box"], "~$Constat.docx")
    assert author.put(name, OWNER_FILE).status == 201
    site.wait(DAY - HOUR)
    assert author.get(name).body == OWNER_FILE
    site.wait(2 * HOUR)
    assert author.get(name).status == 404


@pytest.mark.parametrize("late", [-1, 0, 1], ids=["T-1ms", "T", "T+1ms"])
@pytest.mark.parametrize("act", ["PUT", "DELETE", "MOVE"])
def test_r04_at_the_moment_of_the_seal_an_act_comes_before_or_after_it(
    site: TimedSite, box: Box, act: str, late: int
) -> None:
    author, expert = person(site, AUTHOR), person(site, EXPERT)
    name, other = (*box.places["box"], "p.pdf"), (*box.places["box"], "q.pdf")
    author.put(name, A)
    site.wait(QUIET_UNLOCKED + late * MILLISECOND)
    is_sealed = expert.get(name).status == 200
    assert is_sealed == (late >= 0)

    statuses = {
        "PUT": lambda: author.put(name, B).status,
        "DELETE": lambda: author.delete(name).status,
        "MOVE": lambda: author.move(name, other).status,
    }
    assert statuses[act]() == (403 if is_sealed else {"PUT": 204, "DELETE": 204, "MOVE": 201}[act])
    # A seal that was due meanwhile does not take what has just changed.
    site.wait(2 * MILLISECOND)
    if not is_sealed:
        assert expert.get(name).status == expert.get(other).status == 404
        site.wait(2 * QUIET_UNLOCKED)
    expected = {
        "PUT": (200, 404, B), "DELETE": (404, 404, b""), "MOVE": (404, 200, A)
    }[act] if not is_sealed else (200, 404, A)  # fmt: skip
    assert (expert.get(name).status, expert.get(other).status) == expected[:2]
    for path in (name, other):
        if expert.get(path).status == 200:
            assert expert.get(path).body == expected[2]
    assert len(site.sealed(box)) == expected[:2].count(200)


@pytest.mark.parametrize("late", [-1, 0, 1], ids=["T-1ms", "T", "T+1ms"])
def test_r04_a_deposit_is_late_from_the_first_millisecond_after_the_deadline(
    site: TimedSite, box: Box, late: int
) -> None:
    """One date, that of the last byte, decides: not the seal's, which comes a minute later."""
    author, name = person(site, AUTHOR), (*box.places["box"], "p.pdf")
    deadline = site.clock() + timedelta(minutes=10)
    console = Console(site.server.data)
    console.well("dossier", "state", box.title, "--deadline", deadline.isoformat())
    site.wait(10 * MINUTE + late * MILLISECOND)
    assert author.put(name, A).status == 201
    site.wait(2 * MINUTE)

    (row,) = console.json("deposits", "list", "--dossier", box.title)
    assert row["state"] == "sealed"
    assert row["late_seconds"] == max(0, late)
    received = site.clock() - timedelta(minutes=2)
    told = {key: datetime.fromisoformat(row[key]) for key in ("received_at", "sealed_at")}
    assert abs((told["received_at"] - received).total_seconds()) < 1
    assert told["sealed_at"] > told["received_at"]
    (line,) = [
        line for line in console.json("journal", "list", "--dossier", box.title)
        if line["act"] == "deposit.seal"
    ]  # fmt: skip
    assert line["facts"]["late_seconds"] == row["late_seconds"]


@pytest.mark.parametrize("late", [-1, 0, 1], ids=["T-1ms", "T", "T+1ms"])
def test_r04_what_came_before_the_closing_is_a_deposit_and_what_comes_after_is_refused(
    site: TimedSite, box: Box, late: int
) -> None:
    author, expert = person(site, AUTHOR), person(site, EXPERT)
    before, after = (*box.places["box"], "avant.pdf"), (*box.places["box"], "après.pdf")
    begun = (*box.places["box"], "commencée.pdf")
    assert author.put(before, A).status == 201
    assert author.put(begun).status == 201
    site.clock.advance(MILLISECOND * (2 + late))
    site.set_state(box, DossierState.CLOSED)

    assert author.put(after, A).status == 403
    assert author.put(begun, A).status == 403
    assert author.put(before, B).status == 403
    site.wait(0)
    assert expert.get(before).body == A
    assert expert.get(after).status == expert.get(begun).status == 404
    assert acts(site, box).count("refused") == 3
    assert acts(site, box).count("deposit.seal") == 1


def test_r04_an_upload_that_meets_the_closing_is_refused_and_noted(
    site: TimedSite, box: Box
) -> None:
    author, expert = person(site, AUTHOR), person(site, EXPERT)
    name, kept = (*box.places["box"], "trop tard.pdf"), (*box.places["box"], "avant.pdf")
    assert author.put(kept, A).status == 201
    uploads = [Upload(site.server.url, LOGINS[AUTHOR], path, B) for path in (name, kept)]
    site.clock.advance(MILLISECOND)
    site.set_state(box, DossierState.CLOSED)

    assert [upload.finish() for upload in uploads] == [403, 403]
    site.clock.advance(120)  # longer than the lease of a transfer
    site.wait(0)
    assert expert.get(name).status == author.get(name).status == 404
    assert expert.get(kept).body == A
    assert acts(site, box).count("refused") == 2
    assert acts(site, box).count("deposit.seal") == 1
