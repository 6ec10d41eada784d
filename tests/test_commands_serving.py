"""A site from its first day: made, served, used, looked into; and a server that cannot start."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests import backends, rows
from tests.console import Console, copied
from tests.ports import free_port
from tests.serving import PASSWORD, QUICK, Server, wait_for

EXAMPLE = Path(__file__).parent.parent / "config" / "dossier.toml"
TITLE = "2024-05 Consorts INVENTÉ contre SCI Les Cyprès Imaginaires"
BOX = (TITLE, "04 Boîtes aux lettres", "Cabinet MIRAGE-UTOPIE (Consorts INVENTÉ)")
LAWYER = "cabinet.mirage-utopie"


class Inbox:
    """Takes every mail; tells to whom it went."""

    def __init__(self) -> None:
        self.recipients: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    inbox, port = Inbox(), free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield inbox, port
    controller.stop()


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


def test_a_site_from_its_first_day(tmp_path: Path, inbox: tuple[Inbox, int]) -> None:
    mails, port = inbox
    console = Console(tmp_path / "data")
    server = Server(
        console.data, command=("serve",), environment={"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "4"}
    )
    assert server.run("init", "--password", PASSWORD).returncode == 0
    expert = ("apolline.testard", "--first-name", "Apolline", "--last-name", "TESTARD")
    mail = ("--email", "apolline.testard@testard.example")
    assert server.run("user", "add", *expert, *mail, "--expert").returncode == 0
    server.json("dossier", "create", "--from", str(EXAMPLE))
    console.well("user", "password", LAWYER, "--password", PASSWORD)
    server.start()
    try:
        assert server.dav(LAWYER).put((*BOX, "Pièce n°1.pdf"), b"%PDF-1.4 piece").status == 201
        (unfinished,) = console.json("deposits", "list")
        assert (unfinished["state"], unfinished["number"]) == ("received", None)
        deposit = wait_for(lambda: _sealed(console), 30, "the seal")
        wait_for(lambda: _due(console), 30, "the mails to be due")
        sent = Server(
            server.data,
            environment={"DAVSERVER_MAIL__HOST": "127.0.0.1", "DAVSERVER_MAIL__PORT": str(port)},
        ).run("alerts", "run-once")
        server.verify()
    finally:
        assert server.stop() == 0

    assert {key: deposit[key] for key in ("number", "name", "author", "state", "size")} == {
        "number": "D-000001",
        "name": "Pièce n°1.pdf",
        "author": LAWYER,
        "state": "sealed",
        "size": 14,
    }
    assert re.fullmatch(r"[0-9a-f]{64}", deposit["sha256"])
    times = [deposit[key] for key in ("opened_at", "received_at", "sealed_at")]
    assert times == sorted(times) and deposit["published_at"] == times[-1]
    assert deposit["path"] == "/" + "/".join((*BOX, "Pièce n°1.pdf"))
    assert (deposit["box"], deposit["channel"]) == (BOX[-1], "webdav")
    assert sent.stdout == "6 mails tried\n", sent.stderr
    assert sorted(mails.recipients)[0] == "apolline.testard@testard.example"
    (message,) = console.json("alerts", "queue")
    assert (message["state"], len(message["recipients"])) == ("sent", 6)
    assert "sent" in console.well("alerts", "queue")
    acts = [line["act"] for line in console.json("journal", "list", "--dossier", "2024-05")]
    assert acts[-2:] == ["deposit.receive", "deposit.seal"]
    console.well("journal", "verify")


def _sealed(console: Console) -> Any:
    rows = console.json("deposits", "list", "--dossier", "2024-05")
    return next((row for row in rows if row["state"] == "sealed"), None)


def _due(console: Console) -> bool:
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    return all(message["due_at"] < now for message in console.json("alerts", "queue"))


def test_deposits_and_journal_of_one_dossier_are_listed_alone(console: Console) -> None:
    everything = console.json("deposits", "list")
    ours = console.json("deposits", "list", "--dossier", "2024-02")

    assert ours == [row for row in everything if row["dossier"].startswith("2024-02")]
    assert [row["number"] for row in ours] == ["D-000001", "D-000002", "D-000003", "D-000004"]
    assert [row["late_seconds"] for row in ours if row["late_seconds"]] == [721]
    lines = console.json("journal", "list", "--dossier", "2024-02")
    assert len({line["dossier_id"] for line in lines}) == 1
    assert lines[-1] == console.json("journal", "list", "--dossier", "2024-02", "--last", "1")[0]
    assert "deposit.seal" in console.well("journal", "list", "--last", "40")
    assert "D-000004" in console.well("deposits", "list")


def test_a_changed_journal_is_found(console: Console) -> None:
    assert "none was changed" in console.well("journal", "verify")
    rows.alter(
        console.data,
        "UPDATE journal SET actor = 'personne' WHERE id = 5",
        "DELETE FROM journal WHERE id = 9",
    )

    done = console("journal", "verify", "--json")

    assert done.code == 1
    assert done.json["faults"] == [
        "journal 5: the line was changed",
        "journal 10: the line before it is missing or was changed",
    ]


def test_mails_without_a_mail_server_stay_in_the_queue(console: Console) -> None:
    assert console.well("alerts", "run-once") == "0 mails tried: mail.host is not set\n"


def command(*arguments: str, data: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "davserver", *arguments, "--data", str(data)],
        env={**os.environ, **QUICK, **backends.environment(data), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refused(*arguments: str, data: Path, **environment: str) -> str:
    process = command(*arguments, data=data, **environment)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, ""), err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1, err
    return err


def test_a_port_that_is_taken_is_named(console: Console) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        assert f"Le port {port}" in refused("serve", "--port", port, data=console.data)


def test_a_server_without_a_site_does_not_start(tmp_path: Path) -> None:
    assert "pas de site ici" in refused("serve", "--port", "0", data=tmp_path)


def test_a_rule_that_is_not_installed_stops_the_start(console: Console, tmp_path: Path) -> None:
    config = tmp_path / "site.toml"
    config.write_text('[[policy]]\nuse = "absente"\n', encoding="utf-8")

    said = refused("serve", "--port", "0", "--config", str(config), data=console.data)

    assert "policy « absente » : non installée" in said


@pytest.mark.parametrize("option", [("--port", "99999"), ("--workers", "0"), ("--port", "x")])
def test_a_number_that_is_none_is_a_misuse(console: Console, option: tuple[str, str]) -> None:
    process = command("serve", *option, data=console.data)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 2
    assert option[0] in err and "Traceback" not in err


def test_the_options_of_serve_win_over_the_settings(console: Console) -> None:
    port = str(free_port())

    process = command(
        "serve", "--port", port, "--host", "127.0.0.1", "--workers", "1",
        data=console.data, DAVSERVER_SERVER__PORT="1", DAVSERVER_SERVER__WORKERS="7",
    )  # fmt: skip
    wait_for(lambda: _listens(int(port)), 60, "a listener")
    wait_for(lambda: _children(process.pid), 30, "a worker")
    children = _children(process.pid)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 0
    assert len(children) == 1
    for line in err.splitlines():
        assert json.loads(line)["event"]


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
