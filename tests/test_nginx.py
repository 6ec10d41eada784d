"""The shipped nginx example: it is understood, and mounted drives work through it over TLS."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from davserver.demo.history import BRUMAIRE
from davserver.settings import ServerSettings
from tests.clients import Curl, await_names, box
from tests.conftest import Start
from tests.nginx import BEHIND, SHIPPED, Nginx
from tests.replay.bodies import pdf
from tests.replay.explorer import WINDOWS, begins, unlocks, writes
from tests.replay.script import Client, NewConnection, Player, Row, Sealed, Unseen
from tests.replay.seconds import settings
from tests.replay.wire import Chunked, Expecting
from tests.replay.witness import Witness
from tests.threats.doors import Door, Forwarded

BOX = box(BRUMAIRE)
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def door(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    server = start({**settings(), **BEHIND})
    proxy = Nginx(server, tmp_path_factory.mktemp("nginx")).start()
    yield Door(server, proxy)
    proxy.stop()


@pytest.fixture(scope="module")
def nginx(door: Door) -> Nginx:
    assert door.nginx is not None
    return door.nginx


@pytest.fixture(scope="module")
def witness(door: Door) -> Witness:
    return Witness(door.server.url, door.server.data, kind=Forwarded)


def player(door: Door, nginx: Nginx, witness: Witness, client: Client) -> Player:
    return Player(nginx, witness, client, nginx.trust())


def test_explorer_deposits_through_it(door: Door, nginx: Nginx, witness: Witness) -> None:
    file = pdf("proxied", 300_000)
    player(door, nginx, witness, WINDOWS).play(
        Row("OPTIONS", "/dav", "User-Agent: DavClnt", b"", 200),
        Row("PROPFIND", "B", "Depth: 1", b"", 207),
        Row("PROPFIND", "B/proxied.pdf", "Depth: 0", b"", 404),
        *begins("B/proxied.pdf"),
        Unseen("proxied.pdf"),
        NewConnection(),
        *writes("B/proxied.pdf", file),
        unlocks("B/proxied.pdf"),
        Unseen("proxied.pdf"),
        Sealed("proxied.pdf"),
        becomes={"proxied.pdf": file},
    )


def test_a_name_is_changed_through_it(door: Door, nginx: Nginx, witness: Witness) -> None:
    """Destination names the proxy, with its port, and the name in the client's own spelling."""
    file = pdf("renamed")
    player(door, nginx, witness, Client("curl/8.14.1")).play(
        Row("PUT", "B/%C3%A9bauche%20n%C2%B01.pdf", "", file, 201),
        Row("MOVE", "B/%C3%A9bauche%20n%C2%B01.pdf",
            "Destination: B/Pi%C3%A8ce%20n%C2%B01%20%26%20suite.pdf | Overwrite: F", b"", 201),
        becomes={"Pièce n°1 & suite.pdf": file},
    )  # fmt: skip


def test_bodies_in_chunks_and_after_an_invitation_go_through_it(
    door: Door, nginx: Nginx, witness: Witness
) -> None:
    finder, cyberduck = pdf("chunks", 200_000), pdf("invited", 200_000)
    player(door, nginx, witness, Client("curl/8.14.1")).play(
        Row("PUT", "B/chunks.pdf", "", Chunked(finder), 201),
        Row("PUT", "B/invited.pdf", "", Expecting(cyberduck), 201),
        becomes={"chunks.pdf": finder, "invited.pdf": cyberduck},
    )


def test_curl_deposits_and_reads_through_it(door: Door, nginx: Nginx, tmp_path: Path) -> None:
    login, name = "cabinet.brumaire-kalve", "Grand plan.pdf"
    content = pdf("large", 30 * MEBIBYTE)
    (tmp_path / name).write_bytes(content)
    curl = Curl(door.server, login, tmp_path, url=nginx.url)
    trust = ("--cacert", nginx.authority)

    assert curl((*BOX, name), "-T", tmp_path / name, *trust).status == 201
    await_names(door.look("cabinet.ortie-lambda"), BOX, [name])
    assert curl((*BOX, name), *trust).body == content
    assert nginx.stored() == []


def test_who_sends_a_whole_file_to_be_told_to_log_in_reads_it_through_nginx(door: Door) -> None:
    with door.connect() as client:
        size = 30 * MEBIBYTE
        client.send(door.head("PUT", (*BOX, "x.pdf"), f"Content-Length: {size}", login=""))
        for _ in range(30):
            client.send(bytes(MEBIBYTE))

        answer = client.answer()
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")


def test_plain_http_is_led_to_https(nginx: Nginx) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", nginx.plain_port, timeout=10)
    connection.request("GET", "/kit/", headers={"Host": "dossiers.example"})
    reply = connection.getresponse()
    assert (reply.status, reply.getheader("location")) == (301, "https://dossiers.example/kit/")
    connection.close()


def test_a_server_that_does_not_name_it_says_so_in_its_log(start: Start, tmp_path: Path) -> None:
    server = start({})
    proxy = Nginx(server, tmp_path).start()
    door = Door(server, proxy)
    try:
        assert door.ask(door.head("PROPFIND", "/dav/", "Depth: 1"))[0] == 403
    finally:
        proxy.stop()
    assert "X-Forwarded-Proto from 127.0.0.1 is not believed" in server.log()


def test_it_gives_one_address_half_of_the_threads_of_davserver() -> None:
    text, server = SHIPPED.read_text(encoding="utf-8"), ServerSettings()

    assert f"limit_conn davserver {server.workers * server.threads // 2};" in text
    assert f"half of davserver's threads ({server.workers} processes of {server.threads})" in text


def test_a_server_that_is_away_is_told_as_that(start: Start, tmp_path: Path) -> None:
    """Never a 404: programs that synchronise would take it for « removed »."""
    server = start(BEHIND)
    proxy = Nginx(server, tmp_path).start()
    assert server.stop() == 0
    door = Door(server, proxy)
    try:
        assert door.ask(door.head("PROPFIND", "/dav/", "Depth: 1"))[0] == 502
    finally:
        proxy.stop()
