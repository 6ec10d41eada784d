"""Uploads that meet: one free name, the last room of a quota (threats R01 and R03).

R02, anything at once, is test_r_serial.py; R04, the moment of a seal, is test_r_clock.py. The long
form is ``./run races``.
"""

import hashlib
import os
import random
from collections.abc import Iterator

import pytest

from tests.console import Console
from tests.dav import Dav
from tests.model.site import LOGINS, Box, TimedSite
from tests.model.tree import AUTHOR, EXPERT, QUIET_UNLOCKED
from tests.races.uploads import Upload, finish_all
from tests.serving import PASSWORD

ROUNDS = int(os.environ.get("RACES_UPLOADS", "6"))
ABORTS = int(os.environ.get("RACES_ABORTS", "40"))
AT_ONCE = (2, 3, 5, 8, 12, 14)  # both processes together have 8 threads: the others wait
QUOTA = 300_000  # bytes


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedSite]:
    made = TimedSite(tmp_path_factory.mktemp("uploads"), threads=32)
    yield made
    made.close()


def person(site: TimedSite, who: str) -> Dav:
    return Dav(site.server.url, LOGINS[who], PASSWORD)


def used(site: TimedSite, box: Box) -> int:
    rows = Console(site.server.data).json("dossier", "list")
    return int(next(row["used"] for row in rows if row["title"] == box.title))


def content(number: int, size: int) -> bytes:
    return f"contenu {number} ".encode().ljust(size, b"x")


@pytest.mark.timeout(120 + 10 * ROUNDS)
def test_r01_of_uploads_that_meet_on_a_free_name_one_wins_and_no_other_is_told_so(
    site: TimedSite,
) -> None:
    chance = random.Random(1)
    box = site.fresh()
    won = {}
    for number in range(ROUNDS):
        name = (*box.places["box"], f"{number}.pdf")
        count = AT_ONCE[number] if number < len(AT_ONCE) else chance.randint(2, 50)
        # All secretaries of one cabinet have one account; the expert may deposit here, too.
        logins = [LOGINS[AUTHOR if number % 3 or i else EXPERT] for i in range(count)]
        uploads = [
            Upload(site.server.url, login, name, content(i, 2_000 + i), chunked=i % 2 == 0)
            for i, login in enumerate(logins)
        ]
        assert all(upload.permitted for upload in uploads)
        statuses = finish_all(uploads)

        assert sorted(statuses)[0] == 201, statuses
        assert statuses.count(201) == 1, statuses
        assert set(statuses) <= {201, 409, 423}, statuses
        winner = statuses.index(201)
        won[name[-1]] = hashlib.sha256(uploads[winner].body).hexdigest()
        author = Dav(site.server.url, logins[winner], PASSWORD)
        assert author.get(name).body == uploads[winner].body
    site.wait(QUIET_UNLOCKED + 1)

    rows = Console(site.server.data).json("deposits", "list", "--dossier", box.title)
    assert {row["name"]: row["sha256"] for row in rows} == won
    assert len(rows) == len(won)


def test_r01_the_same_content_twice_at_once_is_one_deposit_and_two_successes(
    site: TimedSite,
) -> None:
    """A program that repeats a PUT of whose answer it hears nothing."""
    box = site.fresh()
    name = (*box.places["box"], "deux fois.pdf")
    uploads = [Upload(site.server.url, LOGINS[AUTHOR], name, content(1, 5_000)) for _ in range(4)]
    statuses = finish_all(uploads)

    assert sorted(statuses) == [201, 204, 204, 204]
    site.wait(QUIET_UNLOCKED + 1)
    assert len(site.sealed(box)) == 1


def test_r01_who_publishes_at_once_does_not_lose_what_came_under_a_free_name(
    site: TimedSite,
) -> None:
    """Where one may modify a later PUT replaces; not one that began when the name was free."""
    box = site.fresh()
    name = (*box.places["plans"], "plan.pdf")
    uploads = [Upload(site.server.url, LOGINS[EXPERT], name, content(i, 3_000)) for i in range(5)]
    statuses = finish_all(uploads)

    assert sorted(statuses) == [201, 409, 409, 409, 409]
    expert = person(site, EXPERT)
    assert expert.get(name).body == uploads[statuses.index(201)].body
    assert expert.put(name, b"la suite").status == 204


@pytest.mark.parametrize("kind", ["announced", "chunked", "lying"])
@pytest.mark.parametrize(("size", "fit"), [(QUOTA - 1_000, 1), (QUOTA // 3 - 1_000, 3)])
def test_r03_uploads_that_meet_never_pass_the_quota(
    site: TimedSite, kind: str, size: int, fit: int
) -> None:
    box = site.fresh(quota=QUOTA)
    headers = {"X-Expected-Entity-Length": "10"} if kind == "lying" else {}
    uploads = [
        Upload(
            site.server.url, LOGINS[AUTHOR], (*box.places["box"], f"{i}.pdf"), content(i, size),
            chunked=kind != "announced", headers=headers,
        )
        for i in range(20)
    ]  # fmt: skip
    statuses = finish_all(uploads)

    if kind == "lying":
        assert set(statuses) == {400}, "a body that is not as long as it was said to be"
        fit = 0
    else:
        assert sorted(statuses) == [201] * fit + [507] * (20 - fit)
    assert used(site, box) == fit * size <= QUOTA
    left = QUOTA - used(site, box)
    author = person(site, AUTHOR)
    assert author.put((*box.places["box"], "reste.pdf"), b"x" * left).status == 201
    assert author.put((*box.places["box"], "un de trop.pdf"), b"x").status == 507
    assert used(site, box) == QUOTA


def test_r03_copies_and_moves_that_meet_never_pass_the_quota(site: TimedSite) -> None:
    box = site.fresh(quota=QUOTA)
    author = person(site, AUTHOR)
    source = (*box.places["box"], "source.pdf")
    assert author.put(source, b"x" * (QUOTA // 4)).status == 201
    uploads = [
        Upload(site.server.url, LOGINS[AUTHOR], (*box.places["box"], f"{i}.pdf"),
               content(i, QUOTA // 4))
        for i in range(6)
    ]  # fmt: skip
    statuses = finish_all(uploads)
    copies = [author.copy(source, (*box.places["box"], f"c{i}.pdf")).status for i in range(3)]

    assert sorted(statuses) == [201] * 3 + [507] * 3
    assert copies == [507] * 3
    assert used(site, box) == QUOTA


@pytest.mark.timeout(120 + ABORTS)
def test_r03_the_counter_is_exact_after_many_aborted_uploads(site: TimedSite) -> None:
    box = site.fresh(quota=QUOTA)
    author = person(site, AUTHOR)
    kept = (*box.places["box"], "gardée.pdf")
    assert author.put(kept, content(0, 1_000)).status == 201
    for number in range(ABORTS):
        path = kept if number % 3 == 0 else (*box.places["box"], f"{number}.pdf")
        upload = Upload(
            site.server.url, LOGINS[AUTHOR], path, content(number, 60_000), chunked=number % 2 == 0
        )
        assert upload.permitted
        upload.cut()

    assert author.put((*box.places["box"], "après.pdf"), content(1, 2_000)).status == 201
    assert sorted(author.names(box.places["box"])) == sorted(["gardée.pdf", "après.pdf"])
    assert author.get(kept).body == content(0, 1_000)
    assert used(site, box) == 3_000
