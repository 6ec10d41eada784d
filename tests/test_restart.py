"""Power cuts, restarts, broken lines and changed accounts: nothing half done is ever left."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

import pytest

from davserver.demo.history import ORTIE
from tests.clients import (
    DOSSIER,
    EXPERT,
    SlowUpload,
    await_names,
    box,
    cut_power,
    deposits,
    paper,
)
from tests.conftest import Start
from tests.dav import Names, address
from tests.serving import PASSWORD, Server, wait_for

LAWYER, OTHER = "cabinet.ortie-lambda", "cabinet.saule-exemple"
BOX = box(ORTIE)
WINDOWS = "Microsoft-WebDAV-MiniRedir/10.0.22631"
WIN32 = (
    "<Z:Win32CreationTime>Mon, 17 Jun 2024 16:20:00 GMT</Z:Win32CreationTime>"
    "<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>"
)


@pytest.fixture
def server(demo: Server) -> Server:
    """The demo site, up, whatever the test before has done."""
    return demo if demo.running else demo.start()


def seals(server: Server, name: str) -> int:
    """How often the journal says that ``name`` was sealed."""
    lines = server.json("journal", "list", "--dossier", DOSSIER)
    return sum(
        line["act"] == "deposit.seal" and line["facts"]["path"].endswith(f"/{name}")
        for line in lines
    )


def spool(server: Server) -> set[Path]:
    """The bytes of uploads under way, and, for a day, of those that a power cut has ended."""
    return set((server.data / "spool").iterdir())


def test_windows_ends_after_a_power_cut_the_deposit_begun_before_it(server: Server) -> None:
    name = "Pièce n°20 - Rapport.pdf"
    path = (*BOX, name)
    windows = server.dav(LAWYER, agent=WINDOWS)
    assert windows.put(path).status == 201
    token = windows.lock(path, Timeout="Second-3600").headers["lock-token"]
    assert windows.proppatch(path, WIN32, If=f"({token})").status == 207
    cut_power(server)
    server.start()
    assert windows.get(path).body == b""
    assert token.strip("<>").encode() in windows.propfind(path, "0").body
    assert server.dav(OTHER).get(path).status == 404
    assert server.dav(EXPERT).put(path, b"%PDF").status == 423
    assert windows.put(path, paper(name), If=f"({token})").status == 204
    assert windows.proppatch(path, WIN32, If=f"({token})").status == 207
    assert windows.unlock(path, token).status == 204
    await_names(server.dav(OTHER), BOX, [name])
    assert server.dav(OTHER).get(path).body == paper(name)
    assert seals(server, name) == 1


def test_what_had_come_whole_before_a_power_cut_is_sealed_once(server: Server) -> None:
    name = "Pièce n°21 - Facture.pdf"
    assert server.dav(LAWYER).put((*BOX, name), paper(name)).status == 201
    cut_power(server)
    assert deposits(server, LAWYER)[name]["state"] == "received"
    server.start()
    await_names(server.dav(OTHER), BOX, [name])
    assert server.dav(OTHER).get((*BOX, name)).body == paper(name)
    assert seals(server, name) == 1
    numbers = [row["number"] for row in deposits(server, LAWYER).values()]
    assert len(set(numbers)) == len(numbers)


def test_a_power_cut_in_the_middle_of_an_upload_leaves_no_name(server: Server) -> None:
    name = "Pièce n°22 - Vidéo.pdf"
    upload = begun(server, (*BOX, name))
    cut_power(server)
    upload.cut()
    server.start()
    # The name that the upload had taken is its author's: he sends the file again.
    assert server.dav(OTHER).get((*BOX, name)).status == 404
    assert server.dav(LAWYER).put((*BOX, name), paper(name)).status in (201, 204)
    await_names(server.dav(OTHER), BOX, [name])
    assert server.dav(OTHER).get((*BOX, name)).body == paper(name)


def begun(server: Server, path: Names) -> SlowUpload:
    """An upload that has lasted so long that it holds its name; a part of its body has come."""
    upload = SlowUpload(server, LAWYER, path, announced=100_000_000)

    def held() -> bool:
        upload.send(bytes(200_000))
        time.sleep(0.3)
        return server.dav(LAWYER).get(path).status == 200

    wait_for(held, 30, "the name to be taken")
    return upload


def test_an_upload_that_is_cut_leaves_no_name_no_byte_and_no_lock(server: Server) -> None:
    path = (*BOX, "Pièce n°23 - Vidéo.pdf")
    before = spool(server)
    upload = begun(server, path)
    assert server.dav(EXPERT).put(path, b"%PDF").status == 423
    assert server.dav(OTHER).get(path).status == 404
    upload.cut()
    wait_for(lambda: server.dav(LAWYER).get(path).status == 404, what="the name to be free")
    wait_for(lambda: spool(server) == before, what="the bytes to be gone")
    assert path[-1] not in deposits(server, LAWYER)
    assert server.dav(EXPERT).lock(path).status == 201
    assert server.dav(EXPERT).delete(path).status == 204


def test_a_server_told_to_stop_lets_an_upload_end(server: Server) -> None:
    name = "Pièce n°24 - Photos.pdf"
    content = paper(name) + bytes(300_000)
    before = spool(server)
    upload = SlowUpload(server, LAWYER, (*BOX, name), len(content))
    upload.send(content[:200_000])
    wait_for(lambda: spool(server) > before, what="the first bytes to arrive")
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(server.stop)
        wait_for(lambda: _refuses(server), what="the server to take no new connection")
        time.sleep(1)
        upload.send(content[200_000:])
        assert upload.answer() == 201
        assert stopped.result() == 0
    server.start()
    await_names(server.dav(OTHER), BOX, [name])
    assert server.dav(OTHER).get((*BOX, name)).body == content


def _refuses(server: Server) -> bool:
    try:
        server.dav(OTHER).get((DOSSIER,))
    except OSError:
        return True
    return False


def test_an_upload_that_outlasts_the_stop_leaves_nothing(start: Start) -> None:
    server = start({"DAVSERVER_SERVER__SHUTDOWN_TIMEOUT": "1"})
    path = (*BOX, "Pièce n°25 - Vidéo.pdf")
    upload = begun(server, path)
    assert server.stop() == 0
    upload.cut()
    server.start()
    wait_for(lambda: server.dav(OTHER).get(path).status == 404)
    assert server.dav(LAWYER).get(path).body == b""
    row = deposits(server, LAWYER).get(path[-1])
    assert row is None or (row["state"], row["size"]) == ("reserved", 0)


def test_a_name_belongs_to_whoever_began_to_deposit_under_it(server: Server) -> None:
    name = "Pièce n°26 - Plan.pdf"
    path = (*BOX, name)
    lawyer, expert = server.dav(LAWYER), server.dav(EXPERT)
    assert lawyer.put(path, paper(name)).status == 201
    token = lawyer.lock(path).headers["lock-token"]
    assert expert.put(path, b"%PDF another").status == 423
    assert expert.lock(path).status == 423
    assert expert.get(path).status == 404
    assert lawyer.unlock(path, token).status == 204
    await_names(expert, BOX, [name])
    assert expert.put(path, b"%PDF another").status == 403
    assert lawyer.put(path, b"%PDF another").status == 403
    assert lawyer.put(path, paper(name)).status == 204, "its answer may have been lost"
    assert expert.get(path).body == paper(name)
    assert seals(server, name) == 1


class Session:
    """A person's connection to one worker process, kept open until the block ends."""

    def __init__(self, server: Server, login: str, password: str = PASSWORD) -> None:
        dav = server.dav(login)
        dav.password = password
        self._headers = {**dav.authorization(), "Depth": "0"}
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        self._connection.connect()
        self._connection.auto_open = 0  # a connection that the server closed is not replaced

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def ask(self) -> int:
        """The status of one request on this connection."""
        self._connection.request("PROPFIND", address(DOSSIER), headers=self._headers)
        with self._connection.getresponse() as reply:
            reply.read()
            return reply.status


@contextmanager
def paused(process: int) -> Iterator[None]:
    """While a worker is paused, the other one takes the connections."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


CHANGES = {
    "gets a new password": ("cabinet.saule-exemple", ["password", "--password", "nouveau secret"]),
    "is disabled": ("cabinet.factice-dumodele", ["disable"]),
    "is removed": ("theo.gabarit", ["remove"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_open_connections_to_both_workers_end_when_the_account(server: Server, change: str) -> None:
    login, (command, *options) = CHANGES[change]
    with ExitStack() as stack:
        sessions = []
        for process in server.workers():
            with paused(process):
                sessions.append(stack.enter_context(Session(server, login)))
                assert sessions[-1].ask() == 207
        done = server.run("user", command, login, *options)
        assert done.returncode == 0, done.stderr
        assert [session.ask() for session in sessions] == [401, 401]
    assert status(server, login, PASSWORD) == 401


def test_a_new_password_and_an_enabled_account_are_good_at_once(server: Server) -> None:
    login = "cabinet.quartz-placebo"
    for command, *options in (["disable"], ["enable"], ["password", "--password", "autre secret"]):
        assert server.run("user", command, login, *options).returncode == 0
    assert status(server, login, PASSWORD) == 401
    assert status(server, login, "autre secret") == 207


def status(server: Server, login: str, password: str) -> int:
    """What the server answers to somebody who has just come."""
    with Session(server, login, password) as session:
        return session.ask()
