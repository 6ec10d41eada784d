"""The shipped HAProxy example: it is understood, drives work through it, nothing is sent twice."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from davserver.demo.history import BRUMAIRE
from davserver.settings import ServerSettings
from tests.clients import EXPERT, box, requests
from tests.conftest import Start
from tests.dav import address
from tests.haproxy import SHIPPED, HaProxy
from tests.nginx import BEHIND
from tests.nodes import Through
from tests.replay.bodies import pdf
from tests.replay.script import Client, Player, Row
from tests.replay.seconds import settings
from tests.replay.wire import Chunked, Wire
from tests.replay.witness import Witness
from tests.serving import PASSWORD, Server, wait_for
from tests.threats.doors import Forwarded
from tests.threats.stranger import basic

BOX = box(BRUMAIRE)
SPACE = ("Espace de l'expert",)
MEBIBYTE = 1 << 20
AT_ONCE = 64  # requests of one address


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    return start({**settings(), **BEHIND})


@pytest.fixture(scope="module")
def proxy(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HaProxy]:
    """Before one davserver, which it takes for two."""
    before = HaProxy((server, server), tmp_path_factory.mktemp("haproxy")).start()
    yield before
    before.stop()


class Fake:
    """What is well, and closes each connection that has brought anything but a look at that."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.asked: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends the waiting of the thread, too
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                head = client.recv(65_536)
                if b"/healthz" in head:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                elif head:
                    self.asked.append(head.split(b" ", 1)[0])


class Away:
    """A node where nobody listens."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            self.port = int(closed.getsockname()[1])


def test_names_and_chunks_go_through_it(server: Server, proxy: HaProxy) -> None:
    witness = Witness(server.url, server.data, kind=Forwarded)
    finder = pdf("chunks", 200_000)
    Player(proxy, witness, Client("curl/8.14.1"), proxy.trust()).play(
        Row("PUT", "B/%C3%A9bauche%20n%C2%B01.pdf", "", pdf("renamed"), 201),
        Row("MOVE", "B/%C3%A9bauche%20n%C2%B01.pdf",
            "Destination: B/Pi%C3%A8ce%20n%C2%B01%20%26%20suite.pdf | Overwrite: F", b"", 201),
        Row("PUT", "B/chunks.pdf", "", Chunked(finder), 201),
        becomes={"Pièce n°1 & suite.pdf": pdf("renamed"), "chunks.pdf": finder},
    )  # fmt: skip


def test_who_asks_whether_to_send_is_answered_by_davserver(proxy: HaProxy) -> None:
    body, invitation = pdf("invited", 200_000), b"HTTP/1.1 100 Continue\r\n\r\n"
    asking = {"Expect": "100-continue", "Content-Length": str(len(body))}
    known = {"Authorization": basic(EXPERT, PASSWORD)}
    with _opened(proxy, "PUT", (*SPACE, "invité.pdf"), {**asking, **known}) as line:
        assert line.sock.recv(len(invitation)) == invitation
        line.send(body)
        assert line.getresponse().status == 201
    with _opened(proxy, "PUT", (*SPACE, "x.pdf"), asking) as line:
        assert line.sock.recv(12) == b"HTTP/1.1 401"


def test_who_sends_a_whole_file_to_be_told_to_log_in_reads_it(proxy: HaProxy) -> None:
    with _opened(proxy, "PUT", (*BOX, "x.pdf"), {"Content-Length": str(30 * MEBIBYTE)}) as line:
        for _ in range(30):
            line.send(bytes(MEBIBYTE))
        reply = line.getresponse()
        assert reply.status == 401
        assert (reply.getheader("WWW-Authenticate") or "").startswith("Basic ")


def test_a_large_piece_goes_and_comes_as_it_is(proxy: HaProxy) -> None:
    expert, content = Through(proxy, EXPERT), pdf("large", 30 * MEBIBYTE)
    assert expert.put((*SPACE, "grand.pdf"), content).status == 201
    assert expert.get((*SPACE, "grand.pdf")).body == content


def test_what_a_client_says_of_its_own_way_is_not_believed(server: Server, proxy: HaProxy) -> None:
    expert = Through(proxy, EXPERT)
    said = {
        "X-Forwarded-For": "198.51.100.9", "Forwarded": "for=198.51.100.9",
        "X-Forwarded-Proto": "http", "X-Forwarded-Host": "elsewhere.example", "Depth": "0",
    }  # fmt: skip
    before = len(requests(server, EXPERT, "PROPFIND"))

    assert expert.request("PROPFIND", SPACE, b"", said).status == 207

    logged = wait_for(lambda: requests(server, EXPERT, "PROPFIND")[before:], what="its line")
    assert logged[0]["client"] == "127.0.0.1"


def test_plain_http_is_led_to_https(proxy: HaProxy) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", proxy.plain_port, timeout=10)) as line:
        line.request("GET", "/kit/", headers={"Host": "dossiers.example"})
        reply = line.getresponse()
        assert (reply.status, reply.getheader("location")) == (
            301, "https://dossiers.example/kit/",
        )  # fmt: skip


def test_one_address_has_half_of_the_threads_of_a_node(proxy: HaProxy) -> None:
    text, server = SHIPPED.read_text(encoding="utf-8"), ServerSettings()
    assert server.workers * server.threads // 2 == AT_ONCE
    assert f"sc_conn_cur(0) gt {AT_ONCE} " in text
    assert f"({server.workers} processes of {server.threads})" in text

    head = {"Authorization": basic(EXPERT, "wrong"), "Content-Length": "1000"}
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(_opened(proxy, "PUT", (*SPACE, "x"), head))
        with _opened(proxy, "OPTIONS", (), {}) as line:
            reply = line.getresponse()
            assert (reply.status, reply.getheader("Retry-After")) == (503, "30")
    assert Through(proxy, EXPERT).propfind(SPACE).status == 207


@pytest.mark.parametrize("method", ["PUT", "MKCOL", "MOVE", "DELETE", "LOCK", "PROPFIND", "GET"])
def test_a_request_that_a_node_has_taken_is_sent_to_no_other(tmp_path: Path, method: str) -> None:
    """It may have had its effect although its answer was lost."""
    first, second = Fake(), Fake()
    proxy = HaProxy((first, second), tmp_path).start()
    try:
        with closing(Wire(proxy.url, proxy.trust())) as wire:
            reply = wire.ask(method, address("x"), [], b"x" if method == "PUT" else None)
            assert reply is not None and reply.status == 502
        assert first.asked + second.asked == [method.encode()]
    finally:
        proxy.stop()
        first.close()
        second.close()


def test_a_request_for_a_node_that_has_just_gone_goes_to_the_other(
    server: Server, tmp_path: Path
) -> None:
    first = Fake()
    proxy = HaProxy((first, server), tmp_path).start()
    try:
        wait_for(lambda: proxy.told("node1")["check_code"] == "200", what="a look at the first")
        first.close()
        expert = Through(proxy, EXPERT)
        replies = [expert.put((*SPACE, f"ailleurs {number}"), b"x") for number in range(4)]
        assert proxy.told("node1")["status"] == "UP", "some were meant for it"
        assert {reply.status for reply in replies} == {201}
        proxy.await_state("node1", "DOWN")
        assert expert.propfind(SPACE).status == 207
    finally:
        proxy.stop()


def test_a_site_that_is_away_is_told_as_that(tmp_path: Path) -> None:
    """Never a 404: programs that synchronise would take it for « removed »."""
    proxy = HaProxy((Away(), Away()), tmp_path).start()
    try:
        assert Through(proxy, EXPERT).propfind(()).status == 503
        proxy.await_state("node1", "DOWN")
        assert Through(proxy, EXPERT).propfind(()).status == 503
    finally:
        proxy.stop()


def _opened(
    proxy: HaProxy, method: str, path: tuple[str, ...], headers: dict[str, str]
) -> closing[http.client.HTTPConnection]:
    """A connection on which the head of a request was sent."""
    line = Through(proxy, "").connection()
    line.putrequest(method, address(*path))
    for name, value in headers.items():
        line.putheader(name, value)
    line.endheaders()
    return closing(line)
