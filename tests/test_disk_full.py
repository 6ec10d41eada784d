"""A full disk: told as such, nothing lost, nothing left, reading goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.disks import DISK, fill, small_disk
from tests.serving import Server

SPACE = ("Espace de l'expert",)


@pytest.fixture
def small(seeded: Path, tmp_path: Path) -> Iterator[Server]:
    """The demo site on a disk of its own, which a test can fill."""
    with small_disk(seeded, tmp_path) as server:
        yield server


def test_a_full_disk_refuses_with_507_and_everything_else_goes_on(small: Server) -> None:
    expert = small.dav("apolline.testard")
    expert.put((*SPACE, "avant.pdf"), b"avant")

    reply = expert.put((*SPACE, "trop.pdf"), b"x" * DISK)

    assert reply.status == 507
    assert "place" in reply.message
    assert "trop.pdf" not in expert.names(SPACE)
    assert expert.get((*SPACE, "avant.pdf")).body == b"avant"
    assert list((small.data / "spool").iterdir()) == []
    assert expert.put((*SPACE, "après.pdf"), b"assez petit").status == 201


def test_a_disk_without_any_room_left_loses_nothing(small: Server) -> None:
    expert = small.dav("apolline.testard")
    filler = fill(small)

    statuses = [expert.put((*SPACE, f"{n}.pdf"), b"x" * 50_000).status for n in range(4)]

    assert set(statuses) == {507}
    assert expert.propfind(SPACE).status == 207
    assert "traceback" not in small.log().lower()
    filler.unlink()
    assert expert.put((*SPACE, "après.pdf"), b"la place est revenue").status == 201
    kept = [f"{n}.pdf" for n, status in enumerate(statuses) if status == 201]
    assert [name for name in expert.names(SPACE) if name.removesuffix(".pdf").isdigit()] == kept
