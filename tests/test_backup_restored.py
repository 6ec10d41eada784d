"""A backup becomes a site again: the same, from which nobody goes on by what was lost."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import backups
from tests.backups import CUT, A, backed_up, bytes_of, faults, manifests, restored
from tests.changes import report, short, sync, tag
from tests.clients import box
from tests.conftest import Start
from tests.console import Console
from tests.dav import Names
from tests.serving import Server, wait_for

console, folder = backups.console, backups.folder  # fixtures


def test_a_restored_site_holds_the_same_and_tells_where_it_comes_from(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    before = manifests(console)
    (last,) = console.json("journal", "list", "--last", "1")
    taken = backed_up(console, folder)

    site = restored(folder, tmp_path / "restauré")

    for listing in (("user", "list"), ("deposits", "list"), ("dossier", "list")):
        assert site.json(*listing) == console.json(*listing)
    (line,) = site.json("journal", "list", "--last", "1")
    assert (line["act"], line["facts"]["head"]) == ("site.restore", last["hash"])
    assert line["facts"]["generation"] == taken["generation"]
    assert manifests(site) == before
    assert faults(folder) == []


def test_an_older_generation_keeps_what_was_purged_since(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    before = manifests(console)
    old = backed_up(console, folder)["generation"]
    console.well("dossier", "purge", A, "--yes")
    new = backed_up(console, folder)

    assert new["pieces"] < len(bytes_of(folder))
    assert manifests(restored(folder, tmp_path / "ancien", "--generation", old)) == before
    late = restored(folder, tmp_path / "récent")
    assert [row["state"] for row in late.json("dossier", "list") if A in row["title"]] == ["purgé"]


def test_a_site_is_never_restored_over_another(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    assert "aucune sauvegarde" in console.refused("restore", str(folder))
    backed_up(console, folder)
    before = manifests(console)

    assert "déjà un site" in console.refused("restore", str(folder))
    assert manifests(console) == before
    other = Console(tmp_path / "autre")
    assert "aucune sauvegarde « x »" in other.refused("restore", str(folder), "--generation", "x")
    (other.data).mkdir()
    (other.data / "lettre.txt").touch()
    assert "n'est pas vide" in other.refused("restore", str(folder))


@pytest.mark.embedded
def test_a_restore_that_is_cut_leaves_no_site_and_is_done_again(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    backed_up(console, folder)
    before = manifests(console)
    site = Console(tmp_path / "restauré")
    command = [sys.executable, "-c", CUT, "30", "restore", str(folder), "--data", str(site.data)]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    assert site.json("user", "list") == []

    assert manifests(restored(folder, site.data)) == before


def test_a_backup_that_was_changed_is_not_restored(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    name = backed_up(console, folder)["generation"]
    rows = folder / "generations" / name / "rows.sqlite"
    site = Console(tmp_path / "restauré")
    content = bytes_of(folder)[0].read_bytes()
    bytes_of(folder)[0].write_bytes(b"x" + content[1:])
    assert "il manque le contenu de 1 fichier" in site.refused("restore", str(folder))
    bytes_of(folder)[0].write_bytes(content)
    rows.write_bytes(rows.read_bytes() + b"x")
    assert "a été modifié" in site.refused("restore", str(folder))
    manifest = rows.with_name("manifest.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"layout": 2}))
    assert "version 2" in site.refused("restore", str(folder))
    assert not site.data.exists()


@pytest.fixture
def served(start: Start, folder: Path, tmp_path: Path) -> Iterator[Callable[[Server], Server]]:
    """Backs a running site up; what it calls serves the restored one. Verified at the end."""
    with ExitStack() as stack:

        def again(server: Server) -> Server:
            data = tmp_path / "restauré"
            restored(folder, data)
            server.stop()
            other = Server(data, command=("serve",), environment=OPEN_WINDOW)
            stack.callback(other.verify)
            stack.callback(other.stop)
            return other.start()

        yield again


OPEN_WINDOW = {"DAVSERVER_MAIL__GROUP_WINDOW": "3600"}


def test_nobody_goes_on_from_a_state_that_was_lost(
    start: Start, folder: Path, served: Callable[[Server], Server]
) -> None:
    server = start()
    expert = server.dav("apolline.testard")
    room: Names = ("Espace de l'expert", "salle")
    expert.mkcol(room)
    expert.put((*room, "tenue.txt"), b"x")
    assert expert.lock((*room, "tenue.txt")).status == 200
    kept = expert.get((*room, "tenue.txt")).headers["etag"]
    _, early = sync(expert, room)
    backed_up(Console(server.data), folder)
    expert.put((*room, "perdue.txt"), b"y")
    lost = tag(expert, room)
    _, late = sync(expert, room)

    expert = served(server).dav("apolline.testard")

    for token in (early, late):
        reply = report(expert, room, token)
        assert reply.status == 403
        assert reply.xml.find("{DAV:}valid-sync-token") is not None
    # As many changes as the lost site had: the folder must not look as it did there.
    expert.put((*room, "autre.txt"), b"z")
    assert tag(expert, room) != lost
    changes, token = sync(expert, room)
    assert short(changes) == {"tenue.txt": True, "autre.txt": True}
    assert expert.get((*room, "tenue.txt")).headers["etag"] == kept
    assert expert.put((*room, "tenue.txt"), b"sans verrou").status == 204
    assert short(sync(expert, room, token)[0]) == {"tenue.txt": True}


def test_a_mail_that_may_have_gone_takes_no_more_lines(
    start: Start, folder: Path, served: Callable[[Server], Server]
) -> None:
    server = start(OPEN_WINDOW)
    path: Names = (*box("Cabinet ORTIE-LAMBDA (SCCV Mirabelle)"), "avant.pdf")

    def deposit(server: Server, name: str) -> None:
        assert server.dav("cabinet.ortie-lambda").put((*path[:-1], name), b"%PDF-1.4").status == 201
        expert = server.dav("apolline.testard")
        wait_for(lambda: expert.get((*path[:-1], name)).status == 200, what="the seal")

    def told(server: Server) -> list[list[str]]:
        queue = server.json("alerts", "queue")
        return [[line["name"] for line in message["lines"]] for message in queue]

    deposit(server, "avant.pdf")
    before = told(server)
    backed_up(Console(server.data), folder)
    deposit(server, "perdue.pdf")
    assert told(server) == [*before[:-1], [*before[-1], "perdue.pdf"]]

    site = served(server)
    deposit(site, "après.pdf")

    assert told(site) == [*before, ["après.pdf"]]
    ids = [message["id"] for message in site.json("alerts", "queue")]
    assert ids[-1] > 1_000_000
