"""F07–F09: a store that is away is never an empty one; a lost answer is looked up, not guessed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import obstore
import pytest

from davserver.errors import Unavailable
from davserver.site import open_site
from davserver.storage.sweep import sweep
from tests import backends, rows
from tests.console import Console, copied
from tests.proxy import Proxy, proxied
from tests.serving import Server, wait_for

Start = Callable[..., Server]
A = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
BOX = (A, "04 Boîtes aux lettres", "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)")
PLANS = (A, "08 Plans")
PIECE = (*BOX, "Pièce n°31 - Constat.pdf")
PDF = b"%PDF-1.4 " + bytes(range(256)) * 400
_COMMIT = b"COMMIT\x00"  # the whole message: « READ COMMITTED » is none
ASKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("PROPFIND", ()),
    ("PROPFIND", (A,)),
    ("PROPFIND", BOX),
    ("GET", (*BOX, "absent.pdf")),
    ("HEAD", (*BOX, "absent.pdf")),
    ("PUT", PIECE),
    ("MKCOL", (*BOX, "Lot")),
    ("DELETE", (*BOX, "absent.pdf")),
    ("REPORT", BOX),
    ("LOCK", PIECE),
)


def health(server: Server) -> int:
    try:
        with urlopen(f"{server.url}/healthz", timeout=60) as reply:
            return int(reply.status)
    except HTTPError as error:
        return error.code


# --- the local folder --------------------------------------------------------------------------


@pytest.mark.embedded
@pytest.mark.parametrize("mounted", ["nothing", "an empty folder", "another site's"])
def test_f07_a_blob_folder_that_is_not_mounted_is_503_and_nothing_is_deleted(
    start: Start, tmp_path: Path, mounted: str
) -> None:
    server = start({"DAVSERVER_STORAGE__ORPHAN_GRACE": "0"})
    dav = server.dav("apolline.testard")
    plan = next(name for name in dav.names(PLANS) if name.endswith(".pdf"))
    blobs, away = server.data / "blobs", tmp_path / "unmounted"
    blobs.rename(away)
    if mounted != "nothing":
        blobs.mkdir()
    if mounted == "another site's":
        (blobs / "blobs-of-davserver").write_text("f" * 32 + "\n")

    assert health(server) == 503
    assert dav.get((*PLANS, plan)).status == 503
    assert dav.put((*PLANS, "neuf.pdf"), PDF).status == 503
    assert "stockage" in server.run("verify").stderr

    for file in blobs.glob("*"):
        file.unlink()
    if blobs.exists():
        blobs.rmdir()
    away.rename(blobs)
    assert health(server) == 200
    assert dav.get((*PLANS, plan)).status == 200
    assert "neuf.pdf" not in dav.names(PLANS)


def test_f07_a_sweep_deletes_nothing_where_rows_and_bytes_are_not_of_one_site(
    seeded: Path, tmp_path: Path
) -> None:
    console = copied(seeded, tmp_path)
    site = open_site(backends.settings(console.data))
    before = set(dict(site.blobs.keys()))
    # As if the database were another one, all of whose rows are elsewhere.
    rows.alter(console.data, "UPDATE site SET identity = 'another'", "DELETE FROM deposit",
               "UPDATE node SET blob_id = NULL")  # fmt: skip

    with pytest.raises(Unavailable):
        sweep(site.database, site.blobs, datetime.now(UTC) + timedelta(days=9), timedelta(0))

    assert set(dict(site.blobs.keys())) == before
    site.close()


def test_f07_a_site_does_not_start_on_an_empty_database(seeded: Path, tmp_path: Path) -> None:
    console = copied(seeded, tmp_path)
    if backends.is_scaled():
        rows.alter(console.data, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        assert "lancez « davserver init »" in console.refused("user", "list")
        assert "cette base de données est vide" in console.refused("init")
        assert rows.ask(console.data, "SELECT count(*) FROM node") == [(0,)]
        return
    for file in console.data.glob("davserver.sqlite*"):
        file.unlink()
    for command in (("user", "list"), ("init",), ("verify",), ("serve",)):
        assert "restaurez une sauvegarde" in console.refused(*command)
    assert list(console.data.glob("davserver.sqlite*")) == []
    (console.data / "davserver.sqlite").touch()
    assert "restaurez une sauvegarde" in console.refused("init")


def test_f07_a_site_does_not_start_on_the_store_of_another(seeded: Path, tmp_path: Path) -> None:
    console = copied(seeded, tmp_path)
    _mark_store(console, b"f" * 32)

    assert "autre site" in console.refused("user", "list")
    assert "autre site" in console.refused("init")


def test_f07_a_site_does_not_start_on_an_empty_store(seeded: Path, tmp_path: Path) -> None:
    console = copied(seeded, tmp_path)
    _mark_store(console, None)

    assert "stockage des pièces est vide" in console.refused("user", "list")
    assert "stockage des pièces est vide" in console.refused("init")


def _mark_store(console: Console, identity: bytes | None) -> None:
    """Make the store one of another site, or of none."""
    marker = "blobs-of-davserver"
    if not backends.is_scaled():
        file = console.data / "blobs" / marker
        file.unlink()
        if identity:
            file.write_bytes(identity)
        return
    store = backends.client(backends.environment(console.data)["DAVSERVER_S3__PREFIX"])
    obstore.delete(store, marker)
    if identity:
        obstore.put(store, marker, identity)


# --- PostgreSQL and S3, each behind a proxy that fails ------------------------------------------


class Away:
    """A site whose database and store are behind proxies."""

    def __init__(self, start: Start, database: Proxy, store: Proxy) -> None:
        self.database, self.store = database, store
        self.server = start(
            lambda data: {
                "DAVSERVER_STORAGE__DATABASE": backends.behind(data, database.port),
                "DAVSERVER_S3__ENDPOINT": f"http://127.0.0.1:{store.port}",
                "DAVSERVER_S3__TIMEOUT": "2",
                "DAVSERVER_SERVER__WORKERS": "2",
            }
        )
        self.dav = self.server.dav("cabinet.ortie-lambda")
        self.expert = self.server.dav("apolline.testard")

    def whole(self, name: str, content: bytes) -> bool:
        """Whether a document is there, and is this one."""
        reply = self.expert.get((*PLANS, name))
        assert reply.status in (200, 404), reply.status
        return reply.status == 200 and reply.body == content


@pytest.fixture(scope="module")
def proxies() -> Iterator[tuple[Proxy, Proxy]]:
    with ExitStack() as stack:
        database = stack.enter_context(proxied(backends.port_of_postgresql()))
        yield database, stack.enter_context(proxied(backends.port_of_s3()))


@pytest.fixture(scope="module")
def away(proxies: tuple[Proxy, Proxy], start: Start) -> Away:
    # In this order: the server is verified at its end by way of the proxies.
    return Away(start, *proxies)


@pytest.mark.scaled
@pytest.mark.parametrize("fault", ["refused", "silent"])
def test_f07_a_database_that_is_away_is_503_for_every_method(away: Away, fault: str) -> None:
    before = away.dav.names(BOX)
    if fault == "refused":
        away.database.away = True
    else:
        away.database.silent.set()
        threading.Timer(3, away.database.silent.clear).start()
        threading.Timer(2, setattr, (away.database, "away", True)).start()
    try:
        statuses = {away.dav.request(method, path).status for method, path in ASKS}
        assert statuses == {503}
        assert health(away.server) == 503
    finally:
        away.database.silent.clear()
        away.database.away = False
    wait_for(lambda: health(away.server) == 200, 30, "the database to be found again")
    assert away.dav.names(BOX) == before


@pytest.mark.scaled
def test_f07_a_store_that_is_away_is_503_and_listings_go_on(away: Away) -> None:
    plan = next(name for name in away.expert.names(PLANS) if name.endswith(".pdf"))
    before = away.expert.names(PLANS)
    away.store.away = True
    try:
        assert away.expert.get((*PLANS, plan)).status == 503
        assert away.expert.put((*PLANS, "neuf.pdf"), PDF).status == 503
        assert health(away.server) == 503
        assert away.expert.names(PLANS) == before
    finally:
        away.store.away = False
    wait_for(lambda: health(away.server) == 200, 30, "the store to be found again")
    assert away.expert.get((*PLANS, plan)).status == 200
    assert not any((away.server.data / "spool").iterdir())


@pytest.mark.scaled
@pytest.mark.parametrize("too_late", [False, True], ids=["before", "after"])
def test_f08_a_put_whose_answer_the_store_does_not_give_is_whole_or_absent(
    away: Away, too_late: bool
) -> None:
    name, content = f"réponse perdue {too_late}.pdf", PDF + str(too_late).encode()
    away.store.too_late, away.store.cut = too_late, b"PUT /"
    cuts = away.store.cuts

    status = away.expert.put((*PLANS, name), content).status

    assert away.store.cuts > cuts
    # The client of the store asks again by itself; whatever came of it, the answer is true.
    assert status in (201, 503)
    assert away.whole(name, content) == (status == 201)
    assert away.expert.put((*PLANS, name), content).status in (201, 204)
    assert away.whole(name, content)


@pytest.mark.scaled
def test_f08_bytes_that_the_store_changes_are_not_acknowledged(
    away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_site(backends.settings(away.server.data))
    put = site.blobs.put  # type: ignore[attr-defined]

    def spoilt(key: str, file: Path, size: int) -> None:
        file.write_bytes(b"other bytes, as many")
        put(key, file, size)

    monkeypatch.setattr(site.blobs, "put", spoilt)
    incoming = site.blobs.receive()
    incoming.write(b"these bytes, as many")

    with pytest.raises(Unavailable):
        incoming.keep()

    incoming.drop()
    assert not any((away.server.data / "spool").iterdir())
    site.close()


@pytest.mark.scaled
def test_f08_an_object_is_never_overwritten(away: Away) -> None:
    site = open_site(backends.settings(away.server.data))
    file = away.server.data.parent / "bytes"
    file.write_bytes(b"first")
    site.blobs.put("a" * 40, file, 5)  # type: ignore[attr-defined]
    file.write_bytes(b"other")
    with pytest.raises(Unavailable):
        site.blobs.put("a" * 40, file, 5)  # type: ignore[attr-defined]

    assert b"".join(site.blobs.read("a" * 40)) == b"first"
    site.blobs.remove("a" * 40)
    site.close()


@pytest.mark.scaled
def test_f08_a_large_piece_goes_in_parts_and_comes_back_whole_and_by_ranges(away: Away) -> None:
    content = b"%PDF-1.4 " + bytes(range(256)) * 80_000  # some 20 MB: three parts
    path = (*PLANS, "grand plan.pdf")

    assert away.expert.put(path, content).status == 201

    assert away.expert.get(path).body == content
    part = away.expert.get(path, Range="bytes=8388600-8388700")
    assert (part.status, part.body) == (206, content[8_388_600:8_388_701])


@pytest.mark.scaled
@pytest.mark.parametrize("too_late", [False, True], ids=["lost", "done"])
def test_f09_a_commit_whose_answer_is_lost_is_looked_up(away: Away, too_late: bool) -> None:
    name, content = f"commit {too_late}.pdf", PDF + b"commit" + str(too_late).encode()
    lines = len(away.server.json("journal", "list"))
    away.database.too_late, away.database.cut = too_late, _COMMIT
    statuses = []

    # The background work commits too: the cut may be its own, and is repeated until it is not.
    for attempt in range(20):
        attempted = f"{attempt} {name}"
        if not away.database.cut:
            away.database.cut = _COMMIT
        statuses.append((attempted, away.expert.put((*PLANS, attempted), content).status))
        if statuses[-1][1] == 503:
            break
    away.database.cut = b""

    for attempted, status in statuses:
        assert status in (201, 503), (attempted, status)
        assert away.whole(attempted, content) == (status == 201)
    if too_late:
        # Each commit was done, and its answer cut: the server has found that out by asking.
        assert {status for _, status in statuses} == {201}
    else:
        assert statuses[-1][1] == 503
    made = sum(status == 201 for _, status in statuses)
    published = [
        line
        for line in away.server.json("journal", "list")[lines:]
        if line["act"] == "file.publish"
    ]
    assert len(published) == made
    assert "a commit was not answered" in away.server.log()
