"""Fixtures: one server on which all scripts are played, each with names of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import backends
from tests.replay.bodies import pdf
from tests.replay.script import Client, Play, Player, Row, Wait
from tests.replay.seconds import settings
from tests.replay.witness import Witness
from tests.serving import Server

LONG_SEALED = (
    "w5.pdf", "m5.pdf", "m6-sealed.txt", "d1-sealed.pdf", "r2.pdf", "l2.odt", "o1.docx", "o3.docx",
)  # fmt: skip


@pytest.fixture(scope="session")
def stage(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of the whole suite. After the last script nothing more may come of any."""
    data = tmp_path_factory.mktemp("replay") / "data"
    backends.copy_site(seeded, data)
    server = Server(data, environment=settings()).start()
    yield server
    assert server.stop() == 0, server.log()[-2000:]
    server.verify()


@pytest.fixture(scope="session")
def witness(stage: Server) -> Iterator[Witness]:
    """The second user of the dossier."""
    found = Witness(stage.url, stage.data)
    yield found
    # Whatever was to be sealed before this last piece has been sealed by then.
    last = {"dernier.pdf": pdf("dernier")}
    Player(stage, found, Client("curl/8.14.1")).play(
        *(Row("PUT", f"B/{name}", body=body, status=201) for name, body in last.items()),
        becomes=last,
    )


@pytest.fixture(scope="session")
def player(stage: Server, witness: Witness) -> Play:
    """A program of the author at the suite's server."""
    return lambda client: Player(stage, witness, client)


@pytest.fixture(scope="session")
def long_sealed(player: Play) -> dict[str, bytes]:
    """Pieces of the author that were sealed six minutes ago and more, by name."""
    pieces = {name: pdf(name) for name in LONG_SEALED}
    player(Client("curl/8.14.1")).play(
        *(Row("PUT", f"B/{name}", body=body, status=201) for name, body in pieces.items()),
        becomes=pieces,
    )
    player(Client("curl/8.14.1")).play(Wait(360))
    return pieces
