"""Bytes that the disk has turned, or does not give: never passed off as the piece."""

import os
from collections.abc import Iterator
from http.client import IncompleteRead
from itertools import count
from pathlib import Path

import pytest

from tests.dav import Names
from tests.faults import calls
from tests.faults.site import EXPERT, SPACE, Breakable, copied

pytestmark = pytest.mark.embedded
_serial = count(1)
LARGE = 3_000_000  # bytes: several blocks


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    folder = tmp_path_factory.mktemp("damage")
    copied(folder / "data")
    with Breakable(folder, {"DAVSERVER_SERVER__WORKERS": "1"}) as server:
        yield server


def put(server: Breakable, size: int) -> tuple[Names, bytes, Path]:
    """A new piece: its place, its bytes, its file in the store."""
    before = set((server.data / "blobs").glob("*/*"))
    path, body = (*SPACE, f"{next(_serial)}.pdf"), os.urandom(size)
    assert server.dav(EXPERT).put(path, body).status == 201
    (blob,) = set((server.data / "blobs").glob("*/*")) - before
    return path, body, blob


def flip(blob: Path, place: int) -> None:
    """Turn one bit."""
    with blob.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("place", [0, LARGE // 2, LARGE - 1])
def test_f06_a_damaged_piece_is_never_given_out_whole(server: Breakable, place: int) -> None:
    path, body, blob = put(server, LARGE)
    flip(blob, place)
    with pytest.raises(IncompleteRead) as cut:
        server.dav(EXPERT).get(path)
    assert len(cut.value.partial) < LARGE
    assert f'"blob": "{blob.name}"' in server.log()
    done = server.run("verify")
    assert done.returncode == 1 and f"blob {blob.name}" in done.stdout
    flip(blob, place)  # nothing was deleted: what was mended is given out again
    assert server.dav(EXPERT).get(path).body == body


def test_f06_a_small_damaged_piece_is_503(server: Breakable) -> None:
    path, body, blob = put(server, 1_000)
    flip(blob, 500)
    assert server.dav(EXPERT).get(path).status == 503
    flip(blob, 500)
    assert server.dav(EXPERT).get(path).body == body


def test_f06_no_download_that_was_cut_is_completed_by_a_range(server: Breakable) -> None:
    path, body, blob = put(server, LARGE)
    flip(blob, 10)
    expert = server.dav(EXPERT)
    assert expert.get(path, Range="bytes=100-199").body == body[100:200]
    with pytest.raises(IncompleteRead):
        expert.get(path, Range="bytes=100-")
    assert expert.get(path, Range="bytes=-1").status == 503
    flip(blob, 10)
    assert expert.get(path, Range="bytes=100-").body == body[100:]
    assert expert.get(path, Range="bytes=-1").body == body[-1:]


def test_f06_a_piece_of_another_length_is_never_given_out_whole(server: Breakable) -> None:
    path, body, blob = put(server, LARGE)
    blob.write_bytes(body[:-1])
    with pytest.raises(IncompleteRead):
        server.dav(EXPERT).get(path)
    blob.write_bytes(body)
    assert server.dav(EXPERT).get(path).body == body


def test_f06_a_disk_that_does_not_read_is_503_or_cuts(server: Breakable) -> None:
    path, body, _ = put(server, LARGE)
    (worker,) = server.workers()
    output = server.folder / "strace"
    reads = [number for number, call in enumerate(read_calls(server, path, worker), 1) if call]
    for number, name in ((reads[0], "first"), (reads[-1], "last")):
        with calls.traced(worker, output, ["read"], inject=f"read:error=EIO:when={number}"):
            if name == "first":
                assert server.dav(EXPERT).get(path).status == 503
            else:
                with pytest.raises(IncompleteRead):
                    server.dav(EXPERT).get(path)
    assert server.dav(EXPERT).get(path).body == body
    assert server.run("verify").returncode == 0


def read_calls(server: Breakable, path: Names, worker: int) -> list[bool]:
    """The calls of « read » of the thread that serves a GET: whether each is of the piece."""
    with calls.traced(worker, server.folder / "strace", ["read"]) as trace:
        assert server.dav(EXPERT).get(path).status == 200
    thread = next(call.thread for call in trace.calls if "/blobs/" in call.arguments)
    return ["/blobs/" in call.arguments for call in trace.calls if call.thread == thread]
