"""A lawyer and the expert work on the drive that rclone mounts (`--vfs-cache-mode writes`)."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from davserver.demo.history import BOXES, BRUMAIRE, SAULE
from davserver.tree.lookup import SPACE_NAME
from tests import drives
from tests.clients import (
    AWKWARD,
    DOSSIER,
    EXPERT,
    Rclone,
    await_names,
    box,
    composed,
    contents,
    deposits,
    paper,
    papers,
    run,
    sha256,
)
from tests.dav import Dav, Names
from tests.editors import SAVES
from tests.serving import Server, wait_for

LAWYER, OTHER = "cabinet.brumaire-kalve", "cabinet.saule-exemple"
BOX = box(BRUMAIRE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lawyer")


@pytest.fixture(scope="module")
def drive(demo: Server, home: Path) -> Iterator[Path]:
    """The lawyer's drive, mounted for all tests of this file."""
    with drives.rclone(Rclone(demo, LAWYER, home), home) as point:
        yield point


@pytest.fixture(scope="module")
def space(demo: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The expert's own space, on a drive of his."""
    folder = tmp_path_factory.mktemp("expert")
    with drives.rclone(Rclone(demo, EXPERT, folder), folder) as point:
        yield point / SPACE_NAME


@pytest.fixture(scope="module")
def sealed(demo: Server, home: Path, drive: Path) -> dict[str, str]:
    """Pieces with awkward names, copied to the drive one by one, and sealed; their hashes."""
    written = papers(home / "source", AWKWARD)
    for name in written:
        done = run("cp", home / "source" / name, drive.joinpath(*BOX), home=home)
        assert done.code == 0, done.errors
    await_names(demo.dav(OTHER), BOX, AWKWARD)
    return {name: sha256(content) for name, content in written.items()}


def test_copied_pieces_are_deposits_under_their_own_names(
    demo: Server, sealed: dict[str, str]
) -> None:
    assert contents(demo.dav(OTHER), BOX, sealed) == sealed
    rows = deposits(demo, LAWYER)
    assert {name: rows[composed(name)]["sha256"] for name in sealed} == sealed


def test_a_folder_is_copied_with_all_its_files(demo: Server, home: Path, drive: Path) -> None:
    names = [f"Annexe n°{number} - Relevé.pdf" for number in range(12)]
    written = papers(home / "Annexes" / "Relevés", names)
    assert run("cp", "-r", home / "Annexes", drive.joinpath(*BOX), home=home).code == 0
    folder = (*BOX, "Annexes", "Relevés")
    await_names(demo.dav(OTHER), folder, names)
    hashes = {name: sha256(content) for name, content in written.items()}
    assert contents(demo.dav(OTHER), folder, names) == hashes
    rows = deposits(demo, LAWYER)
    assert {name: rows[name]["sha256"] for name in names} == hashes


def test_a_new_folder_gets_its_name_and_then_its_pieces(
    demo: Server, home: Path, drive: Path
) -> None:
    place = drive.joinpath(*BOX)
    (place / "Nouveau dossier").mkdir()
    (place / "Nouveau dossier").rename(place / "Photos du 12 mars")
    papers(home / "photos", ["IMG_4601.JPG"])
    assert run("cp", home / "photos/IMG_4601.JPG", place / "Photos du 12 mars", home=home).code == 0
    await_names(demo.dav(OTHER), (*BOX, "Photos du 12 mars"), ["IMG_4601.JPG"])
    assert "Nouveau dossier" not in demo.dav(OTHER).names(BOX)


def test_a_piece_renamed_at_once_is_one_deposit_under_its_last_name(
    demo: Server, drive: Path
) -> None:
    place = drive.joinpath(*BOX)
    (place / "Scan.pdf").write_bytes(paper("Scan.pdf"))
    (place / "Scan.pdf").rename(place / "Pièce n°61 - Scan.pdf")
    await_names(demo.dav(OTHER), BOX, ["Pièce n°61 - Scan.pdf"])
    rows = deposits(demo, LAWYER)
    assert rows["Pièce n°61 - Scan.pdf"]["sha256"] == sha256(paper("Scan.pdf"))
    assert "Scan.pdf" not in rows


def test_a_piece_thrown_away_at_once_is_no_deposit(demo: Server, drive: Path) -> None:
    place = drive.joinpath(*BOX)
    (place / "Erreur.pdf").write_bytes(paper("Erreur.pdf"))
    author = demo.dav(LAWYER)
    wait_for(lambda: author.get((*BOX, "Erreur.pdf")).status == 200, what="the upload")
    (place / "Erreur.pdf").unlink()
    assert author.get((*BOX, "Erreur.pdf")).status == 404
    (place / "Pièce n°62.pdf").write_bytes(paper("Pièce n°62.pdf"))
    await_names(demo.dav(OTHER), BOX, ["Pièce n°62.pdf"])
    assert "Erreur.pdf" not in deposits(demo, LAWYER)


@pytest.mark.parametrize("way", SAVES)
def test_an_editor_saves_a_note_in_the_experts_space(demo: Server, space: Path, way: str) -> None:
    name = f"Note enregistrée {way}.txt"
    (space / name).write_bytes(b"premier jet\n")
    expert = demo.dav(EXPERT)
    await_content(expert, (SPACE_NAME, name), b"premier jet\n")
    for text in (b"deuxieme jet, plus long\n", b"troisieme\n"):
        SAVES[way](space / name, text)
        await_content(expert, (SPACE_NAME, name), text)
    wait_for(lambda: related(expert.names((SPACE_NAME,)), way) == [name], what="no other file")


def await_content(viewer: Dav, path: Names, content: bytes) -> None:
    wait_for(lambda: viewer.get(path).body == content, what=f"{content!r} in {path}")


def related(names: list[str], way: str) -> list[str]:
    """What a save has left: the file, and whatever was beside it meanwhile."""
    return [name for name in names if way in name or name.startswith((".", "4913"))]


@pytest.mark.parametrize("way", SAVES)
def test_a_dire_saved_again_before_it_is_sealed_is_one_deposit(
    demo: Server, drive: Path, way: str
) -> None:
    name = f"Dire enregistré {way}.txt"
    path = drive.joinpath(*BOX, name)
    path.write_bytes(b"premier jet\n")
    await_content(demo.dav(LAWYER), (*BOX, name), b"premier jet\n")
    SAVES[way](path, b"texte final\n")
    await_names(demo.dav(OTHER), BOX, [name])
    assert demo.dav(OTHER).get((*BOX, name)).body == b"texte final\n"
    assert deposits(demo, LAWYER)[name]["sha256"] == sha256(b"texte final\n")
    assert related(demo.dav(OTHER).names(BOX), way) == [name]


def test_a_sealed_piece_is_neither_removed_nor_renamed(
    demo: Server, drive: Path, sealed: dict[str, str]
) -> None:
    removed, renamed = drive.joinpath(*BOX, AWKWARD[0]), drive.joinpath(*BOX, AWKWARD[6])
    with pytest.raises(OSError) as refused:
        removed.unlink()
    assert refused.value.errno == errno.EIO, "rclone has no other word for a refusal"
    with pytest.raises(OSError) as refused:
        renamed.rename(renamed.with_name("autre.pdf"))
    assert refused.value.errno == errno.EIO
    assert contents(demo.dav(OTHER), BOX, sealed) == sealed


def test_writing_over_a_sealed_piece_changes_it_for_nobody(
    demo: Server, home: Path, drive: Path, sealed: dict[str, str]
) -> None:
    """rclone answers the program before it asks the server: only its log tells of the refusal."""
    name = AWKWARD[1]
    piece = drive.joinpath(*BOX, name)
    wait_for(piece.exists, what="the piece on the drive")
    piece.write_bytes(b"%PDF-1.4 second thoughts")
    log = home / "rclone.log"
    wait_for(lambda: f"{name}: vfs cache: failed to upload" in log.read_text(), what="the refusal")
    assert "403 Depot definitif" in log.read_text()
    assert contents(demo.dav(OTHER), BOX, sealed) == sealed


@pytest.mark.parametrize("place", [box(SAULE), (DOSSIER, BOXES), ()])
def test_no_folder_is_made_in(demo: Server, drive: Path, place: Names) -> None:
    before = demo.dav(EXPERT).names(place)
    with pytest.raises(OSError, match="Input/output error"):
        (drive.joinpath(*place) / "Intrus").mkdir()
    assert demo.dav(EXPERT).names(place) == before


def test_what_was_not_sent_when_the_drive_went_is_sent_when_it_comes_back(
    demo: Server, tmp_path: Path
) -> None:
    name = "Pièce n°70 - Envoyée plus tard.pdf"
    program = Rclone(demo, LAWYER, tmp_path)
    with drives.rclone(program, tmp_path) as point:
        point.joinpath(*BOX, name).write_bytes(paper(name))
        assert demo.dav(LAWYER).get((*BOX, name)).status == 404
    with drives.rclone(program, tmp_path):
        await_names(demo.dav(OTHER), BOX, [name])
    assert deposits(demo, LAWYER)[name]["sha256"] == sha256(paper(name))
