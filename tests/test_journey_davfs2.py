"""A lawyer works on the mounted drive (davfs2) as on a disk; others watch, the expert files."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from davserver.demo.history import ARCHIVES, BOXES, FACTICE, ORTIE, SAULE
from tests import drives
from tests.clients import (
    AWKWARD,
    CLOSED,
    DOSSIER,
    EXPERT,
    Curl,
    Done,
    Rclone,
    archive,
    await_names,
    box,
    composed,
    contents,
    deposits,
    papers,
    remote,
    run,
    sha256,
)
from tests.conftest import Start
from tests.dav import Names
from tests.serving import Server, wait_for

LAWYER, OTHER = "cabinet.saule-exemple", "cabinet.ortie-lambda"
BOX = box(SAULE)
OLD = "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf"  # sealed in 2024
NEW = [name for name in AWKWARD if name != OLD]
FOLDER = "Annexes du dire n°3"
TIMES = {"DAVSERVER_DEPOSIT__QUIET_LOCKED": "3", "DAVSERVER_DEPOSIT__COURTESY_LOCK": "600"}


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    return start(TIMES)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lawyer")


@pytest.fixture(scope="module")
def drive(server: Server, home: Path) -> Iterator[Path]:
    """The lawyer's drive, mounted for all tests of this file."""
    with drives.davfs2(server, LAWYER, home) as point:
        yield point


@pytest.fixture(scope="module")
def sent(server: Server, home: Path, drive: Path) -> dict[str, str]:
    """Pieces with awkward names that the lawyer copied, and that are sealed; their hashes."""
    source = home / "source"
    written = papers(source, NEW)
    done = cp(home, *source.iterdir(), drive.joinpath(*BOX))
    assert done.code == 0, done.errors
    await_names(server.dav(OTHER), BOX, NEW)
    return {name: sha256(content) for name, content in written.items()}


def cp(home: Path, *paths: str | Path) -> Done:
    return run("cp", *paths, home=home)


def test_the_drive_shows_the_lawyers_dossiers_and_no_others(drive: Path) -> None:
    assert set(os.listdir(drive)) == {DOSSIER, CLOSED, "lost+found"}  # the last is davfs2's own


def test_what_is_on_the_drive_is_what_the_server_holds(server: Server, drive: Path) -> None:
    content = drive.joinpath(*BOX, OLD).read_bytes()
    assert sha256(content) == deposits(server, LAWYER)[OLD]["sha256"]


def test_nobody_sees_a_piece_before_it_is_sealed(server: Server, home: Path, drive: Path) -> None:
    name = "Pièce n°15 - Courrier.pdf"
    written = papers(home / "one", [name])
    assert cp(home, home / "one" / name, drive.joinpath(*BOX)).code == 0
    author, others = server.dav(LAWYER), [server.dav(OTHER), server.dav(EXPERT)]
    wait_for(lambda: author.get((*BOX, name)).body == written[name], what="the upload")
    for other in others:
        assert name not in other.names(BOX)
        assert other.get((*BOX, name)).status == 404
    for other in others:
        await_names(other, BOX, [name])
        assert other.get((*BOX, name)).body == written[name]


def test_copied_pieces_are_deposits_under_their_own_names(
    server: Server, sent: dict[str, str]
) -> None:
    for login in (OTHER, EXPERT):
        assert contents(server.dav(login), BOX, sent) == sent
    rows = deposits(server, LAWYER)
    assert {name: rows[composed(name)]["sha256"] for name in sent} == sent
    numbers = {rows[composed(name)]["number"] for name in sent}
    assert None not in numbers
    assert len(numbers) == len(sent)


def test_a_folder_is_copied_with_all_its_files(server: Server, home: Path, drive: Path) -> None:
    names = ["Annexe n°1 - Photo.JPG", "Annexe n°2 - Courrier & réponse.pdf", "Plan n°3.pdf"]
    written = papers(home / FOLDER, names)
    assert cp(home, "-r", home / FOLDER, drive.joinpath(*BOX)).code == 0
    await_names(server.dav(OTHER), BOX, [FOLDER])
    await_names(server.dav(OTHER), (*BOX, FOLDER), names)
    hashes = {name: sha256(content) for name, content in written.items()}
    assert contents(server.dav(OTHER), (*BOX, FOLDER), names) == hashes


def test_what_programs_leave_beside_documents_is_no_deposit(
    server: Server, home: Path, drive: Path
) -> None:
    owner = b"\x08Me ORTIE".ljust(162)
    litter = {".DS_Store": b"\0\0\0\1Bud1" + bytes(6_000), "~$Dire.docx": owner}
    (home / "litter").mkdir()
    for name, content in litter.items():
        (home / "litter" / name).write_bytes(content)
        assert cp(home, home / "litter" / name, drive.joinpath(*BOX)).code == 0
    author = server.dav(LAWYER)
    wait_for(
        lambda: all(author.get((*BOX, name)).body == litter[name] for name in litter),
        what="the uploads",
    )
    assert not litter.keys() & set(server.dav(OTHER).names(BOX))
    assert not litter.keys() & deposits(server, LAWYER).keys()


def test_two_files_whose_names_differ_by_capitals_are_not_one(
    server: Server, home: Path, drive: Path
) -> None:
    folder = home / "capitals"
    folder.mkdir()
    (folder / "Acte.txt").write_bytes(b"aaa")
    (folder / "acte.txt").write_bytes(b"bbbb")
    assert cp(home, folder / "Acte.txt", drive.joinpath(*BOX)).code == 0
    assert cp(home, folder / "acte.txt", drive.joinpath(*BOX)).code != 0
    wait_for(lambda: server.dav(OTHER).get((*BOX, "Acte.txt")).body == b"aaa", what="the seal")
    assert "acte.txt" not in deposits(server, LAWYER)


CHANGES = {
    "removed": ["rm", "{}"],
    "renamed": ["mv", "{}", "{}.bak"],
    "taken away": ["mv", "{}", "."],
    "copied over": ["cp", "autre.pdf", "{}"],
    "appended to": ["sh", "-c", 'echo x >> "$0"', "{}"],
    "emptied": ["sh", "-c", ': > "$0"', "{}"],
    "cut short": ["truncate", "-s", "10", "{}"],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_piece_sealed_long_ago_is_not(
    server: Server, home: Path, drive: Path, change: str
) -> None:
    before = server.dav(OTHER).get((*BOX, OLD)).body
    papers(home, ["autre.pdf"])
    piece = str(drive.joinpath(*BOX, OLD))
    done = run(*(part.format(piece) for part in CHANGES[change]), home=home)
    assert done.code != 0
    assert done.errors
    assert server.dav(OTHER).get((*BOX, OLD)).body == before


@pytest.mark.parametrize("change", ["removed", "renamed"])
def test_a_piece_sealed_just_now_is_not(
    server: Server, home: Path, drive: Path, sent: dict[str, str], change: str
) -> None:
    piece = str(drive.joinpath(*BOX, NEW[0]))
    done = run(*(part.format(piece) for part in CHANGES[change]), home=home)
    assert done.code != 0
    assert contents(server.dav(OTHER), BOX, sent) == sent


def test_writing_over_a_piece_sealed_just_now_fails_before_the_eyes_of_who_does_it(
    server: Server, home: Path, drive: Path, sent: dict[str, str]
) -> None:
    (home / "second.pdf").write_bytes(b"%PDF-1.4 second thoughts")
    piece = str(drive.joinpath(*BOX, NEW[1]))
    done = run("cp", str(home / "second.pdf"), piece, home=home)
    assert done.code != 0
    assert contents(server.dav(OTHER), BOX, sent) == sent


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(box(ORTIE), id="the box of another"),
        pytest.param((DOSSIER, BOXES), id="beside the boxes"),
        pytest.param((DOSSIER, ARCHIVES), id="the archives"),
        pytest.param(archive(SAULE), id="the lawyer's own archive"),
        pytest.param((DOSSIER, "03 Notes aux parties et comptes rendus"), id="the expert's notes"),
        pytest.param((CLOSED, "08 Plans"), id="a closed dossier"),
        pytest.param((), id="beside the dossiers"),
    ],
)
def test_nothing_is_written_in(server: Server, home: Path, drive: Path, place: Names) -> None:
    expert = server.dav(EXPERT if CLOSED not in place else "barnabe.essai")
    before = expert.names(place)
    papers(home / "stray", ["Intrus.pdf"])
    folder = drive.joinpath(*place)
    assert cp(home, home / "stray" / "Intrus.pdf", folder).code != 0
    assert run("mkdir", folder / "Intrus", home=home).code != 0
    assert expert.names(place) == before


def test_umount_waits_until_all_is_sent(server: Server, tmp_path: Path) -> None:
    names = [f"Pièce n°{number} - Relevé.pdf" for number in range(30, 35)]
    written = papers(tmp_path / "source", names)
    with drives.davfs2(server, LAWYER, tmp_path, delay=3_600) as point:
        assert cp(tmp_path, *(tmp_path / "source").iterdir(), point.joinpath(*BOX)).code == 0
        assert server.dav(LAWYER).get((*BOX, names[0])).body == b"", "not sent while mounted"
    await_names(server.dav(OTHER), BOX, names)
    hashes = {name: sha256(content) for name, content in written.items()}
    assert contents(server.dav(OTHER), BOX, names) == hashes


def test_the_expert_files_with_another_program_what_came_by_the_drive(
    server: Server, home: Path, drive: Path, sent: dict[str, str], tmp_path: Path
) -> None:
    name = NEW[3]
    shown = composed(name)
    before = deposits(server, LAWYER)[shown]
    rclone = Rclone(server, EXPERT, tmp_path)
    wrong = rclone("moveto", remote(*BOX, shown), remote(*archive(FACTICE, "Dires"), shown))
    assert wrong.code != 0
    assert "403 Seulement vers les archives" in wrong.errors
    target = drive.joinpath(*archive(SAULE, "Dires"), shown)
    assert run("mv", drive.joinpath(*BOX, shown), target, home=home).code != 0
    assert shown in server.dav(OTHER).names(BOX)
    done = rclone("moveto", remote(*BOX, shown), remote(*archive(SAULE, "Dires"), shown))
    assert done.code == 0, done.errors
    reply = Curl(server, OTHER, tmp_path)((*archive(SAULE, "Dires"), shown))
    assert (reply.status, sha256(reply.body)) == (200, sent[name])
    assert shown not in server.dav(OTHER).names(BOX)
    after = deposits(server, LAWYER)[shown]
    assert (after["number"], after["sha256"]) == (before["number"], before["sha256"])
