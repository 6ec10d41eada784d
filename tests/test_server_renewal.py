"""New workers for old at a SIGHUP: other settings, another certificate, and no request lost."""

import itertools
import json
import os
import signal
import socket
import ssl
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
import trustme

from davserver.demo.history import ORTIE
from tests.clients import box, deposits
from tests.console import copied
from tests.dav import address
from tests.serving import Server as Product
from tests.serving import wait_for
from tests.tiny_server import SLOW, Running, put, running, tls_client, worker_ids

pytestmark = pytest.mark.embedded


def renew(server: Running) -> None:
    """Have the workers followed; wait until those that are new serve."""
    before = sum("serves" in line for line in server.log)
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("serves$", times=before + 2)


def living(server: Running) -> list[int]:
    """The process ids of the workers that are there now."""
    return [pid for pid in worker_ids(server) if Path(f"/proc/{pid}").exists()]


def test_no_request_is_lost_on_connections_that_are_used_without_pause(tmp_path: Path) -> None:
    with running(workers=2, renewed=str(tmp_path / "none"), threads=8) as server:
        server.wait_for("serves$", times=2)
        stop, answered, lost = threading.Event(), [0] * 6, []

        def ask(number: int) -> None:
            while not stop.is_set():
                try:
                    with server.connect() as client:
                        closing = False
                        while not closing and not stop.is_set():
                            client.send(SLOW % b"0.01")
                            answer = client.answer()
                            assert answer.status == 200
                            answered[number] += 1
                            closing = answer.headers.get("connection") == "close"
                except (OSError, EOFError, AssertionError) as error:
                    lost.append(repr(error))

        askers = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
        for asker in askers:
            asker.start()
        for _ in range(3):
            renew(server)
        stop.set()
        for asker in askers:
            asker.join()
        assert lost == []
        assert min(answered) > 20
        server.wait_for("stopped", times=6)


def test_a_worker_leaves_once_another_takes_connections_in_its_place(tmp_path: Path) -> None:
    with running(workers=2, renewed=str(tmp_path / "none")) as server:
        server.wait_for("serves$", times=2)
        first = worker_ids(server)
        renew(server)
        server.wait_for("stopped", times=2)
        told = [line for line in server.log if "serves" in line or line == "left"]
        assert [line == "left" for line in told] == [False, False, False, True, False, True]
        assert "ended with code" not in "\n".join(server.log)
        assert not {server.ask().body for _ in range(20)} & {str(pid).encode() for pid in first}


def test_who_leaves_hears_no_bell_of_those_who_follow(tmp_path: Path) -> None:
    """Uploads keep the old workers, while many connections come and go at the new ones."""
    with running(workers=2, renewed=str(tmp_path / "none"), threads=2) as server:
        server.wait_for("serves$", times=2)
        uploads = [server.connect() for _ in range(2)]
        for upload in uploads:
            upload.send(put("/echo", "Content-Length: 10"))
        server.wait_for("called PUT /echo", times=2)
        renew(server)
        idle = [server.connect() for _ in range(8)]
        askers = [threading.Thread(target=lambda: [server.ask() for _ in range(100)])
                  for _ in range(6)]  # fmt: skip
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        for upload in uploads:
            upload.send(b"1234567890")
            assert upload.answer().body == b"1234567890"
        for client in (*idle, *uploads):
            client.socket.close()
        assert "ended with code" not in "\n".join(server.log)


def test_what_runs_beside_the_requests_ends_at_once(tmp_path: Path) -> None:
    """What was begun is answered, but nothing more is sealed by the settings of before."""
    with running(renewed=str(tmp_path / "none")) as server, server.connect() as slow:
        slow.send(put("/echo", "Content-Length: 10"))
        server.wait_for("called PUT /echo")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("left")
        assert "stopped" not in server.log
        slow.send(b"1234567890")
        assert slow.answer().body == b"1234567890"
        server.wait_for("stopped")


def test_a_new_worker_that_cannot_begin_leaves_the_old_ones_in_service(tmp_path: Path) -> None:
    told = tmp_path / "settings.json"
    with running(workers=2, renewed=str(told)) as server:
        server.wait_for("serves$", times=2)
        first = living(server)
        told.write_text(json.dumps({"broken": True}))
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("the old ones stay")
        assert server.ask().status == 200
        assert living(server) == first
        os.kill(first[0], signal.SIGKILL)  # it is replaced as it was
        server.wait_for("serves$", times=3)
        told.unlink()
        renew(server)
        wait_for(lambda: not set(living(server)) & set(first), what="new ones alone")


def test_a_worker_that_hangs_is_followed_too(tmp_path: Path) -> None:
    with running(workers=2, renewed=str(tmp_path / "none")) as server:
        server.wait_for("serves$", times=2)
        hung, _ = living(server)
        os.kill(hung, signal.SIGSTOP)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(f"worker {hung} does not leave: it is ended")
        server.wait_for("serves$", times=4)
        wait_for(lambda: len(living(server)) == 2, what="two workers")
        assert {server.ask().status for _ in range(10)} == {200}


def test_a_new_worker_that_dies_beside_one_that_leaves_is_replaced(tmp_path: Path) -> None:
    with running(renewed=str(tmp_path / "none")) as server, server.connect() as slow:
        slow.send(put("/echo", "Content-Length: 10"))
        server.wait_for("called PUT /echo")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("left")
        os.kill(worker_ids(server)[-1], signal.SIGKILL)
        server.wait_for("serves$", times=3)
        assert server.ask().status == 200
        slow.send(b"1234567890")
        assert slow.answer().body == b"1234567890"


def test_an_upload_outlasts_the_renewal_and_the_time_to_stop(tmp_path: Path) -> None:
    with running(renewed=str(tmp_path / "none"), shutdown_timeout=0.5) as server:
        with server.connect() as slow:
            slow.send(put("/echo", "Content-Length: 10"))
            slow.send(b"12345")
            server.wait_for("called PUT /echo")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("serves$", times=2)
            time.sleep(2)
            slow.send(b"67890")
            answer = slow.answer()
            assert answer.body == b"1234567890"
            assert answer.headers["connection"] == "close"
        server.wait_for("stopped")


def test_an_upload_that_is_still_under_way_when_the_server_stops_has_its_time(
    tmp_path: Path,
) -> None:
    wanted = {"renewed": str(tmp_path / "none"), "shutdown_timeout": 1.0}
    with running(**wanted) as server, server.connect() as slow:
        slow.send(put("/echo", "Content-Length: 10"))
        server.wait_for("called PUT /echo")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("serves$", times=2)
        server.process.terminate()
        slow.send(b"1234567890")
        assert slow.answer().body == b"1234567890"
        assert server.wait(within=8) == 0


def test_a_connection_that_is_silent_may_ask_once_more(tmp_path: Path) -> None:
    with running(renewed=str(tmp_path / "none")) as server, server.connect() as client:
        client.send(SLOW % b"0")
        assert "connection" not in client.answer().headers
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.2)  # the worker is leaving by now
        client.send(SLOW % b"0")
        assert client.answer().headers["connection"] == "close"
        assert client.is_closed()


def test_new_settings_count_and_the_address_stays(tmp_path: Path) -> None:
    told = tmp_path / "settings.json"
    with running(renewed=str(told)) as server:
        long = b"GET /pid HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 4_000 + b"\r\n\r\n"
        assert server.ask(long).status == 200
        told.write_text(json.dumps({"max_header_bytes": 1_000, "port": 1, "workers": 3}))
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("left")
        assert server.ask(long).status == 431
        server.wait_for("stopped")
        server.wait_for("WARNING address, port and number of workers are those of the start")
        wait_for(lambda: len(living(server)) == 1, what="the old worker to end")


@pytest.mark.parametrize(
    "change",
    [{"sentence": "Réglages faux."}, {"certificate": "/nowhere.pem", "private_key": "/no.pem"}],
)
def test_what_cannot_be_served_changes_nothing(tmp_path: Path, change: dict[str, str]) -> None:
    told = tmp_path / "settings.json"
    with running(renewed=str(told)) as server:
        first = server.ask().body
        told.write_text(json.dumps(change))
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("ERROR nothing is renewed")
        assert server.ask().body == first


def test_a_new_certificate_is_shown_and_a_connection_keeps_the_old_one(tmp_path: Path) -> None:
    first, second = trustme.CA(), trustme.CA()

    def write(authority: trustme.CA) -> None:
        made = authority.issue_cert("localhost")
        chain = b"".join(part.bytes() for part in made.cert_chain_pems)
        (tmp_path / "chain.pem").write_bytes(chain)
        made.private_key_pem.write_to_path(tmp_path / "key.pem")

    def trusting(authority: trustme.CA) -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        return context

    write(first)
    files = {"certificate": str(tmp_path / "chain.pem"), "private_key": str(tmp_path / "key.pem")}
    with running(renewed=str(tmp_path / "none"), **files) as server:
        server.wait_for("serves$")
        with tls_client(server, trusting(first)) as busy:
            busy.send(SLOW % b"2")
            server.wait_for("called GET /sleep")
            write(second)
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("left")
            with tls_client(server, trusting(second)) as client:
                client.send(SLOW % b"0")
                assert client.answer().body == b"slept"
            assert busy.answer().body == b"slept"


def test_a_worker_that_dies_while_it_leaves_is_followed_once(tmp_path: Path) -> None:
    with running(workers=2, renewed=str(tmp_path / "none")) as server:
        server.wait_for("serves$", times=2)
        with server.connect() as busy:
            busy.send(SLOW % b"30")
            server.wait_for("called GET /sleep")
            old = worker_ids(server)
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("serves$", times=4)
            wait_for(lambda: len(set(old) & set(living(server))) == 1, what="one to be gone")
            (left,) = set(old) & set(living(server))  # it answers still
            os.kill(left, signal.SIGKILL)
            with pytest.raises((EOFError, OSError, socket.error)):
                busy.answer()
            server.wait_for(f"worker {left}, which was to leave, ended with code -9")
        time.sleep(0.5)
        wait_for(lambda: len(living(server)) == 2, what="two workers")
        assert sum("serves" in line for line in server.log) == 4
        assert server.ask().status == 200


def test_deposits_go_on_while_a_site_reads_its_settings_anew(seeded: Path, tmp_path: Path) -> None:
    data, settings = copied(seeded, tmp_path).data, tmp_path / "davserver.toml"
    settings.write_text("[limits]\nfile_bytes = 100_000\n")
    server = Product(data, command=("serve", "--config", str(settings))).start()
    stop = threading.Event()
    names: list[str] = []
    wrong: list[str] = []

    def deposit(number: int) -> None:
        """As a drive does, on one connection as long as it lasts."""
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=60)) as door:
            for turn in itertools.count():
                if stop.is_set():
                    return
                name = f"Pièce {number}-{turn}.pdf"
                try:
                    door.request(
                        "PUT", address(*box(ORTIE), name), b"%PDF-1.4", lawyer.authorization()
                    )
                    reply = door.getresponse()
                    reply.read()
                except (OSError, HTTPException) as error:
                    wrong.append(f"{name}: {error!r}")
                    door.close()
                else:
                    wrong.extend([f"{name}: {reply.status}"] if reply.status != 201 else [])
                    names.append(name)

    lawyer = server.dav("cabinet.ortie-lambda")
    people = [threading.Thread(target=deposit, args=(number,)) for number in range(4)]
    for person in people:
        person.start()
    try:
        settings.write_text("[limits]\nfile_bytes = 1_000\n")
        os.kill(server.process, signal.SIGHUP)
        wait_for(lambda: server.log().count("serves") == 4, what="new workers")
        settings.write_text("[limits]\nfile_bites = 1\n")
        os.kill(server.process, signal.SIGHUP)
        wait_for(lambda: "nothing is renewed: " in server.log(), what="the refusal")
        wait_for(lambda: len(server.workers()) == 2, what="the old workers to end")
        assert lawyer.put((*box(ORTIE), "Trop grande.pdf"), b"%PDF" + bytes(1_000)).status == 413
    finally:
        stop.set()
        for person in people:
            person.join()
        assert server.stop() == 0
    assert wrong == []
    assert "file_bites" in server.log()
    assert {*names} <= {*deposits(server, "cabinet.ortie-lambda")}
    server.verify()
