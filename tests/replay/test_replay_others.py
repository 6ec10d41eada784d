"""What no single client does: X1 to X7, and W4 where boxes take no folders."""

import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from davserver.accounts import people
from davserver.accounts.credentials import actor_of
from davserver.site import CONSOLE, open_site
from davserver.tree import put, write
from davserver.tree.lookup import find
from davserver.work import Client as Channel
from tests import backends
from tests.clients import EXPERT, box
from tests.conftest import Start
from tests.replay import explorer
from tests.replay.answers import content, explained, has, lists, says
from tests.replay.bodies import ALLPROP, pdf
from tests.replay.explorer import LOCKINFO, WINDOWS
from tests.replay.script import (
    AUTHOR,
    Client,
    Meanwhile,
    NewConnection,
    Play,
    Player,
    Row,
    Sealed,
    Unseen,
    Wait,
)
from tests.replay.seconds import settings
from tests.replay.wire import Chunked
from tests.replay.witness import BOX, Witness
from tests.serving import Server

CURL = Client("curl/8.14.1", "Accept: */*")
TOTAL_COMMANDER = Client("Total Commander/11.03", asks_first="connection")
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def apart(start: Start) -> Server:
    """A server of its own for what would disturb the others: it stops, or holds many files.

    Its boxes take no folders, and what no program locks is sealed after the usual minute.
    """
    unlocked = {"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "60", "DAVSERVER_DEPOSIT__FOLDERS": "false"}
    return start({**settings(), **unlocked})


@pytest.fixture(scope="module")
def thousand(apart: Server) -> list[str]:
    """The names of a thousand files that their author has just dropped into the box."""
    names = [f"Pièce n°{number} - Procès-verbal de réception.pdf" for number in range(1, 1_001)]
    _deposit(apart.data, names)
    return names


def test_x1_a_file_of_one_byte_first_is_one_deposit(player: Play) -> None:
    file = pdf("X1")
    player(TOTAL_COMMANDER).play(
        Row("PUT", "B/x1.pdf", "", b"0", 201),
        Wait(5),
        Row("PUT", "B/x1.pdf", "", file, 204),
        becomes={"x1.pdf": file},
    )


def test_x2_two_accounts_do_not_share_a_name(player: Play) -> None:
    file, other = pdf("X2"), pdf("X2 of the expert")
    player(CURL).play(
        Row("PUT", "B/x2.pdf", "", b"", 201),
        Row("PROPFIND", "B/x2.pdf", "Depth: 0", ALLPROP, 404, by=EXPERT),
        Row("PUT", "B/x2.pdf", "", other, 423, explained, by=EXPERT),
        Row("PUT", "B/x2.pdf", "", file, 204),
        Row("PUT", "B/x2.pdf", "", other, 423, explained, by=EXPERT),
        Sealed("x2.pdf"),
        Row("PUT", "B/x2.pdf", "", other, 403, explained, by=EXPERT),
        Row("GET", "B/x2.pdf", "", None, 200, content(file), by=EXPERT),
        becomes={"x2.pdf": file},
    )


def test_x3_accents_and_capitals_do_not_make_another_name(player: Play) -> None:
    file = pdf("X3 last")
    composed, decomposed = "B/%C3%89tat-X3.pdf", "B/E%CC%81tat-X3.pdf"
    player(CURL).play(
        Row("PUT", composed, "", pdf("X3 first"), 201),
        Row("PUT", decomposed, "", file, 204),
        Row("PUT", "B/%C3%A9TAT-x3.PDF", "", pdf("X3 of another file"), 403, explained),
        Row("LOCK", "B/%C3%A9TAT-x3.PDF", "Depth: 0", LOCKINFO, 403, explained),
        Row("PROPFIND", "B", "Depth: 1", ALLPROP, 207, lists("État-X3.pdf")),
        Sealed("État-X3.pdf"),
        Row("PUT", decomposed, "", pdf("X3 otherwise"), 403, explained),
        Row("PUT", "B/e%CC%81tat-x3.pdf", "", pdf("X3 otherwise"), 403, explained),
        Row("GET", decomposed, "", None, 200, content(file)),
        becomes={"État-X3.pdf": file},
    )


def test_x4_a_stop_of_the_server_in_mid_copy_loses_neither_name_nor_lock(apart: Server) -> None:
    file, path = pdf("X4", 48_213), "B/x4.pdf"

    def restart() -> None:
        assert apart.stop() == 0, apart.log()[-2000:]
        apart.start()

    Player(apart, Witness(apart.url, apart.data), WINDOWS).play(
        *explorer.begins(path),
        Meanwhile(restart),
        NewConnection(),
        Row("PROPFIND", path, "Depth: 0", b"", 207, says(b"<D:locktoken>")),
        Row("HEAD", path, "", None, 200, has("content-length", "0")),
        Unseen("x4.pdf"),
        Row("PUT", path, "", pdf("X4 of another"), 423, by=EXPERT),
        *explorer.writes(path, file),
        explorer.unlocks(path),
        becomes={"x4.pdf": file},
    )


def test_w4_where_boxes_take_no_folders_one_is_refused(apart: Server) -> None:
    Player(apart, Witness(apart.url, apart.data), WINDOWS).play(
        Row("PROPFIND", "B/New%20folder", "Depth: 0", b"", 404),
        Row("MKCOL", "B/New%20folder", "", b"", 403, explained),
        Row("PROPFIND", "B/New%20folder", "Depth: 0", b"", 404),
    )


def test_x5_a_gigabyte_from_nobody_costs_no_memory(stage: Server) -> None:
    workers = (stage.process, *stage.workers())
    before = {worker: _peak(worker) for worker in workers}
    parts = urlsplit(stage.url)
    head = (
        f"PUT /dav/x5.pdf HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: curl/8.14.1\r\n"
        f"Content-Length: {1_000 * MEGABYTE}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname or "", parts.port), timeout=60) as client:
        client.sendall(head.encode())
        for _ in range(200):  # then it stops: the answer must not wait for the rest
            client.sendall(bytes(MEGABYTE))
        answer = b""
        while block := client.recv(65_536):
            answer += block

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nConnection: close\r\n" in answer
    grown = [_peak(worker) - before[worker] for worker in workers]
    assert max(grown) < 10 * MEGABYTE, grown


@pytest.mark.parametrize("size", [0, 300_000, 20 * MEGABYTE])
def test_x6_a_refused_body_in_chunks_does_not_spoil_what_follows(player: Play, size: int) -> None:
    player(CURL).play(
        Row("PUT", "D/08%20Plans/x6.pdf", "", Chunked(pdf("X6", size)), 403, explained),
        Row("PROPFIND", "B", "Depth: 0", ALLPROP, 207),
    )


def test_x7_windows_reads_a_box_of_a_thousand_pieces(apart: Server, thousand: list[str]) -> None:
    listing = apart.dav(AUTHOR, agent=WINDOWS.agent).propfind(box(BOX))

    assert listing.status == 207
    assert lists(*thousand)(listing)
    assert len(listing.body) < 1_000_000


@pytest.mark.usefixtures("thousand")
def test_x7_a_server_with_a_thousand_unfinished_deposits_stops_in_peace(apart: Server) -> None:
    assert apart.stop() == 0, apart.log()[-500:]


def _deposit(data: Path, names: list[str]) -> None:
    """Deposit a small file under each name in one transaction: a thousand requests would take
    longer and show nothing more."""
    channel = Channel("webdav", WINDOWS.agent)
    site = open_site(backends.settings(data))
    incoming = site.blobs.receive()
    incoming.write(b"x")
    kept = write.Content(incoming.keep())
    with site.reading(CONSOLE, channel) as work:
        actor = actor_of(people.find(work.session, AUTHOR))
    with site.writing(actor, channel) as work:
        spot = find(work, (*box(BOX), names[0]))
        dossier, _ = spot.place()
        for name in names:
            put.create(work, dossier, replace(spot, path=(*box(BOX), name)), kept)
    site.close()


def _peak(process: int) -> int:
    """The most memory that a process has held, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1_024
