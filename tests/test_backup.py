"""A backup holds everything, says so when it does not, and becomes a site again."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from davserver.backup import take as taking
from davserver.backup.folder import BackupFolder
from davserver.site import Site, open_site
from davserver.storage.sweep import sweep
from tests import backends
from tests.changes import report, short, sync, tag
from tests.clients import box
from tests.conftest import Start
from tests.console import Console, copied, run
from tests.dav import Names
from tests.programs import require_root
from tests.serving import Server, wait_for

A, B, C = "2024-01", "2024-02", "2023-07"
BOX = "04 Boîtes aux lettres/Cabinet ORTIE-LAMBDA (SCCV Mirabelle)"


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for backups."""
    made = tmp_path / "sauvegarde"
    made.mkdir()
    return made


@contextmanager
def opened(console: Console) -> Iterator[Site]:
    site = open_site(backends.settings(console.data))
    try:
        yield site
    finally:
        site.close()


def backed_up(console: Console, folder: Path, *options: str) -> dict[str, Any]:
    """What a backup that is whole tells of itself."""
    done = console("backup", str(folder), "--json", *options)
    assert (done.code, done.json["ok"], done.json["missing"]) == (0, True, []), done
    found = done.json
    assert isinstance(found, dict)
    return found


def restored(folder: Path, data: Path, *options: str) -> Console:
    """The site made of a backup, verified."""
    site = Console(data)
    assert site.well("restore", str(folder), *options).rstrip().endswith("; 0 differences")
    site.well("verify")
    return site


def faults(folder: Path) -> list[str]:
    """What ``--check`` names; its exit code must agree."""
    done = run("backup", str(folder), "--check", "--json")
    found = done.json["faults"]
    assert isinstance(found, list)
    assert (done.code, done.json["ok"]) == ((1, False) if found else (0, True))
    return found


def manifests(console: Console) -> list[str]:
    """What the dossiers hold: the hash of their manifests (names, authors, dates, hashes)."""
    with tempfile.TemporaryDirectory() as place:
        return [
            console.well("dossier", "export", title, f"{place}/{title}").rpartition(": ")[2]
            for title in (A, B, C)
        ]


def bytes_of(folder: Path) -> list[Path]:
    """The files of bytes in a backup, largest first."""
    files = [file for file in (folder / "blobs").glob("*/*") if file.is_file()]
    return sorted(files, key=lambda file: file.stat().st_size, reverse=True)


def generations(folder: Path) -> list[str]:
    return BackupFolder(folder).generations()


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


def test_a_second_backup_copies_only_what_is_new(console: Console, folder: Path) -> None:
    first = backed_up(console, folder)
    assert first["copied"] == first["pieces"] == len(bytes_of(folder)) > 20

    again = backed_up(console, folder)

    assert (again["copied"], again["pieces"]) == (0, first["pieces"])
    assert generations(folder) == [first["generation"], again["generation"]]


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


def test_dropped_generations_take_with_them_what_only_they_named(
    console: Console, folder: Path
) -> None:
    for _ in range(2):
        backed_up(console, folder)
    console.well("dossier", "purge", A, "--yes")

    kept = backed_up(console, folder, "--keep", "1")

    assert generations(folder) == [kept["generation"]]
    assert len(kept["dropped"]) == 2
    assert len(bytes_of(folder)) == kept["pieces"]
    assert faults(folder) == []


# Ends as by a power cut, at the Nth time that something is made durable.
CUT = """
import os, signal, sys
real, left = os.fsync, int(sys.argv[1])
def fsync(handle):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(handle)
os.fsync = fsync
from davserver.commands import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.embedded
@pytest.mark.parametrize(("earlier", "step"), [(0, 0), (0, 2), (0, 30), (1, 1), (1, 3)])
def test_a_backup_that_is_cut_is_none_and_the_older_one_stays_good(
    console: Console, folder: Path, earlier: int, step: int
) -> None:
    old = [backed_up(console, folder)["generation"] for _ in range(earlier)]
    command = [sys.executable, "-c", CUT, str(step), "backup", str(folder)]
    cut = subprocess.run([*command, "--data", str(console.data)], check=False, timeout=60)
    assert cut.returncode == -signal.SIGKILL

    assert generations(folder) == old
    assert old == [] or faults(folder) == []
    backed_up(console, folder)
    assert faults(folder) == []
    assert not list(folder.rglob("*.partial"))


@pytest.mark.embedded
def test_a_piece_that_cannot_be_read_is_named_and_pushes_nothing_out(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    whole = backed_up(console, folder)["generation"]
    shutil.rmtree(folder / "blobs" / bytes_of(folder)[0].parent.name)
    lost = max((console.data / "blobs").glob("*/*"), key=lambda file: file.stat().st_size)
    lost.unlink()

    done = console("backup", str(folder), "--keep", "1", "--json")

    (named,) = done.json["missing"]
    assert (done.code, done.json["ok"]) == (1, False)
    assert "Pièce n°12 - Constat.pdf" in named
    assert generations(folder) == [whole, done.json["generation"]]
    assert "was not there to be saved" in " ".join(faults(folder))
    site = Console(tmp_path / "restauré")
    assert "--incomplete" in site.refused("restore", str(folder))
    rest = site("restore", str(folder), "--incomplete")
    assert rest.code == 1
    assert "Pièce n°12 - Constat.pdf): its bytes cannot be read" in rest.out


def test_what_a_purge_and_the_sweep_take_meanwhile_is_not_missed(
    console: Console, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, purged = taking._read, list[str]()

    def purge_first(site: Site, key: str) -> Iterator[bytes]:
        if not purged:
            purged.append(key)
            console.well("dossier", "purge", A, "--yes")
            sweep(site.database, site.blobs, site.clock() + timedelta(days=9), timedelta())
        return read(site, key)

    monkeypatch.setattr(taking, "_read", purge_first)
    taken = backed_up(console, folder)

    assert purged
    assert taken["pieces"] < len(bytes_of(folder)) + 20
    assert faults(folder) == []


def test_every_fault_of_a_backup_is_named(console: Console, folder: Path) -> None:
    name = backed_up(console, folder)["generation"]
    changed, cut, lost = bytes_of(folder)[:3]
    content = bytearray(changed.read_bytes())
    content[1000] ^= 1
    changed.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-1])
    lost.unlink()

    found = faults(folder)

    assert len(found) == 3
    for file, said in ((changed, "were changed"), (cut, "bytes instead"), (lost, "be read")):
        assert [line for line in found if file.name in line and said in line], found
    rows = folder / "generations" / name / "rows.sqlite"
    rows.write_bytes(rows.read_bytes() + b"x")
    assert f"{name}: its rows were changed" in faults(folder)
    rows.write_bytes(b"x")
    assert any("its rows cannot be read" in line for line in faults(folder))
    rows.unlink()
    assert any("its rows cannot be read" in line for line in faults(folder))


def test_bytes_that_were_cut_in_the_backup_are_copied_again(console: Console, folder: Path) -> None:
    backed_up(console, folder)
    largest = bytes_of(folder)[0]
    largest.write_bytes(largest.read_bytes()[:-1])

    assert backed_up(console, folder)["copied"] == 1
    assert faults(folder) == []


def test_a_backup_goes_into_a_folder_of_its_own_that_is_there(
    console: Console, folder: Path, tmp_path: Path
) -> None:
    assert "démonté" in console.refused("backup", str(tmp_path / "absent"))
    inside = console.data / "sauvegarde"
    inside.mkdir()
    assert "dans celui du site" in console.refused("backup", str(inside))
    inside.rmdir()
    (folder / "autre chose").touch()
    assert "n'est pas une sauvegarde" in console.refused("backup", str(folder))
    assert [file.name for file in folder.iterdir()] == ["autre chose"]
    assert console("backup", str(folder), "--check", "--keep", "1").code == 2


@pytest.mark.parametrize("room", [200_000, 4_000_000], ids=["for no rows", "for few pieces"])
def test_a_backup_that_has_no_room_says_so_and_adds_nothing(
    console: Console, folder: Path, room: int
) -> None:
    require_root()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        assert "plus de place ; rien n'a été ajouté" in console.refused("backup", str(folder))
        assert generations(folder) == []
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
    console.well("verify")


@pytest.mark.embedded
def test_the_newest_generation_is_the_last_one_taken_whatever_the_clock_says(
    console: Console, folder: Path
) -> None:
    first = backed_up(console, folder)["generation"]
    with opened(console) as site:
        site.clock = lambda: datetime.now(UTC) - timedelta(days=1)
        second = taking.take(site, folder).generation

    assert generations(folder) == [first, second]


def test_two_backups_into_one_folder_do_not_meet(console: Console, folder: Path) -> None:
    with BackupFolder(folder).held():
        assert "en cours" in console.refused("backup", str(folder))
    backed_up(console, folder)


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


def test_nobody_else_can_read_a_backup(console: Console, folder: Path) -> None:
    backed_up(console, folder)

    for inside in ("generations", "blobs"):
        assert os.stat(folder / inside).st_mode & 0o077 == 0


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
