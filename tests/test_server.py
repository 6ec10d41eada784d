"""The processes of the server, its connections and TLS; what a request is: test_server_framing."""

import os
import re
import signal
import socket
import ssl
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from davserver.server import CannotListen, Listening, Worker, serve, waiting
from davserver.server.balance import Loads
from davserver.server.connection import Connection, Step
from davserver.server.http_server import Server
from davserver.server.listening import open_listener
from davserver.server.waiting import Door
from tests.tiny_server import DEFAULTS, GET, Running, running, tls_client

SLOW = b"GET /sleep?%s HTTP/1.1\r\nHost: x\r\n\r\n"


def never_made() -> NoReturn:
    pytest.fail("a worker was made")


def make_worker() -> Worker:
    never_made()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def worker_ids(server: Running) -> list[int]:
    made = [re.fullmatch(r"made in (\d+)", line) for line in server.log]
    return [int(match.group(1)) for match in made if match]


class Certificates:
    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.certificate, self.private_key = self._write(folder, "site")
        _, self.other_key = self._write(folder, "other")
        self.nonsense = folder / "nonsense.pem"
        self.nonsense.write_text("nonsense")
        self.locked_key = folder / "locked.pem"
        key = load_pem_private_key(self.other_key.read_bytes(), None)
        locked = BestAvailableEncryption(b"secret")
        self.locked_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))

    def _write(self, folder: Path, name: str) -> tuple[Path, Path]:
        pair = self.authority.issue_cert("localhost", key_type=trustme.KeyType.RSA)
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        pair.cert_chain_pems[0].write_to_path(certificate)
        pair.private_key_pem.write_to_path(key)
        return certificate, key

    def client_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(certificates: Certificates) -> Iterator[Running]:
    with running(
        threads=2,
        idle_timeout=2.0,
        certificate=str(certificates.certificate),
        private_key=str(certificates.private_key),
    ) as server:
        yield server


# Starting


def test_a_busy_port_is_told_at_once_before_any_worker_exists() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(CannotListen, match=rf"^Le port {port} de 127.0.0.1 est déjà utilisé"):
            serve(Listening(**{**DEFAULTS, "port": port}), make_worker)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"host": "no-such-host.invalid"}, "L'adresse « no-such-host.invalid » est inconnue"),
        ({"host": "192.0.2.1"}, "L'adresse 192.0.2.1 n'est pas une adresse de cette machine."),
        ({"idle_timeout": 0.0}, "Le délai d'inactivité doit être supérieur à zéro."),
    ],
)
def test_an_address_where_one_cannot_listen_is_told_in_a_sentence(
    changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(CannotListen, match=re.escape(sentence)):
        serve(Listening(**{**DEFAULTS, **changes}), make_worker)


@pytest.mark.parametrize(
    ("certificate", "private_key", "sentence"),
    [
        ("certificate", "other_key", "n'est pas celle du certificat"),
        ("certificate", "locked_key", "la clé sans mot de passe"),
        ("nonsense", "private_key", "doivent être des fichiers PEM"),
        ("certificate", "nonsense", "doivent être des fichiers PEM"),
        ("certificate", None, "Il faut un certificat et une clé privée, ou aucun des deux."),
        (None, "private_key", "Il faut un certificat et une clé privée, ou aucun des deux."),
    ],
)
def test_a_certificate_that_cannot_serve_is_told_in_a_sentence(
    certificates: Certificates, certificate: str | None, private_key: str | None, sentence: str
) -> None:
    listening = replace(
        Listening(**DEFAULTS),
        certificate=getattr(certificates, certificate) if certificate else None,
        private_key=getattr(certificates, private_key) if private_key else None,
    )

    with pytest.raises(CannotListen, match=re.escape(sentence)):
        serve(listening, make_worker)


def test_a_certificate_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    absent = tmp_path / "absent.pem"
    listening = replace(Listening(**DEFAULTS), certificate=absent, private_key=absent)

    with pytest.raises(CannotListen, match=r"absent.pem : lecture impossible \(No such file"):
        serve(listening, make_worker)


# Workers


def test_each_worker_is_made_in_a_process_of_its_own() -> None:
    with running(workers=2) as server:
        server.wait_for("serves$", times=2)

        assert len({server.process.pid, *worker_ids(server)}) == 3
        assert int(server.ask().body) in worker_ids(server)


def test_the_worker_with_fewer_connections_takes_the_next_ones() -> None:
    with running(workers=2) as server, ExitStack() as open_connections:
        server.wait_for("serves$", times=2)
        quick, stopped = worker_ids(server)

        def takes_the_next() -> int:
            client = open_connections.enter_context(server.connect())
            client.send(GET)
            return int(client.answer().body)

        # A worker that does not react holds the other one up, but only for a moment each time…
        os.kill(stopped, signal.SIGSTOP)
        assert {takes_the_next() for _ in range(10)} == {quick}
        os.kill(stopped, signal.SIGCONT)
        # … and its clients keep their connections: an uneven share would stay so.
        shares: Counter[int] = Counter()
        for _ in range(10):
            shares[takes_the_next()] += 1
            time.sleep(0.01)
        assert shares[stopped] >= 8


def test_a_worker_that_has_left_a_connection_to_another_takes_one_when_it_is_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "_HEAVIER", 60.0)
    loads = Loads(2)
    with open_listener(Listening(**DEFAULTS)) as listener, ExitStack() as open_connections:
        first, second = servers = [
            Server(Listening(**DEFAULTS), Door(listener, loads, place), None, lambda *_: [])
            for place in range(2)
        ]
        for server in servers:
            server.ready = True
            server.waiting.turn(0)

        def shares_after_the_next(*turns: Server) -> list[int]:
            open_connections.enter_context(socket.create_connection(listener.getsockname()))
            for server in turns:
                server.waiting.turn(5)
            return [loads.own(place) for place in range(2)]

        assert shares_after_the_next(first) == [1, 0]
        assert shares_after_the_next(first, second) == [1, 1]
        assert shares_after_the_next(second) == [1, 2]
        # In a turn the first is rung; in its next one it takes.
        begun = time.monotonic()
        assert shares_after_the_next(second, first, first) == [2, 2]
        assert time.monotonic() - begun < 4
        for server in servers:
            server.waiting.stop_accepting()
    loads.close()


def test_a_worker_with_no_thread_to_spare_leaves_new_connections_to_the_other() -> None:
    with (
        running(workers=2, threads=3, shutdown_timeout=0.0) as server,
        ExitStack() as open_connections,
    ):
        server.wait_for("serves$", times=2)
        clients = defaultdict(list)
        for _ in range(6):
            client = open_connections.enter_context(server.connect())
            client.send(GET)
            clients[client.answer().body].append(client)
        for client in max(clients.values(), key=len)[:3]:
            client.send(SLOW % b"2")
        server.wait_for("called GET /sleep", times=3)

        begun = time.monotonic()
        for _ in range(5):
            assert server.ask().status == 200
        assert time.monotonic() - begun < 1


def test_a_worker_that_dies_is_replaced() -> None:
    with running() as server:
        first = int(server.ask().body)
        with server.connect() as client:
            client.send(b"GET /die HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.is_closed()
        server.wait_for("serves$", times=2)

        assert int(server.ask().body) != first
        assert gone(first)
        assert f"ERROR worker {first} ended with code -9; a new one in 0.1 s" in server.log


def test_workers_that_die_too_often_end_the_server() -> None:
    with running(broken=True) as server:
        assert server.wait() == 1

        assert len(worker_ids(server)) == 6
        assert "CRITICAL 6 workers ended within a minute: the server stops" in server.log
        assert [line for line in server.log if "RuntimeError: no database" in line]
        assert "stopped" not in server.log


# Stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_flight_end_and_new_ones_are_not_taken_at_a_stop(
    number: signal.Signals,
) -> None:
    with running() as server, server.connect() as idle, server.connect() as busy:
        idle.send(GET)
        idle.answer()
        busy.send(SLOW % b"0.5")
        server.wait_for("called GET /sleep")

        server.process.send_signal(number)

        assert idle.is_closed()
        with pytest.raises(ConnectionError):
            server.connect().answer()
        answer = busy.answer()
        assert (answer.body, answer.headers["connection"]) == (b"slept", "close")
        assert server.wait() == 0
        assert server.log.count("stopped") == 1


def test_a_request_that_does_not_end_in_time_is_cut() -> None:
    with running(shutdown_timeout=0.5) as server, server.connect() as busy:
        busy.send(SLOW % b"30")
        server.wait_for("called GET /sleep")

        begun = time.monotonic()
        server.process.terminate()

        assert busy.is_closed()
        assert server.wait() == 0
        assert time.monotonic() - begun < 3
        assert "stopped" in server.log


def test_a_second_signal_stops_at_once() -> None:
    with running(shutdown_timeout=60.0) as server, server.connect() as busy:
        busy.send(SLOW % b"30")
        server.wait_for("called GET /sleep")

        server.process.terminate()
        time.sleep(0.2)
        assert server.process.poll() is None
        server.process.terminate()

        assert server.wait(within=2) == 1


def test_a_worker_that_does_not_stop_is_ended() -> None:
    with running(hangs=True, shutdown_timeout=0.0) as server:
        server.ask()
        server.process.terminate()

        assert server.wait(within=8) == 1


def test_a_signal_to_one_worker_replaces_it_gracefully() -> None:
    with running() as server, server.connect() as busy:
        busy.send(SLOW % b"0.5")
        server.wait_for("called GET /sleep")

        os.kill(worker_ids(server)[0], signal.SIGTERM)

        assert busy.answer().body == b"slept"
        server.wait_for("serves$", times=2)
        assert server.log.count("stopped") == 1


def test_a_hangup_changes_nothing() -> None:
    with running() as server:
        first = server.ask().body
        server.process.send_signal(signal.SIGHUP)
        os.kill(int(first), signal.SIGHUP)

        assert server.ask().body == first


def test_workers_stop_by_themselves_when_their_parent_is_killed() -> None:
    with running(workers=2) as server:
        server.wait_for("serves$", times=2)
        server.process.kill()

        assert server.wait() == -signal.SIGKILL
        assert server.log.count("stopped") == 2


# Slow and idle clients


def test_clients_that_are_slow_with_their_head_hold_up_nobody() -> None:
    with running(threads=2, idle_timeout=1.0) as server, ExitStack() as open_connections:
        slow = [open_connections.enter_context(server.connect()) for _ in range(50)]
        for client in slow[10:]:
            client.send(b"GET /pid HTTP/1.1\r\n")

        begun = time.monotonic()
        assert server.ask().status == 200
        assert time.monotonic() - begun < 0.5
        # A byte now and then gains no time.
        while time.monotonic() - begun < 0.8:
            slow[-1].send(b"X")
            time.sleep(0.1)
        assert slow[-1].answer().status == 408
        assert time.monotonic() - begun < 2.5
        assert slow[-1].is_closed()
        assert slow[0].is_closed()  # without a word: it had said nothing either


def test_a_body_that_pauses_too_long_is_answered_408() -> None:
    with running(idle_timeout=0.5) as server, server.connect() as client:
        client.send(b"PUT /count HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")

        assert client.answer().status == 408
        assert client.is_closed()


def test_a_client_that_does_not_read_its_answer_gives_the_thread_back() -> None:
    with running(idle_timeout=0.5, threads=1) as server, server.connect() as client:
        client.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_for("called GET /big")

        assert server.ask().status == 200


def test_an_idle_connection_is_closed_after_its_time() -> None:
    with running(idle_timeout=0.5) as server, server.connect() as client:
        client.send(GET)
        client.answer()
        begun = time.monotonic()

        assert client.is_closed()
        assert 0.4 < time.monotonic() - begun < 2


def test_the_connection_that_has_been_idle_longest_makes_room_for_the_next() -> None:
    with running(idle_connections=5) as server, ExitStack() as open_connections:
        clients = []
        for _ in range(8):
            client = open_connections.enter_context(server.connect())
            client.send(GET)
            assert client.answer().status == 200
            clients.append(client)
            time.sleep(0.02)

        assert all(client.is_closed() for client in clients[:3])
        for client in clients[3:]:
            client.send(GET)
            assert client.answer().status == 200


def test_without_a_file_descriptor_left_the_server_waits_and_recovers() -> None:
    with running(files=300, threads=2) as server, ExitStack() as open_connections:
        clients = [open_connections.enter_context(server.connect()) for _ in range(3)]
        for client in clients[:2]:
            client.send(GET)
            client.answer()
        server.ask(b"GET /eat-files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: server.ask(), range(8)))

        assert [answer.status for answer in answers] == [200] * 8
        assert time.monotonic() - begun < 5
        assert len([line for line in server.log if "no new connection can be opened" in line]) == 1
        assert not [line for line in server.log if "ended" in line]


@pytest.fixture
def accepted() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection as the server takes it, and its client's end."""
    listening = Listening(**{**DEFAULTS, "idle_timeout": 60.0})
    with open_listener(listening) as listener:
        loads = Loads(1)
        server = Server(listening, Door(listener, loads, 0), None, lambda *_: [])
        with socket.create_connection(listener.getsockname()) as client:
            listener.setblocking(True)
            connection = Connection(server, *listener.accept())
            yield connection, client
            connection.drop()
        loads.close()


def test_the_time_for_a_head_counts_from_its_first_byte(
    accepted: tuple[Connection, socket.socket],
) -> None:
    connection, client = accepted

    def seconds_left_after(data: bytes) -> float:
        client.sendall(data)
        time.sleep(0.05)
        assert connection.advance() is Step.WAIT
        return connection.deadline - time.monotonic()

    assert 59 < seconds_left_after(b"") < 60
    assert 9 < (left := seconds_left_after(b"GET /")) <= 10
    assert seconds_left_after(b"pid HTTP/1.1") < left


def test_a_block_leaves_without_waiting_for_the_next_one(
    accepted: tuple[Connection, socket.socket],
) -> None:
    connection, _ = accepted

    assert connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# TLS


def test_tls_serves_and_tells_the_application(secure: Running, certificates: Certificates) -> None:
    with tls_client(secure, certificates.client_context()) as client:
        client.send(b"GET /environ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b'"wsgi.url_scheme": "https"' in client.answer().body
        body = os.urandom(300_000)
        client.send(b"PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + body)
        assert client.answer().body == body
        client.send(GET + GET)
        assert client.answer().status == client.answer().status == 200


def test_tls_ends_with_its_closing_alert(secure: Running, certificates: Certificates) -> None:
    context = certificates.client_context()
    with socket.create_connection(("127.0.0.1", secure.port), 10) as plain:
        wrapped = context.wrap_socket(
            plain, server_hostname="localhost", suppress_ragged_eofs=False
        )
        wrapped.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        while wrapped.recv(1_000):  # raises SSLEOFError where the alert is missing
            pass
        wrapped.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(
    secure: Running, certificates: Certificates, version: ssl.TLSVersion
) -> None:
    context = certificates.client_context()
    context.minimum_version = context.maximum_version = version
    with tls_client(secure, context) as client:
        client.send(GET)
        assert client.answer().status == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the version that is tried
def test_tls_1_1_is_not_spoken(secure: Running, certificates: Certificates) -> None:
    context = certificates.client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        tls_client(secure, context)


def test_plain_http_on_the_tls_port_is_answered_400(secure: Running) -> None:
    with secure.connect() as client:
        client.send(GET)

        answer = client.answer()
        assert (answer.status, answer.body) == (400, b"this port speaks HTTPS only\n")
        assert client.is_closed()


def test_clients_that_never_shake_hands_hold_up_nobody(
    secure: Running, certificates: Certificates
) -> None:
    with ExitStack() as open_connections:
        silent = [open_connections.enter_context(secure.connect()) for _ in range(20)]
        for client in silent[10:]:
            client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

        begun = time.monotonic()
        with tls_client(secure, certificates.client_context()) as client:
            client.send(GET)
            assert client.answer().status == 200
        assert time.monotonic() - begun < 1
        assert silent[0].is_closed()
        assert silent[-1].is_closed()
        assert time.monotonic() - begun < 4


def test_a_client_can_read_a_refusal_over_tls_too(
    secure: Running, certificates: Certificates
) -> None:
    with tls_client(secure, certificates.client_context()) as client:
        client.send(b"PUT /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
        for _ in range(80):
            client.send(bytes(100_000))
            time.sleep(0.001)

        assert client.answer().status == 403
