"""What is taken away is gone at the next request: on open connections, in every worker."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.clients import DOSSIER, box
from tests.conftest import Start
from tests.dav import address
from tests.serving import PASSWORD, Server, wait_for
from tests.threats.stranger import Stranger, basic

CONNECTIONS = 4  # shared out evenly between the two workers


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    served = start({"DAVSERVER_SERVER__WORKERS": "2"})
    wait_for(lambda: len(served.workers()) == 2, 60, "both workers")
    return served


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


class Drive:
    """Somebody's drive: connections that stay open, to both workers."""

    def __init__(self, server: Server, stack: ExitStack, login: str, password: str) -> None:
        self._authorization = basic(login, password)
        self._lines = [Stranger(server.url, keeps=True) for _ in range(CONNECTIONS)]
        for line in self._lines:
            stack.callback(line.close)

    def statuses(self, method: str = "PROPFIND", path: str = "/dav/") -> set[int]:
        """What each connection is answered."""
        return {line.ask(self._authorization, method, path).status for line in self._lines}

    def expect(self, status: int, method: str = "PROPFIND", path: str = "/dav/") -> None:
        """Fails unless every connection is answered ``status`` to its very next request, which is
        sent now: no worker has a moment to learn of anything."""
        assert self.statuses(method, path) == {status}


def run(server: Server, *arguments: str) -> str:
    done = server.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def new_device(server: Server, login: str, name: str) -> str:
    return str(server.json("device", "add", login, "--name", name)["password"])


@pytest.mark.parametrize("act", ["password", "disable", "totp", "remove"])
def test_g06_an_account_is_shut_out_at_its_next_request(
    server: Server, stack: ExitStack, act: str
) -> None:
    login = f"passager-{act}"
    run(server, "user", "add", login, "--last-name", "PASSAGER", "--email", f"{login}@x.example",
        "--password", PASSWORD)  # fmt: skip
    drive = Drive(server, stack, login, PASSWORD)
    drive.expect(207)
    further = {"password": ["--password", "nouveau"], "totp": ["enable"]}

    run(server, "user", act, login, *further.get(act, []))

    drive.expect(401)
    if act == "password":
        Drive(server, stack, login, "nouveau").expect(207)


def test_g06_a_device_is_shut_out_and_the_others_stay(server: Server, stack: ExitStack) -> None:
    login = "cabinet.quartz-placebo"
    lost = Drive(server, stack, login, new_device(server, login, "Téléphone perdu"))
    kept = Drive(server, stack, login, new_device(server, login, "Portable"))
    lost.expect(207)
    kept.expect(207)

    run(server, "device", "revoke", login, "Téléphone perdu")

    lost.expect(401)
    kept.expect(207)
    Drive(server, stack, login, PASSWORD).expect(207)


def test_g06_a_new_password_leaves_the_devices_unless_told_otherwise(
    server: Server, stack: ExitStack
) -> None:
    login = "come.prototype"
    device = Drive(server, stack, login, new_device(server, login, "Portable"))

    run(server, "user", "password", login, "--password", "nouveau")
    device.expect(207)
    run(server, "user", "password", login, "--password", "plus nouveau", "--devices")

    device.expect(401)
    assert server.json("device", "list", login) == []


def test_g06_the_devices_of_a_disabled_account_are_shut_out(
    server: Server, stack: ExitStack
) -> None:
    login = "theo.gabarit"
    device = Drive(server, stack, login, new_device(server, login, "Portable"))
    device.expect(207)

    run(server, "user", "disable", login)

    device.expect(401)


def test_g06_who_leaves_the_group_sees_the_dossier_no_more(
    server: Server, stack: ExitStack
) -> None:
    login = "cabinet.ortie-lambda"
    drive = Drive(server, stack, login, PASSWORD)
    folder = address(DOSSIER, "08 Plans", slash=True)
    drive.expect(207, path=folder)

    run(server, "group", "leave", "Tous les participants", login, "--dossier", DOSSIER)

    drive.expect(404, path=folder)


def test_g06_a_closed_dossier_takes_nothing_more(server: Server, stack: ExitStack) -> None:
    title = "2024-02 Époux NULLEPART contre Toitures du Néant"
    drive = Drive(server, stack, "cabinet.quartz-placebo", PASSWORD)
    name = address(title, "04 Boîtes aux lettres", "Cabinet QUARTZ-PLACEBO (Assur'Imaginaire)", "x")
    assert drive.statuses("MKCOL", name) <= {201, 405, 403, 423}

    run(server, "dossier", "state", title, "clos")

    drive.expect(403, "MKCOL", name + "y")


def test_g06_an_upload_ends_when_its_author_is_shut_out(server: Server) -> None:
    """A long transfer was judged when it began; its end is judged again."""
    login = "cabinet.brumaire-kalve"
    path = (*box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)"), "longue.pdf")
    owner = server.dav(login)
    shut_out = False

    def body() -> Iterator[bytes]:
        nonlocal shut_out
        yield b"%PDF-1.4\n" + b"x" * 100_000
        run(server, "user", "disable", login)
        shut_out = True
        yield b"x" * 100_000

    reply = owner.request("PUT", path, body(), chunked=True)

    assert shut_out and reply.status == 401
    expert = server.dav("apolline.testard")
    run(server, "user", "enable", login)
    assert owner.get(path).status == 404
    wait_for(lambda: "longue.pdf" not in expert.names(path[:-1]), 5)
