"""Uploads that meet in two dossiers of one expert: the room of his platform is one (threat R03)."""

from collections.abc import Iterator

import pytest

from tests.console import Console
from tests.dav import Dav
from tests.model.site import LOGINS, TimedSite
from tests.model.tree import AUTHOR
from tests.races.uploads import Upload, finish_all
from tests.serving import PASSWORD

PLATFORM = 300_000  # bytes that all dossiers of the expert share; each alone has room for more


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimedSite]:
    with pytest.MonkeyPatch.context() as patch:
        # What a new platform gets, in this process and in those of the server.
        patch.setenv("DAVSERVER_LIMITS__PLATFORM_QUOTA", str(PLATFORM))
        made = TimedSite(tmp_path_factory.mktemp("platform"), threads=32)
        yield made
        made.close()


def used(site: TimedSite) -> int:
    """The bytes in all dossiers together."""
    return sum(row["used"] for row in Console(site.server.data).json("dossier", "list"))


@pytest.mark.parametrize(("size", "fit"), [(PLATFORM - 1_000, 1), (PLATFORM // 3 - 1_000, 3)])
def test_r03_uploads_that_meet_in_two_dossiers_never_pass_the_quota_of_their_platform(
    site: TimedSite, size: int, fit: int
) -> None:
    boxes = [site.fresh(quota=PLATFORM * 2) for _ in range(2)]
    for number in range(3):
        paths = [(*boxes[i % 2].places["box"], f"{number}.{i}.pdf") for i in range(6)]
        uploads = [
            Upload(site.server.url, LOGINS[AUTHOR], path, f"{path[-1]} ".encode().ljust(size),
                   chunked=i % 3 == 0)
            for i, path in enumerate(paths)
        ]  # fmt: skip
        assert all(upload.permitted for upload in uploads)
        statuses = finish_all(uploads)

        assert sorted(statuses) == [201] * fit + [507] * (6 - fit), statuses
        assert used(site) == fit * size <= PLATFORM
        author = Dav(site.server.url, LOGINS[AUTHOR], PASSWORD)
        for path, status in zip(paths, statuses, strict=True):
            assert author.delete(path).status == (204 if status == 201 else 404)
        assert used(site) == 0
