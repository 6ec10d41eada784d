"""Fixtures: the demo site straight and through nginx, its people, a new folder for each test."""

import itertools
import resource
from collections.abc import Iterator

import pytest

from tests.conftest import Start
from tests.console import Console
from tests.dav import Dav, Names
from tests.nginx import BEHIND, Nginx
from tests.serving import Server
from tests.threats.doors import Door
from tests.threats.scene import ASSISTANT, PLANS

_numbers = itertools.count()


@pytest.fixture(scope="module")
def direct(start: Start) -> Door:
    """The demo site, reached straight."""
    return Door(start())


@pytest.fixture(scope="module")
def nginx(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The demo site behind the shipped nginx."""
    server = start(BEHIND)
    proxy = Nginx(server, tmp_path_factory.mktemp("nginx")).start()
    yield Door(server, proxy)
    assert proxy.stored() == []
    proxy.stop()


@pytest.fixture(scope="module", params=["direct", "nginx"])
def door(request: pytest.FixtureRequest) -> Door:
    """Each of both ways."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Door)
    return found


@pytest.fixture(scope="module")
def many_files() -> Iterator[None]:
    """As many descriptors for the test itself as it may have: it is all the clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def assistant(demo: Server) -> Dav:
    """One who adds and changes in the plans, and removes nothing there."""
    Console(demo.data).well(
        "rights", "grant", "/".join(("", *PLANS)), ASSISTANT, "lire,ajouter,modifier"
    )
    return demo.dav(ASSISTANT)


@pytest.fixture
def room(expert: Dav) -> Names:
    """A new folder that everybody in the dossier reads, and where the expert may do everything."""
    folder = (*PLANS, f"essai {next(_numbers)}")
    assert expert.mkcol(folder).status == 201
    return folder
