"""The processes of the server: how they start, are replaced, and stop."""

import os
import re
import signal
import socket
import time
from contextlib import ExitStack

import pytest

from davserver.server import CannotListen, Listening, serve
from tests.tiny_server import (
    DEFAULTS,
    GET,
    SLOW,
    make_no_worker,
    running,
    worker_ids,
)

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_busy_port_is_told_at_once_before_any_worker_exists() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(CannotListen, match=rf"^Le port {port} de 127.0.0.1 est déjà utilisé"):
            serve(Listening(**{**DEFAULTS, "port": port}), make_no_worker)


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
        serve(Listening(**{**DEFAULTS, **changes}), make_no_worker)


def test_each_worker_is_made_in_a_process_of_its_own() -> None:
    with running(workers=2) as server:
        server.wait_for("serves$", times=2)

        assert len({server.process.pid, *worker_ids(server)}) == 3
        assert int(server.ask().body) in worker_ids(server)


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


def test_who_has_asked_for_more_is_told_of_the_end_at_a_stop() -> None:
    with running() as server, server.connect() as client:
        client.send(SLOW % b"0.1" * 100)
        server.wait_for("called GET /sleep")

        server.process.terminate()

        answers = [client.answer()]
        while answers[-1].headers.get("connection") != "close":
            answers.append(client.answer())
        assert len(answers) < 10
        assert {answer.body for answer in answers} == {b"slept"}
        assert client.is_closed()
        assert server.wait() == 0


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


def test_whoever_has_connected_before_a_stop_is_answered() -> None:
    with running() as server, ExitStack() as open_connections:
        server.wait_for("serves$")
        (worker,) = worker_ids(server)
        os.kill(worker, signal.SIGSTOP)
        clients = [open_connections.enter_context(server.connect()) for _ in range(6)]
        server.process.terminate()
        time.sleep(0.1)
        os.kill(worker, signal.SIGCONT)
        time.sleep(0.1)

        for client in clients:  # as over a network: the request comes after the connection
            client.send(GET)

        assert [client.answer().body for client in clients] == [b"%d" % worker] * 6
        assert server.wait() == 0


def test_who_connects_and_says_nothing_does_not_delay_a_stop() -> None:
    with running() as server, server.connect() as silent:
        server.wait_for("serves$")
        begun = time.monotonic()

        server.process.terminate()

        assert silent.is_closed()
        assert server.wait() == 0
        assert time.monotonic() - begun < 2


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
