"""Fixtures: the demo site, seeded once, served by a real process."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.serving import Server

Start = Callable[..., Server]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a demo site as it is at first; copied, never written."""
    data = tmp_path_factory.mktemp("seeded") / "data"
    server = Server(data).start()
    assert server.stop() == 0
    return data


@pytest.fixture(scope="module")
def start(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts servers over fresh copies of the demo site; each is verified at the end."""
    with ExitStack() as stack:

        def started(environment: Mapping[str, str] | None = None) -> Server:
            data = tmp_path_factory.mktemp("site") / "data"
            shutil.copytree(seeded, data)
            server = Server(data, environment=environment)
            stack.callback(_end, server)
            return server.start()

        yield started


@pytest.fixture(scope="module")
def demo(start: Start) -> Server:
    """The demo site, shared by the tests of one file."""
    return start()


def _end(server: Server) -> None:
    if server.running:
        assert server.stop() == 0, server.log()[-2000:]
    server.verify()
