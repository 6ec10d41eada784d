"""A worker that holds too much memory is followed by a fresh one, and nobody notices."""

import sys
import time

import pytest

from tests.serving import wait_for
from tests.tiny_server import Running, running, worker_ids

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells what a process holds"),
]
MOST = 90_000_000  # bytes: a tiny worker holds some 30 million, and 100 million more on demand


def ask(server: Running, path: str) -> bytes:
    return server.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).body


def test_a_worker_that_has_grown_is_followed_by_a_fresh_one() -> None:
    with running(worker_memory=MOST) as server:
        first = ask(server, "/pid")
        assert ask(server, "/hold") == b"held"
        wait_for(lambda: ask(server, "/pid") != first, what="a new worker")
        server.wait_for("holds more than 85 MiB: a new one follows")
        server.wait_for("stopped")
        second = ask(server, "/pid")
        time.sleep(2)
        assert ask(server, "/pid") == second  # which is light
        assert len(worker_ids(server)) == 2


def test_what_is_held_for_a_moment_counts_for_nothing() -> None:
    with running(worker_memory=MOST) as server:
        first = ask(server, "/pid")
        for _ in range(20):
            ask(server, "/swell")
            time.sleep(0.1)
        assert ask(server, "/pid") == first


def test_without_a_bound_a_worker_may_grow() -> None:
    with running() as server:
        first = ask(server, "/pid")
        ask(server, "/hold")
        time.sleep(2)
        assert ask(server, "/pid") == first
