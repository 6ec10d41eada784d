"""Fixtures: the demo site as it is reached straight, and through nginx."""

import resource
from collections.abc import Iterator

import pytest

from tests.conftest import Start
from tests.nginx import BEHIND, Nginx
from tests.threats.doors import Door


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
