"""Fixtures: the demo site, seeded once, served by a real process; on the back end of the run."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from davserver.site import Site, open_site
from davserver.tree.lookup import SPACE_NAME
from tests import backends, logins
from tests.asking import Ask, asker
from tests.clients import EXPERT
from tests.dav import Dav, Names
from tests.deposits import AUTHOR, OTHER
from tests.serving import Server

Start = Callable[..., Server]
# Variables, or what makes them for the data folder of the new site.
Environment = Mapping[str, str] | Callable[[Path], Mapping[str, str]]
_services = pytest.StashKey[backends.Services]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--backend scaled``: PostgreSQL and S3 instead of SQLite and a folder."""
    parser.addoption("--backend", choices=("embedded", backends.SCALED), default="embedded")


def pytest_configure(config: pytest.Config) -> None:
    """Start the services of the run, once: the processes of a parallel run are told of them."""
    if config.getoption("--backend") == backends.SCALED and not hasattr(config, "workerinput"):
        os.environ[backends.CHOSEN] = backends.SCALED
        config.stash[_services] = services = backends.Services()
        services.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End them."""
    if _services in config.stash:
        config.stash[_services].stop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is of one back end alone is not collected for the other one."""
    other = "embedded" if backends.is_scaled() else backends.SCALED
    left_out = [item for item in items if item.get_closest_marker(other) is not None]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item.get_closest_marker(other) is None]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a demo site as it is at first; copied, never written."""
    data = tmp_path_factory.mktemp("seeded") / "data"
    server = Server(data).start()
    assert server.stop() == 0
    with closing(open_site(backends.settings(data))) as site:
        logins.ease(site)
    return data


@pytest.fixture
def site(seeded: Path, tmp_path: Path) -> Iterator[Site]:
    """A site of the demo's in this process."""
    backends.copy_site(seeded, tmp_path / "data")
    with closing(open_site(backends.settings(tmp_path / "data"))) as site:
        yield site


@pytest.fixture
def ask(site: Site) -> Ask:
    """What asks the application of ``site``."""
    return asker(site)


@pytest.fixture(scope="module")
def start(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts servers over fresh copies of the demo site; each is verified at the end."""
    with ExitStack() as stack:

        def started(environment: Environment | None = None) -> Server:
            data = tmp_path_factory.mktemp("site") / "data"
            backends.copy_site(seeded, data)
            chosen = environment(data) if callable(environment) else environment
            server = Server(data, environment=chosen)
            stack.callback(_end, server)
            return server.start()

        yield started


@pytest.fixture(scope="module")
def demo(start: Start) -> Server:
    """The demo site, shared by the tests of one file."""
    return start()


@pytest.fixture
def expert(demo: Server) -> Dav:
    """The expert of the demo site."""
    return demo.dav(EXPERT)


@pytest.fixture
def author(demo: Server) -> Dav:
    """A lawyer with a mailbox."""
    return demo.dav(AUTHOR)


@pytest.fixture
def other(demo: Server) -> Dav:
    """Another lawyer, of the other party."""
    return demo.dav(OTHER)


@pytest.fixture
def room(expert: Dav, request: pytest.FixtureRequest) -> Iterator[Names]:
    """A folder in the expert's space, for one test."""
    folder = (SPACE_NAME, re.sub(r"\W", " ", request.node.name).strip())
    assert expert.mkcol(folder).status == 201
    yield folder
    expert.delete(folder)


def _end(server: Server) -> None:
    if server.running:
        assert server.stop() == 0, server.log()[-2000:]
    server.verify()
