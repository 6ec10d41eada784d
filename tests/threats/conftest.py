"""People of the demo site, and a new folder for each test."""

import itertools

import pytest

from tests.console import Console
from tests.dav import Dav, Names
from tests.serving import Server
from tests.threats.scene import ASSISTANT, AUTHOR, EXPERT, PLANS

_numbers = itertools.count()


@pytest.fixture
def expert(demo: Server) -> Dav:
    return demo.dav(EXPERT)


@pytest.fixture
def assistant(demo: Server) -> Dav:
    """One who adds and changes in the plans, and removes nothing there."""
    Console(demo.data).well(
        "rights", "grant", "/".join(("", *PLANS)), ASSISTANT, "lire,ajouter,modifier"
    )
    return demo.dav(ASSISTANT)


@pytest.fixture
def author(demo: Server) -> Dav:
    """A lawyer with a mailbox."""
    return demo.dav(AUTHOR)


@pytest.fixture
def room(expert: Dav) -> Names:
    """A new folder that everybody in the dossier reads, and where the expert may do everything."""
    folder = (*PLANS, f"essai {next(_numbers)}")
    assert expert.mkcol(folder).status == 201
    return folder
