"""People write on the mounted drive (davfs2): programs save, files are changed, refusals are seen.

davfs2 knows one refusal that it shows as « Permission denied », 423; the server gives it that one.
"""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from davserver.demo.history import ARCHIVES, BOXES, ORTIE, SAULE
from davserver.tree.lookup import SPACE_NAME
from tests import drives
from tests.clients import (
    DOSSIER,
    EXPERT,
    archive,
    await_names,
    box,
    deposits,
    paper,
    papers,
    run,
    sha256,
)
from tests.conftest import Start
from tests.dav import Dav, Names
from tests.editors import SAVES
from tests.serving import Server, wait_for

LAWYER, OTHER = "cabinet.saule-exemple", "cabinet.ortie-lambda"
BOX = box(SAULE)
OLD = "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf"  # sealed in 2024
TIMES = {"DAVSERVER_DEPOSIT__QUIET_LOCKED": "4"}
FIRST, SECOND, LAST = b"premier jet\n", b"deuxieme jet, plus long\n", b"fin\n"


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    return start(TIMES)


@pytest.fixture(scope="module")
def drive(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The lawyer's drive."""
    with drives.davfs2(server, LAWYER, tmp_path_factory.mktemp("lawyer")) as point:
        yield point


@pytest.fixture(scope="module")
def space(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The expert's own space, on a drive of his."""
    with drives.davfs2(server, EXPERT, tmp_path_factory.mktemp("expert")) as point:
        yield point / SPACE_NAME


def await_content(viewer: Dav, path: Names, content: bytes) -> None:
    wait_for(lambda: viewer.get(path).body == content, what=f"{content!r} in {path}")


@pytest.mark.parametrize("way", SAVES)
def test_an_editor_saves_a_note_in_the_experts_space(server: Server, space: Path, way: str) -> None:
    folder = space / way
    folder.mkdir()
    note, expert = folder / "Note.txt", server.dav(EXPERT)
    note.write_bytes(FIRST)
    await_content(expert, (SPACE_NAME, way, "Note.txt"), FIRST)
    for text in (SECOND, LAST):
        SAVES[way](note, text)
        await_content(expert, (SPACE_NAME, way, "Note.txt"), text)
    wait_for(lambda: expert.names((SPACE_NAME, way)) == ["Note.txt"], what="nothing beside it")


@pytest.mark.parametrize("way", SAVES)
def test_a_dire_saved_again_before_it_is_sealed_is_one_deposit(
    server: Server, drive: Path, way: str
) -> None:
    name = f"Dire enregistré {way}.txt"
    path = drive.joinpath(*BOX, name)
    path.write_bytes(FIRST)
    await_content(server.dav(LAWYER), (*BOX, name), FIRST)
    SAVES[way](path, LAST)
    await_names(server.dav(OTHER), BOX, [name])
    assert server.dav(OTHER).get((*BOX, name)).body == LAST
    assert deposits(server, LAWYER)[name]["sha256"] == sha256(LAST)
    beside = [found for found in server.dav(OTHER).names(BOX) if way in found or found == "4913"]
    assert beside == [name]


def test_the_expert_appends_cuts_and_fills_his_file(server: Server, space: Path) -> None:
    path, there = space / "Journal.txt", (SPACE_NAME, "Journal.txt")
    expert = server.dav(EXPERT)
    path.write_bytes(b"12 mars : visite\n")
    with path.open("ab") as file:
        file.write(b"13 mars : note\n")
    await_content(expert, there, b"12 mars : visite\n13 mars : note\n")
    os.truncate(path, 7)
    await_content(expert, there, b"12 mars")
    with path.open("r+b") as file:
        file.seek(10)
        file.write(b"suite")
    await_content(expert, there, b"12 mars\0\0\0suite")


def test_the_expert_moves_and_removes_files_and_folders(
    server: Server, space: Path, tmp_path: Path
) -> None:
    expert = server.dav(EXPERT)
    papers(tmp_path / "Chantier" / "Photos", ["IMG_1.JPG", "IMG_2.JPG"])
    papers(tmp_path / "Chantier", ["Note.pdf", "Brouillon.pdf"])
    commands: tuple[list[str | Path], ...] = (
        ["cp", "-r", tmp_path / "Chantier", space],
        ["mv", space / "Chantier/Note.pdf", space / "Chantier/Note définitive.pdf"],
        ["mv", space / "Chantier/Photos", space / "Photos du chantier"],
        ["rm", space / "Chantier/Brouillon.pdf"],
    )
    for command in commands:
        done = run(*command, home=tmp_path)
        assert done.code == 0, done.errors
    moved = (SPACE_NAME, "Photos du chantier")
    wait_for(lambda: expert.get((*moved, "IMG_2.JPG")).body == paper("IMG_2.JPG"))
    assert expert.names(moved) == ["IMG_1.JPG", "IMG_2.JPG"]
    await_content(expert, (SPACE_NAME, "Chantier", "Note définitive.pdf"), paper("Note.pdf"))
    assert expert.names((SPACE_NAME, "Chantier")) == ["Note définitive.pdf"]
    done = run("rm", "-r", space / "Photos du chantier", home=tmp_path)
    assert done.code == 0, done.errors
    assert expert.get(moved).status == 404


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def move_into(folder: Names) -> Callable[[Path], None]:
    def move(path: Path) -> None:
        path.rename(path.parents[len(BOX)].joinpath(*folder, path.name))

    return move


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(Path.unlink, id="removed"),
        pytest.param(append, id="appended to"),
        pytest.param(lambda path: os.truncate(path, 10), id="cut short"),
        pytest.param(lambda path: path.write_bytes(b""), id="emptied"),
        pytest.param(lambda path: path.write_bytes(b"%PDF other"), id="written over"),
    ],
)
def test_permission_is_denied_where_a_sealed_piece_would_be(
    server: Server, drive: Path, change: Callable[[Path], None]
) -> None:
    assert refusal(server, drive, change) == errno.EACCES


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: path.rename(path.with_name("autre.pdf")), id="renamed"),
        pytest.param(move_into(archive(SAULE)), id="filed by its author"),
        pytest.param(move_into(box(ORTIE)), id="moved to another's box"),
    ],
)
def test_an_error_is_shown_where_a_sealed_piece_would_be(
    server: Server, drive: Path, change: Callable[[Path], None]
) -> None:
    """davfs2 has but one word for a move that is refused, whatever the server answers."""
    assert refusal(server, drive, change) == errno.EIO


def refusal(server: Server, drive: Path, change: Callable[[Path], None]) -> int | None:
    """The error that ``change`` of the piece sealed long ago ends with; it stays as it is."""
    before = server.dav(OTHER).get((*BOX, OLD)).body
    with pytest.raises(OSError) as refused:
        change(drive.joinpath(*BOX, OLD))
    assert server.dav(OTHER).get((*BOX, OLD)).body == before
    assert drive.joinpath(*BOX, OLD).read_bytes() == before
    return refused.value.errno


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param(box(ORTIE), id="the box of another"),
        pytest.param((DOSSIER, BOXES), id="beside the boxes"),
        pytest.param((DOSSIER, ARCHIVES), id="the archives"),
        pytest.param(archive(SAULE), id="the lawyer's own archive"),
        pytest.param((), id="beside the dossiers"),
    ],
)
def test_permission_is_denied_to_write_in(server: Server, drive: Path, folder: Names) -> None:
    before = server.dav(EXPERT).names(folder)
    with pytest.raises(OSError) as refused:
        (drive.joinpath(*folder) / "Intrus.pdf").write_bytes(b"%PDF")
    assert refused.value.errno == errno.EACCES
    with pytest.raises(OSError) as refused:
        (drive.joinpath(*folder) / "Intrus").mkdir()
    assert refused.value.errno == errno.EACCES
    assert server.dav(EXPERT).names(folder) == before


@pytest.mark.parametrize("folder", [BOX, archive(SAULE)])
def test_permission_is_denied_to_remove_the_folder(
    server: Server, drive: Path, folder: Names
) -> None:
    """davfs2 itself looks first whether a folder is empty."""
    with pytest.raises(OSError) as refused:
        drive.joinpath(*folder).rmdir()
    assert refused.value.errno in (errno.EACCES, errno.ENOTEMPTY)
    assert server.dav(LAWYER).propfind(folder, "0").status == 207
