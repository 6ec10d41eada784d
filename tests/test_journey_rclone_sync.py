"""Folders kept alike with rclone: sync up into a box, down to a disk, and bisync both ways."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from davserver.demo.history import BRUMAIRE
from davserver.tree.lookup import SPACE_NAME
from tests.clients import (
    DOSSIER,
    EXPERT,
    Done,
    Rclone,
    await_names,
    box,
    contents,
    cut_power,
    deposits,
    paper,
    papers,
    remote,
    sha256,
)
from tests.conftest import Start
from tests.dav import Names
from tests.serving import Server, wait_for

LAWYER, OTHER = "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
BOX = box(BRUMAIRE)
HEAVY = 3_000_000  # bytes; with SLOWLY, a transfer of several seconds
SLOWLY = ("--bwlimit", "500k")


@pytest.fixture
def lawyer(demo: Server, tmp_path: Path) -> Rclone:
    return Rclone(demo, LAWYER, tmp_path)


@pytest.fixture
def expert(demo: Server, tmp_path: Path) -> Rclone:
    return Rclone(demo, EXPERT, tmp_path)


def test_the_whole_dossier_is_kept_on_a_disk(demo: Server, tmp_path: Path) -> None:
    rclone, disk = Rclone(demo, OTHER, tmp_path), tmp_path / "disk"
    (disk / "Vieux dossier").mkdir(parents=True)
    (disk / "Vieux dossier" / "stray.pdf").write_bytes(b"%PDF stray")
    source = remote(DOSSIER)
    done = rclone("sync", source, disk)
    assert done.code == 0, done.errors
    pieces = [path for path in disk.rglob("*") if path.is_file()]
    assert len(pieces) > 5
    assert not (disk / "Vieux dossier" / "stray.pdf").exists()
    for piece in pieces:
        path = (DOSSIER, *piece.relative_to(disk).parts)
        assert demo.dav(EXPERT).get(path).body == piece.read_bytes()
    checked = rclone("check", "--download", source, disk)
    assert checked.code == 0, checked.errors
    assert f"{len(pieces)} matching files" in checked.errors
    again = rclone("sync", source, disk)
    assert "nothing to transfer" in again.errors


def test_a_sync_into_a_box_brings_what_is_new_and_takes_nothing_away(
    demo: Server, lawyer: Rclone, tmp_path: Path
) -> None:
    folder = (*BOX, "Envoi du 3 juin")
    source = tmp_path / "source"
    first = papers(source, ["Pièce n°1.pdf", "Pièce n°2.pdf", "Pièce n°3.pdf"])
    done = lawyer("sync", source, remote(*folder))
    assert done.code == 0, done.errors
    await_names(demo.dav(OTHER), folder, first)

    (source / "Pièce n°1.pdf").unlink()
    (source / "Pièce n°2.pdf").write_bytes(first["Pièce n°2.pdf"] + b"%% v2\n")
    fourth = papers(source, ["Pièce n°4.pdf"])
    done = lawyer("sync", "--retries", "1", source, remote(*folder))
    assert done.code != 0
    assert "403 Depot definitif" in done.errors
    await_names(demo.dav(OTHER), folder, fourth)
    hashes = {name: sha256(content) for name, content in {**first, **fourth}.items()}
    assert contents(demo.dav(OTHER), folder, hashes) == hashes
    rows = deposits(demo, LAWYER)
    assert {name: rows[name]["sha256"] for name in hashes} == hashes


def test_names_come_back_from_the_drive_as_they_went(
    demo: Server, lawyer: Rclone, tmp_path: Path
) -> None:
    names = [
        "plus+et & égal=; virgule, @ $ ! (parenthèses) [crochets] {accolades}.txt",
        "pour cent %41 %C3%A9 100 %.txt",
        "diese #1 apostrophes ' ’ guillemets « ».txt",
        "deux-points pleins：barre oblique pleine／.txt",
        "espace insécable .txt",
        "espace avant le point .txt",
        "visage 😀.txt",
        "n~1^`.txt",
    ]
    written = {name: name.encode() for name in names}
    (tmp_path / "up").mkdir()
    for name, content in written.items():
        (tmp_path / "up" / name).write_bytes(content)
    folder = (*BOX, "Noms")
    done = lawyer("copy", tmp_path / "up", remote(*folder))
    assert done.code == 0, done.errors
    await_names(demo.dav(OTHER), folder, names)
    assert sorted(demo.dav(OTHER).names(folder)) == sorted(names)
    done = Rclone(demo, OTHER, tmp_path)("copy", remote(*folder), tmp_path / "down")
    assert done.code == 0, done.errors
    assert {file.name: file.read_bytes() for file in (tmp_path / "down").iterdir()} == written


@pytest.mark.parametrize("name", ["deux:points.txt", "question ?.txt", "barre\\inverse.txt"])
def test_a_name_that_windows_cannot_have_is_refused_by_its_sentence(
    demo: Server, lawyer: Rclone, tmp_path: Path, name: str
) -> None:
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / name).write_bytes(b"content")
    before = demo.dav(LAWYER).names(BOX)
    done = lawyer("copy", "--retries", "1", tmp_path / "up", remote(*BOX))
    assert done.code != 0
    assert "nom" in done.errors
    assert demo.dav(LAWYER).names(BOX) == before


@contextmanager
def sending(
    lawyer: Rclone, server: Server, name: str, folder: Path, *options: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """rclone while the server has a part of the file, and not the whole."""
    folder.mkdir()
    (folder / name).write_bytes(b"%PDF-1.4\n".ljust(HEAVY, name[-5].encode()))
    command = lawyer.start("copy", *SLOWLY, *options, folder, remote(*BOX))
    try:
        wait_for(lambda: received(server) > HEAVY // 10, what="a part of the file")
        assert received(server) < HEAVY
        yield command
    finally:
        command.kill()
        command.wait()


def received(server: Server) -> int:
    """The bytes of all uploads that are under way."""
    return sum(file.stat().st_size for file in (server.data / "spool").iterdir())


def test_a_transfer_that_is_killed_leaves_nothing_and_is_done_again(
    demo: Server, lawyer: Rclone, tmp_path: Path
) -> None:
    name = "Pièce n°80 - Interrompue.pdf"
    with sending(lawyer, demo, name, tmp_path / "up"):
        pass
    author = demo.dav(LAWYER)
    wait_for(lambda: received(demo) == 0, what="the end of the request")
    wait_for(lambda: author.get((*BOX, name)).status == 404, what="a free name")
    assert name not in deposits(demo, LAWYER)
    done = lawyer("copy", tmp_path / "up", remote(*BOX))
    assert done.code == 0, done.errors
    await_names(demo.dav(OTHER), BOX, [name])
    content = (tmp_path / "up" / name).read_bytes()
    assert deposits(demo, LAWYER)[name]["sha256"] == sha256(content)


def test_a_transfer_goes_on_by_itself_when_the_server_comes_back(
    start: Start, tmp_path: Path
) -> None:
    server = start()
    lawyer = Rclone(server, LAWYER, tmp_path)
    name = "Pièce n°81 - Coupure.pdf"
    patient = ("--retries", "60", "--retries-sleep", "1s", "--low-level-retries", "1")
    with sending(lawyer, server, name, tmp_path / "up", *patient) as command:
        cut_power(server)
        server.start()
        assert command.wait(timeout=60) == 0
    await_names(server.dav(OTHER), BOX, [name])
    content = (tmp_path / "up" / name).read_bytes()
    assert deposits(server, LAWYER)[name]["sha256"] == sha256(content)
    assert server.dav(OTHER).get((*BOX, name)).body == content


def both_ways(rclone: Rclone, folder: Path, place: Names, *options: str) -> Done:
    """bisync. Some versions of rclone want a server that sets dates, and refuse it to plain WebDAV:
    told that this is ownCloud, they compare each side with what it was at the last run."""
    as_owncloud = ("--webdav-vendor", "owncloud")
    workdir = folder.parent / "bisync"
    return rclone("bisync", *as_owncloud, "--workdir", workdir, *options, folder, remote(*place))


def test_the_experts_space_and_a_folder_are_kept_alike_both_ways(
    demo: Server, expert: Rclone, tmp_path: Path
) -> None:
    place, local = (SPACE_NAME, "Travail"), tmp_path / "Travail"
    names = ["Pièce n°1.pdf", "Pièce n°2.pdf", "Pièce n°3.pdf"]
    kept = papers(local, names)
    server = demo.dav(EXPERT)
    assert server.mkcol(place).status == 201
    done = both_ways(expert, local, place, "--resync")
    assert done.code == 0, done.errors
    assert sorted(server.names(place)) == names

    (local / "Pièce n°1.pdf").write_bytes(kept["Pièce n°1.pdf"] + b"%% changed here\n")
    (local / "Pièce n°5 - d'ici.pdf").write_bytes(b"%PDF here")
    assert server.delete((*place, "Pièce n°2.pdf")).status == 204
    assert server.put((*place, "Pièce n°6 - de là-bas.pdf"), b"%PDF there").status == 201
    done = both_ways(expert, local, place)
    assert done.code == 0, done.errors
    here = {file.name: file.read_bytes() for file in local.iterdir()}
    assert {name: server.get((*place, name)).body for name in server.names(place)} == here
    assert here == {
        "Pièce n°1.pdf": kept["Pièce n°1.pdf"] + b"%% changed here\n",
        "Pièce n°3.pdf": kept["Pièce n°3.pdf"],
        "Pièce n°5 - d'ici.pdf": b"%PDF here",
        "Pièce n°6 - de là-bas.pdf": b"%PDF there",
    }


def test_a_box_kept_alike_both_ways_loses_no_piece(
    demo: Server, lawyer: Rclone, tmp_path: Path
) -> None:
    folder, local = (*BOX, "Deux sens"), tmp_path / "Deux sens"
    names = [f"Relevé n°{number}.pdf" for number in range(6)]
    written = papers(local, names)
    assert demo.dav(LAWYER).mkcol(folder).status == 201
    done = both_ways(lawyer, local, folder, "--resync")
    assert done.code == 0, done.errors
    await_names(demo.dav(OTHER), folder, names)

    (local / names[0]).unlink()
    (local / "Relevé n°9.pdf").write_bytes(paper("Relevé n°9.pdf"))
    done = both_ways(lawyer, local, folder)
    assert done.code != 0
    assert "403" in done.errors
    hashes = {name: sha256(content) for name, content in written.items()}
    assert contents(demo.dav(OTHER), folder, names) == hashes
    rows = deposits(demo, LAWYER)
    assert {name: rows[name]["sha256"] for name in names} == hashes
