"""What one address has of a server, and what it leaves to the others."""

import select
import time
from contextlib import ExitStack

import pytest

from davserver.server.addresses import origin
from tests.tiny_server import GET, MEBIBYTE, SLOW, put, running


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_all_ipv6_addresses_of_one_customer_are_one_client(address: str, client: str) -> None:
    assert origin(address) == client


def test_an_address_leaves_threads_to_the_others() -> None:
    with running(threads=3, requests_per_address=2) as server, ExitStack() as open_connections:
        busy = [open_connections.enter_context(server.connect()) for _ in range(4)]
        for client in busy:
            client.send(SLOW % b"1")
        server.wait_for("called GET /sleep", times=2)

        begun = time.monotonic()
        assert server.ask(source="127.0.0.2").status == 200
        assert time.monotonic() - begun < 0.5
        assert sum("called GET /sleep" in line for line in server.log) == 2
        # Those that had to wait are served in their turn.
        assert [client.answer().status for client in busy] == [200] * 4
        assert time.monotonic() - begun > 1.5


def test_what_waits_for_its_turn_is_answered_at_a_stop() -> None:
    with running(requests_per_address=1) as server, ExitStack() as open_connections:
        clients = [open_connections.enter_context(server.connect()) for _ in range(2)]
        for client in clients:
            client.send(SLOW % b"0.5")
        server.wait_for("called GET /sleep")
        time.sleep(0.1)  # for the second to wait

        server.process.terminate()

        assert [client.answer().body for client in clients] == [b"slept"] * 2
        assert server.wait() == 0


@pytest.mark.parametrize("limits", [{"requests_per_address": 1}, {"threads": 1}])
def test_who_asks_on_and_on_keeps_no_thread_from_the_others(limits: dict[str, int]) -> None:
    with running(**limits) as server, ExitStack() as open_connections:
        eager, other = (open_connections.enter_context(server.connect()) for _ in range(2))
        eager.send(SLOW % b"0.02" * 200)
        server.wait_for("called GET /sleep")

        begun = time.monotonic()
        other.send(GET)
        assert other.answer().status == 200
        assert time.monotonic() - begun < 1


def test_an_address_with_too_many_connections_loses_its_longest_idle_one() -> None:
    with running(connections_per_address=3) as server, ExitStack() as open_connections:
        other = open_connections.enter_context(server.connect(source="127.0.0.2"))
        other.send(GET)
        other.answer()
        clients = []
        for _ in range(5):
            client = open_connections.enter_context(server.connect())
            client.send(GET)
            assert client.answer().status == 200
            clients.append(client)
            time.sleep(0.02)

        assert all(client.is_closed() for client in clients[:2])
        for client in (other, *clients[2:]):
            client.send(GET)
            assert client.answer().status == 200


def test_an_address_whose_connections_are_all_busy_is_told_to_come_back() -> None:
    with running(connections_per_address=2) as server, ExitStack() as open_connections:
        for _ in range(2):
            client = open_connections.enter_context(server.connect())
            client.send(b"GET /pid HTTP/1.1\r\n")
        time.sleep(0.1)

        answer = server.ask()

        assert (answer.status, answer.headers["retry-after"]) == (503, "30")
        assert server.ask(source="127.0.0.2").status == 200


@pytest.mark.parametrize("proxy", ["127.0.0.1", "127.0.0.0/8"])
def test_a_proxy_is_no_client(proxy: str) -> None:
    limits = {"connections_per_address": 2, "requests_per_address": 1}
    with (
        running(proxies=[proxy], **limits) as server,
        ExitStack() as open_connections,
    ):
        clients = [open_connections.enter_context(server.connect()) for _ in range(4)]
        begun = time.monotonic()
        for client in clients:
            client.send(SLOW % b"1")

        assert [client.answer().status for client in clients] == [200] * 4
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("field", ["Content-Length: 1048576", "Transfer-Encoding: chunked"])
def test_bodies_that_are_refused_hold_no_thread_however_slowly_they_come(field: str) -> None:
    with running(threads=1, idle_timeout=20.0) as server, ExitStack() as open_connections:
        slow = [open_connections.enter_context(server.connect()) for _ in range(20)]
        for client in slow:
            client.send(put("/refuse", field))
            if "chunked" in field:
                client.send(b"100000\r\n")
            client.send(bytes(1_000))
        assert slow[0].answer().status == 403

        begun = time.monotonic()
        assert server.ask().status == 200
        assert time.monotonic() - begun < 0.5
        time.sleep(6)  # a phone in a lift
        slow[0].send(bytes(MEBIBYTE - 1_000))
        slow[0].send((b"\r\n0\r\n\r\n" if "chunked" in field else b"") + GET)
        assert slow[0].answer().status == 200


def test_a_refused_body_must_come_as_fast_as_any() -> None:
    with running(idle_timeout=0.5) as server, server.connect() as client:
        client.send(put("/refuse", "Content-Length: 1000000"))
        assert client.answer().status == 403

        begun = time.monotonic()
        while not select.select([client.socket], [], [], 0.05)[0]:
            client.send(b"a")
        assert client.is_closed()
        assert 0.9 < time.monotonic() - begun < 5  # the window is 1 s
