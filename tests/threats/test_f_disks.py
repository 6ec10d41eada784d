"""Disks that are full or cannot be written: nothing half done, reading goes on, room heals."""

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

import pytest

from tests.faults import acts, disks
from tests.faults.site import BOX, EXPERT, LAWYER, SPACE, Breakable, copied, made, parted
from tests.serving import wait_for

pytestmark = pytest.mark.embedded
_serial = count(1)


class Two:
    """A server with its pieces on one small disk and its rows on another."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.pieces = stack.enter_context(disks.memory(folder / "pieces", "size=4m"))
        self.rows = stack.enter_context(disks.memory(folder / "rows", "size=4m"))
        self.settings = parted(self.pieces / "data", self.rows)
        copied(self.pieces / "data", self.rows)
        self.server = Breakable(
            self.pieces, {"DAVSERVER_STORAGE__DATABASE": self.settings.storage.database}
        )
        stack.enter_context(self.server)
        self.kept = (*SPACE, "kept.pdf")
        assert self.server.dav(EXPERT).put(self.kept, acts.content("kept")).status == 201

    def reads(self) -> None:
        """Fail unless somebody who has just come logs in, lists and reads."""
        expert = self.server.dav(EXPERT)
        assert "kept.pdf" in expert.names(SPACE)
        assert expert.get(self.kept).body == acts.content("kept")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with ExitStack() as stack:
        yield Two(tmp_path, stack)


def writes(two: Two) -> list[int]:
    """The statuses of one act of each kind; the last two take no room for a piece."""
    expert, number = two.server.dav(EXPERT), next(_serial)
    return [
        two.server.dav(LAWYER).put((*BOX, f"{number}.pdf"), acts.content("deposit")).status,
        expert.put(two.kept, acts.content("another")).status,
        expert.mkcol((*SPACE, f"{number}")).status,
        expert.move(two.kept, (*SPACE, f"{number} moved.pdf")).status,
    ]


def test_f04_a_full_disk_of_the_pieces_is_507_and_rows_go_on(two: Two) -> None:
    filler = disks.fill(two.pieces)
    assert writes(two)[:2] == [507, 507]
    assert list((two.pieces / "data" / "spool").iterdir()) == []
    filler.unlink()
    two.server.dav(EXPERT).move((*SPACE, f"{_last()} moved.pdf"), two.kept)
    two.reads()
    assert writes(two) == [201, 204, 201, 201]


def _last() -> int:
    return next(_serial) - 1


def test_f04_a_full_disk_of_the_rows_is_507_and_reading_goes_on(two: Two) -> None:
    filler = disks.fill(two.rows)
    # What is left in the database's own files takes some acts yet.
    statuses = [two.server.dav(EXPERT).mkcol((*SPACE, f"{n} folder")).status for n in range(60)]
    assert statuses[-5:] == [507] * 5, statuses
    assert set(writes(two)) == {507}
    two.reads()
    assert list((two.pieces / "data" / "spool").iterdir()) == []
    filler.unlink()
    assert writes(two) == [201, 204, 201, 201]


def test_f04_a_disk_without_inodes_is_507_and_leaves_nothing(tmp_path: Path) -> None:
    with disks.memory(tmp_path / "disk", "nr_inodes=60") as disk:
        copied(disk / "data")
        with Breakable(disk) as server:
            server.dav(EXPERT).put((*SPACE, "kept.pdf"), acts.content("kept"))
            taken = []
            with pytest.raises(OSError, match="No space left"):
                for number in range(100):
                    taken.append(disk / f"{number}")
                    taken[-1].touch()
            reply = server.dav(LAWYER).put((*BOX, "x.pdf"), acts.content("x"))
            assert reply.status == 507
            assert server.dav(EXPERT).get((*SPACE, "kept.pdf")).body == acts.content("kept")
            for path in taken[:-1]:
                path.unlink()
            reply = server.dav(LAWYER).put((*BOX, "x.pdf"), acts.content("x"))
            assert reply.status == 201


def test_f04_a_disk_that_has_become_read_only_refuses_writes_and_gives_out(tmp_path: Path) -> None:
    image = disks.image(tmp_path, "disk")
    server = Breakable(tmp_path / "mount", log=tmp_path / "log")
    kept = (*SPACE, "kept.pdf")
    with disks.mounted(image, server.folder):
        made(server.data)
        server.start()
        expert = server.dav(EXPERT)
        assert expert.put(kept, acts.content("kept")).status == 201
        disks.give_up(server.folder)
        for reply in (
            expert.put((*SPACE, "new.pdf"), acts.content("new")),
            expert.mkcol((*SPACE, "folder")),
            expert.delete(kept),
        ):
            assert reply.status == 503
        assert expert.names(SPACE) == ["kept.pdf"]
        assert expert.get(kept).body == acts.content("kept")
        assert server.stop() == 0
        server.end()
    with disks.mounted(image, server.folder), server:
        assert server.dav(EXPERT).get(kept).body == acts.content("kept")
        assert server.dav(EXPERT).put((*SPACE, "new.pdf"), acts.content("new")).status == 201


def test_f05_a_worker_without_handles_answers_503_and_recovers(tmp_path: Path) -> None:
    copied(tmp_path / "data")
    with Breakable(tmp_path, {"DAVSERVER_SERVER__WORKERS": "1"}) as server:
        expert = server.dav(EXPERT)
        assert expert.put((*SPACE, "kept.pdf"), acts.content("kept")).status == 201
        (worker,) = server.workers()
        before = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        wait_for(lambda: not connections(worker), what="the last connection to end")
        used = {int(one.name) for one in Path(f"/proc/{worker}/fd").iterdir()}
        free = [number for number in range(1_000) if number not in used]
        # One handle is for the connection; the piece finds none.
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (free[1], before[1]))
        status = expert.put((*SPACE, "x.pdf"), acts.content("x")).status
        resource.prlimit(worker, resource.RLIMIT_NOFILE, before)
        assert status == 503
        assert list((tmp_path / "data" / "spool").iterdir()) == []
        assert expert.put((*SPACE, "after.pdf"), acts.content("after")).status == 201
        assert server.workers() == [worker]


def connections(process: int) -> list[str]:
    """The sockets that a worker has beside the one on which all listen."""
    ends = []
    for one in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed this moment
            ends.append(os.readlink(one))
    tables = [Path(f"/proc/{process}/net/{name}").read_text() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    open_ones = {f"socket:[{row[9]}]" for row in rows if row[3] != "0A"}  # 0A: listening
    return [end for end in ends if end in open_ones]
