"""Fixtures of a site whose clock stands still: a fresh mailbox, and people at Windows' drive. The
file that uses them says which ``site``."""

import pytest

from tests.dav import Dav
from tests.model.site import LOGINS, Box, TimedSite
from tests.model.tree import AUTHOR, EXPERT
from tests.test_side_files import WINDOWS


@pytest.fixture
def box(site: TimedSite) -> Box:
    return site.fresh()


@pytest.fixture
def author(site: TimedSite) -> Dav:
    return site.server.dav(LOGINS[AUTHOR], agent=WINDOWS)


@pytest.fixture
def expert(site: TimedSite) -> Dav:
    return site.server.dav(LOGINS[EXPERT], agent=WINDOWS)
