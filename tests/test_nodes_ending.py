"""A node that dies, or that is stopped, while several people work: nothing acknowledged is lost,
and who tries again goes on with the other node."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException

import pytest
from sqlalchemy import text

from davserver.demo.history import BRUMAIRE
from davserver.model.database import Database
from tests import backends
from tests.clients import DOSSIER, EXPERT, box, cut_power, deposits, sha256
from tests.conftest import Start
from tests.dav import Dav, Names
from tests.deposits import AUTHOR
from tests.nodes import Nodes, two_nodes
from tests.serving import Server, wait_for

pytestmark = pytest.mark.scaled

PLANS: Names = (DOSSIER, "08 Plans")
BOX = box(BRUMAIRE)
PEOPLE = 6  # who work at once
AWAY = frozenset({0, 502, 503})  # 0: the connection ended without an answer
_KEEPALIVES = ("idle", "interval", "count")
_SETTINGS = text(
    "SELECT name, setting FROM pg_settings WHERE name LIKE 'tcp_%' OR name LIKE 'client_%'"
)
PATIENCE = 20.0  # seconds for which a program tries again


@pytest.fixture(scope="module")
def nodes(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with two_nodes(start, tmp_path_factory.mktemp("nodes")) as both:
        yield both


class Load:
    """People who put, read and list by way of the proxy, one thing after another; each thing is
    tried again while no node answers."""

    def __init__(self, nodes: Nodes) -> None:
        self.kept: dict[Names, str] = {}  # what was acknowledged, and its hash
        self.failed: Counter[int] = Counter()  # tries that no node has answered
        self.wrong: list[str] = []
        self._nodes = nodes
        self._ended = threading.Event()
        self._numbers = itertools.count()

    @property
    def done(self) -> int:
        return len(self.kept)

    def work(self, number: int) -> None:
        """What one person does until the end."""
        login, folder = (AUTHOR, BOX) if number % 2 else (EXPERT, PLANS)
        dav = self._nodes.through(login)
        while not self._ended.is_set():
            path = (*folder, f"sous charge {next(self._numbers)}.txt")
            content = f"{path} ".encode() * 500
            # 204: the first try had its effect, and only its answer was lost.
            self._tried(dav, "PUT", path, content, {201, 204})
            self.kept[path] = sha256(content)
            if self._tried(dav, "GET", path, b"", {200}) != content:
                self.wrong.append(f"{path} is not what was acknowledged")
            self._tried(dav, "PROPFIND", folder, b"", {207})

    def end(self) -> None:
        self._ended.set()

    def _tried(
        self, dav: Dav, method: str, path: Names, body: bytes, right: set[int]
    ) -> bytes | None:
        end = time.monotonic() + PATIENCE
        while True:
            status, answer = 0, b""
            try:
                reply = dav.request(method, path, body, {"Depth": "1"})
                status, answer = reply.status, reply.body
            except (OSError, HTTPException):
                pass
            if status not in AWAY or time.monotonic() > end:
                break
            self.failed[status] += 1
            time.sleep(0.2)
        if status not in right:
            self.wrong.append(f"{method} {path}: {status}")
        return answer


@contextmanager
def under_load(nodes: Nodes) -> Iterator[Load]:
    """People work while the block runs; all that they were told must be true at its end."""
    load = Load(nodes)
    with ThreadPoolExecutor(PEOPLE) as pool:
        people = [pool.submit(load.work, number) for number in range(PEOPLE)]
        try:
            goes_on(load)
            yield load
            goes_on(load)
        finally:
            load.end()
        for person in people:
            person.result()
    assert load.wrong == []
    look = nodes.on_second(EXPERT)
    names = [path[-1] for path in load.kept if path[:-1] == BOX]
    wait_for(lambda: set(names) <= set(look.names(BOX)), 30, "all deposits to be sealed")
    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(load.kept, pool.map(look.get, load.kept), strict=True))
    assert {path: sha256(reply.body) for path, reply in found.items()} == load.kept
    sealed = deposits(nodes.second, AUTHOR)  # none twice
    assert {sealed[name]["state"] for name in names} == {"sealed"}


def goes_on(load: Load, pieces: int = 10) -> None:
    """Wait until so many more are acknowledged."""
    goal = load.done + pieces
    wait_for(lambda: load.done >= goal, 30, "the work to go on")


def answered(node: Server) -> int:
    """How many requests a node has logged."""
    return node.log().count('"event": "request"')


def begins_again(nodes: Nodes, node: Server, name: str) -> None:
    """Start a node; it serves its share again."""
    node.start()
    nodes.proxy.await_state(name, "UP")
    before = answered(node)
    wait_for(lambda: answered(node) > before + 20, 30, f"{name} to serve again")


def test_a_node_killed_under_load_loses_nothing_and_serves_again(nodes: Nodes) -> None:
    with under_load(nodes) as load:
        cut_power(nodes.first)  # all of its processes at once
        goes_on(load, 20)
        begins_again(nodes, nodes.first, "node1")
    nodes.first.verify()
    # What was under way there, and no more: the next requests go to the other node.
    assert load.failed.total() <= PEOPLE, load.failed


def test_a_node_stopped_under_load_fails_no_request(nodes: Nodes) -> None:
    with under_load(nodes) as load:
        for name, node in (("node1", nodes.first), ("node2", nodes.second)):
            assert node.stop() == 0
            goes_on(load)
            begins_again(nodes, node, name)
    assert load.failed == Counter()


def test_a_node_that_is_taken_out_by_hand_gets_nothing_more(nodes: Nodes) -> None:
    with under_load(nodes) as load:
        nodes.proxy.tell("set server nodes/node2 state drain")
        nodes.proxy.await_state("node2", "DRAIN")
        wait_for(lambda: nodes.proxy.told("node2")["scur"] == "0", what="its requests to end")
        time.sleep(0.5)  # the last ones are written to its log
        before = answered(nodes.second)
        goes_on(load)
        assert answered(nodes.second) == before
        nodes.proxy.tell("set server nodes/node2 state ready")
        wait_for(lambda: answered(nodes.second) > before, what="its share")
    assert load.failed == Counter()


def test_postgresql_notices_within_half_a_minute_that_a_node_has_vanished(nodes: Nodes) -> None:
    """A machine that loses its power says nothing: what its transactions hold would keep everybody
    else waiting for the two hours after which PostgreSQL looks by itself."""
    database = Database(backends.settings(nodes.first.data).storage.database_url)
    with database.engine.connect() as connection:
        told = {str(name): str(value) for name, value in connection.execute(_SETTINGS)}
    database.close()
    idle, interval, count = (int(told[f"tcp_keepalives_{one}"]) for one in _KEEPALIVES)
    assert idle > 0 and interval > 0 and idle + interval * count <= 30  # seconds, idle
    assert 0 < int(told["tcp_user_timeout"]) <= 30_000  # milliseconds, sending
    assert 0 < int(told["client_connection_check_interval"]) <= 30_000  # and working
