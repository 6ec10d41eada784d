"""Whatever fails, at any door: no secret and no place of the machine in an answer or in the log."""

import itertools
import json
import re
import socket
import sys
from collections.abc import Iterator
from logging import ERROR, LogRecord
from pathlib import Path

import pytest

from davserver.logs import JsonLines
from tests import backends
from tests.clients import DOSSIER, EXPERT, box
from tests.console import run as command
from tests.dav import Reply, address
from tests.serving import PASSWORD, Server
from tests.threats.stranger import Stranger, basic

PLACE = "emplacement-secret"  # the folder of the data
SECRET = "sesame-d0nt-tell"
LAWYER = "cabinet.brumaire-kalve"
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
PLANS = (DOSSIER, "08 Plans")
METHODS = (
    "OPTIONS", "GET", "HEAD", "PUT", "MKCOL", "DELETE", "COPY", "MOVE", "LOCK", "UNLOCK",
    "PROPFIND", "PROPPATCH", "REPORT", "POST", "TRACE", "PATCH",
)  # fmt: skip
SOURCE = re.compile(r'File "|site-packages|/davserver/|Traceback|\.py\b')


@pytest.fixture(scope="module")
def server(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("g10") / PLACE
    backends.copy_site(seeded, data)
    # A wrong mail server: its failures are logged, and it has a password.
    environment = {
        "DAVSERVER_MAIL__HOST": "127.0.0.1", "DAVSERVER_MAIL__PORT": "9",
        "DAVSERVER_MAIL__USERNAME": "poste", "DAVSERVER_MAIL__PASSWORD": SECRET,
        "DAVSERVER_MAIL__RETRY_FIRST": "0.2", "DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "0.5",
    }  # fmt: skip
    # Not the demo, which prints its password.
    served = Server(data, command=("serve",), environment=environment, log=data.parent / "log")
    served.start()
    yield served
    assert served.stop() == 0
    served.verify()


def require_clean(text: str, *also: str) -> None:
    for secret in (SECRET, PASSWORD, PLACE, basic(LAWYER, PASSWORD)[6:], *also):
        assert secret not in text, secret
    assert not SOURCE.search(text), SOURCE.search(text)


def shown(reply: Reply) -> str:
    return f"{reply.reason} {dict(reply.headers)} {reply.body.decode(errors='replace')}"


def test_g10_errors_tell_no_secret_and_no_place(server: Server) -> None:
    stranger = Stranger(server.url)
    device = server.json("device", "add", LAWYER, "--name", "Portable")["password"]
    server.run("device", "revoke", LAWYER, "Portable")
    strangers = [
        basic(LAWYER, SECRET), basic(SECRET, "x"), f"Bearer {SECRET}", "", basic(LAWYER, device),
    ]  # fmt: skip
    headers = [
        {},
        {"If": f"(<opaquelocktoken:{SECRET}>)", "Lock-Token": f"<{SECRET}>", "Depth": SECRET},
        {"Destination": f"http://x:{SECRET}@evil.example/dav/y", "Cookie": f"session={SECRET}"},
        {"Content-Range": "bytes 1-2/3", "Overwrite": SECRET, "OC-Checksum": SECRET},
        {"X-Forwarded-For": "203.0.113.9", "Proxy-Authorization": f"Basic {SECRET}"},
    ]
    paths = [
        f"/dav/?password={SECRET}", address(*BOX) + f"?token={SECRET}", address(DOSSIER, "absent"),
        "/dav/..%2f..%2fetc/passwd", "/dav/%00", f"/absent?{SECRET}", "/kit/x", "/principals/x",
        "/healthz?x",
    ]  # fmt: skip
    bodies = [
        b"", f"<!DOCTYPE x [<!ENTITY e '{SECRET}'>]><x>&e;</x>".encode(), b"<x>" + SECRET.encode(),
    ]  # fmt: skip
    counted = 0
    for method, (person, more, path, body) in zip(
        itertools.cycle(METHODS),
        itertools.chain(
            itertools.product([basic(LAWYER, PASSWORD)], headers, paths, bodies),
            itertools.product(strangers, headers[:1], paths[:3], bodies[:1]),
        ),
        strict=False,
    ):
        try:
            reply = stranger.ask(person, method, path, more, body)
        except OSError:
            continue  # refused while the body was still coming
        counted += 1
        require_clean(shown(reply), device)

    assert counted > 120
    require_clean(server.log(), device)


def test_g10_malformed_requests_tell_nothing(server: Server) -> None:
    for raw in (
        f"GET /dav/ HTTP/1.1\r\nHost: x\r\nX {SECRET}: y\r\n\r\n",
        f"GET /dav/{SECRET} HTTP/9.9\r\n\r\n",
        f"{SECRET}\r\n\r\n",
        f"PUT /dav/x HTTP/1.1\r\nHost: x\r\nContent-Length: {SECRET}\r\n\r\n",
        f"PUT /dav/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{SECRET}\r\n",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
            line.sendall(raw.encode())
            line.shutdown(socket.SHUT_WR)
            require_clean(line.makefile("rb").read().decode("latin-1"))
    require_clean(server.log())


@pytest.mark.embedded
def test_g10_a_failure_inside_tells_its_place_in_the_program_only(server: Server) -> None:
    """The store is taken away, then a file of it: what fails names the folder of the data."""
    expert = server.dav(EXPERT)
    blobs = server.data / "blobs"
    away = server.data / "away"
    blobs.rename(away)
    try:
        answers = [
            expert.put((*PLANS, "x.txt"), b"x"),
            server.dav(LAWYER).put((*BOX, "y.pdf"), b"%PDF-1.4\n" + b"x" * 100),
            *(expert.get((*PLANS, name)) for name in expert.names(PLANS)),
        ]
    finally:
        away.rename(blobs)
    assert any(answer.status >= 500 for answer in answers)
    for answer in answers:
        require_clean(shown(answer))
    require_clean(server.log())


def test_g10_the_log_of_a_failure_has_its_kind_and_place_and_no_text() -> None:
    try:
        try:
            raise FileNotFoundError(2, SECRET, f"/srv/{PLACE}/blobs")
        except OSError as cause:
            raise RuntimeError(f"INSERT ... '{SECRET}'") from cause
    except RuntimeError:
        record = LogRecord("davserver", ERROR, "", 1, "it failed", None, sys.exc_info())
    line = JsonLines().format(record)

    require_clean(line)
    assert [one.split(":")[0] for one in json.loads(line)["failure"]] == [
        f"RuntimeError at {__name__}",
        f"FileNotFoundError at {__name__}",
    ]


def test_g10_mails_that_fail_tell_nothing(server: Server) -> None:
    assert server.dav(LAWYER).put((*BOX, "z.pdf"), b"%PDF-1.4\n" + b"z" * 100).status == 201
    shown = server.json("alerts", "queue")
    require_clean(str(shown))
    require_clean(server.log())


@pytest.mark.parametrize(
    "written",
    [
        f'[mail]\npassword = ["{SECRET}"]\n',
        f'[storage]\ndatabase = ["postgresql://x:{SECRET}@127.0.0.1/x"]\n',
        f'[storage]\ndatabase = "nonsense://x:{SECRET}@127.0.0.1/x"\n',
        f'[storage]\ndatabase = "nonsense {SECRET}"\n',
    ],
)
def test_g10_settings_that_cannot_be_used_are_not_shown(tmp_path: Path, written: str) -> None:
    config = tmp_path / "davserver.toml"
    config.write_text(written, encoding="utf-8")

    done = command("user", "list", "--config", str(config))

    assert done.code != 0
    assert SECRET not in done.out + done.err
