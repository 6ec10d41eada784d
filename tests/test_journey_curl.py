"""A script that knows only HTTP (curl): deposits, partial downloads, refusals, broken transfers."""

import socket
from pathlib import Path

import pytest

from davserver.demo.history import FACTICE, ORTIE, SAULE
from tests import backends
from tests.clients import (
    AWKWARD,
    CLOSED,
    DOSSIER,
    EXPERT,
    Curl,
    SlowUpload,
    archive,
    await_names,
    box,
    deposits,
    paper,
    papers,
    requests,
    sha256,
)
from tests.conftest import Start
from tests.dav import address
from tests.serving import PASSWORD, Server, wait_for

LAWYER, OTHER = "cabinet.ortie-lambda", "cabinet.saule-exemple"
BOX = box(ORTIE)
OLD = (*BOX, AWKWARD[2])  # sealed in 2024
HEAVY = (*archive("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)"), "Pièce n°12 - Constat.pdf")


@pytest.fixture
def lawyer(demo: Server, tmp_path: Path) -> Curl:
    return Curl(demo, LAWYER, tmp_path)


@pytest.fixture
def other(demo: Server, tmp_path: Path) -> Curl:
    return Curl(demo, OTHER, tmp_path)


def test_a_file_sent_with_its_length_is_a_deposit(
    demo: Server, lawyer: Curl, tmp_path: Path
) -> None:
    name = "Pièce n°40 - Relevé & notice #1.pdf"
    written = papers(tmp_path, [name])[name]
    reply = lawyer((*BOX, name), "--upload-file", tmp_path / name)
    assert reply.status == 201
    assert reply.headers["etag"].strip('"')
    await_names(demo.dav(OTHER), BOX, [name])
    assert demo.dav(OTHER).get((*BOX, name)).body == written
    assert deposits(demo, LAWYER)[name]["sha256"] == sha256(written)


def test_a_file_sent_in_chunks_is_a_deposit(demo: Server, lawyer: Curl) -> None:
    name = "Pièce n°41 - Courriel.pdf"
    reply = lawyer((*BOX, name), "--upload-file", "-", stdin=paper(name))
    assert reply.status == 201
    await_names(demo.dav(OTHER), BOX, [name])
    assert demo.dav(OTHER).get((*BOX, name)).body == paper(name)


@pytest.mark.parametrize(("path", "status"), [((*BOX, "Pièce n°42.pdf"), 201), (OLD, 403)])
def test_a_client_that_waits_for_leave_to_send_gets_an_answer(
    lawyer: Curl, tmp_path: Path, path: tuple[str, ...], status: int
) -> None:
    papers(tmp_path, ["Pièce n°42.pdf"])
    expect = ("--header", "Expect: 100-continue", "--expect100-timeout", "30", "--max-time", "20")
    reply = lawyer(path, *expect, "--upload-file", tmp_path / "Pièce n°42.pdf")
    assert reply.status == status
    invited = "HTTP/1.1 100" in lawyer.head.read_text(encoding="latin-1")
    assert invited is (status == 201), "a refusal costs no transfer"


def test_a_download_is_resumed_where_it_stopped(other: Curl, tmp_path: Path) -> None:
    whole = other(HEAVY).body
    size = len(whole)
    first = other(HEAVY, "--range", "0-999999")
    assert (first.status, first.headers["content-range"]) == (206, f"bytes 0-999999/{size}")
    rest = other(HEAVY, "--range", "1000000-")
    assert (rest.status, first.body + rest.body) == (206, whole)
    last = other(HEAVY, "--range", "-500")
    assert (last.status, last.body) == (206, whole[-500:])
    assert other(HEAVY, "--range", f"{size}-").status == 416


def test_head_tells_what_get_would_send(other: Curl) -> None:
    head, got = other(OLD, "--head"), other(OLD)
    assert head.status == 200
    for name in ("etag", "content-length", "last-modified", "content-type"):
        assert head.headers[name] == got.headers[name]
    assert int(head.headers["content-length"]) == len(got.body)


def test_what_has_not_changed_is_not_sent_again(other: Curl) -> None:
    got = other(OLD)
    for condition in (
        f"If-None-Match: {got.headers['etag']}",
        f"If-Modified-Since: {got.headers['last-modified']}",
    ):
        again = other(OLD, "--header", condition)
        assert (again.status, again.body) == (304, b"")
    assert other(OLD, "--header", 'If-None-Match: "another"').body == got.body


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("", ""),
        (LAWYER, "faux"),
        (LAWYER, ""),
        ("cabinet.inconnu", PASSWORD),
        ("admin' or '1'='1", PASSWORD),
    ],
)
def test_nobody_gets_in_without_his_password(
    demo: Server, tmp_path: Path, login: str, password: str
) -> None:
    curl = Curl(demo, login, tmp_path, password=password)
    papers(tmp_path, ["intrus.pdf"])
    for options in ([], ["--request", "PROPFIND"], ["--upload-file", str(tmp_path / "intrus.pdf")]):
        reply = curl((*BOX, "intrus.pdf"), *options)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Basic realm=")
        assert PASSWORD.encode() not in reply.body
    assert "intrus.pdf" not in demo.dav(LAWYER).names(BOX)


def test_the_expert_files_with_a_move(demo: Server, other: Curl, tmp_path: Path) -> None:
    name = "Avis technique du sachant n°1.pdf"
    assert demo.dav("cabinet.factice-dumodele").put((*box(FACTICE), name), paper(name)).status
    await_names(demo.dav(EXPERT), box(FACTICE), [name])
    expert = Curl(demo, EXPERT, tmp_path)

    def moved(target: tuple[str, ...]) -> int:
        destination = f"Destination: {demo.url}{address(*target)}"
        options = ("--request", "MOVE", "--header", destination, "--header", "Overwrite: F")
        return expert((*box(FACTICE), name), *options).status

    assert moved((*archive(SAULE), name)) == 403
    assert moved((*archive(FACTICE), "Autre nom.pdf")) == 403
    assert moved((*box(SAULE), name)) == 403
    assert moved((*archive(FACTICE), name)) == 201
    assert other((*box(FACTICE), name)).status == 404
    assert other((*archive(FACTICE), name)).body == paper(name)


def test_a_closed_dossier_is_read_and_not_written(demo: Server, tmp_path: Path) -> None:
    curl = Curl(demo, LAWYER, tmp_path)
    place = (CLOSED, "04 Boîtes aux lettres", "Cabinet ORTIE-LAMBDA (BET Abscisse)")
    papers(tmp_path, ["Dire n°2.pdf"])
    reply = curl((*place, "Dire n°2.pdf"), "--upload-file", tmp_path / "Dire n°2.pdf")
    assert (reply.status, reply.reason) == (403, "Dossier clos - lecture seule")
    filed = (CLOSED, "05 Archives", place[2], "Dires", "Dire n°1 - BET Abscisse.pdf")
    assert curl(filed).status == 200


def test_a_body_that_breaks_off_leaves_nothing(demo: Server) -> None:
    path = (*BOX, "Pièce n°50 - Tronquée.pdf")
    expert = demo.dav(EXPERT)
    for sent in (0, 100, 999):
        before = len(requests(demo, LAWYER, "PUT"))
        upload = SlowUpload(demo, LAWYER, path, announced=1_000)
        upload.send(bytes(sent))
        upload.cut()
        await_requests(demo, before + 1)
        assert requests(demo, LAWYER, "PUT")[-1]["status"] == 400
        assert not any((demo.data / "spool").iterdir())
        assert demo.dav(LAWYER).get(path).status == 404
        # No lock and no reservation is left on the name: another account may take it.
        assert expert.put(path).status == 201
        assert expert.delete(path).status == 204
    assert path[-1] not in deposits(demo, LAWYER)


def await_requests(server: Server, count: int) -> None:
    """Wait until the server has logged so many PUTs of the lawyer."""
    wait_for(lambda: len(requests(server, LAWYER, "PUT")) >= count, what="the end of the request")


def own_address() -> str:
    """This machine's address on its network; skips the test where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses the address; sends nothing
        except OSError:
            pytest.skip("this machine has no network")
        found = str(probe.getsockname()[0])
    if found.startswith("127."):
        pytest.skip("this machine has no address but the loopback")
    return found


def test_no_password_is_taken_over_plain_http_from_elsewhere(
    start: Start, seeded: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    backends.copy_site(seeded, data)
    everywhere = ("demo", "--password", PASSWORD, "--host", "0.0.0.0")
    server = Server(data, command=everywhere).start()
    try:
        from_elsewhere = f"http://{own_address()}:{server.port}"
        here = Curl(server, LAWYER, tmp_path)
        there = Curl(server, LAWYER, tmp_path, url=from_elsewhere)
        assert here((DOSSIER,), "--request", "PROPFIND").status == 207
        for options in ([], ["--request", "PROPFIND"], ["--request", "OPTIONS"]):
            reply = there((DOSSIER,), *options)
            assert (reply.status, reply.reason) == (403, "Utilisez https")
            assert "www-authenticate" not in reply.headers, "it must not ask for a password"
        papers(tmp_path, ["clair.pdf"])
        sent = there((*BOX, "clair.pdf"), "--upload-file", tmp_path / "clair.pdf")
        assert sent.status == 403
        assert server.dav(LAWYER).get((*BOX, "clair.pdf")).status == 404
    finally:
        server.stop()
    server.verify()
