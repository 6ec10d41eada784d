"""A lawyer's office copies its folders with rclone; the expert files with it."""

from pathlib import Path

import pytest

from davserver.demo.history import BRUMAIRE, ORTIE, SAULE
from tests.clients import (
    AWKWARD,
    EXPERT,
    Rclone,
    archive,
    await_names,
    box,
    composed,
    contents,
    deposits,
    papers,
    remote,
    requests,
    sha256,
)
from tests.dav import Names
from tests.serving import Server, wait_for

LAWYER, OTHER = "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
BOX = box(BRUMAIRE)
FOLDER = "Pièces 20 à 59"
COUNT = 62


@pytest.fixture(scope="module")
def office(demo: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lawyer's folder of more than sixty files, copied into his box once."""
    home = tmp_path_factory.mktemp("office")
    source = home / "source"
    plain = [f"Pièce n°{number} - Devis n°{number % 7}.pdf" for number in range(20, 60)]
    photos = [f"IMG_{number}.JPG" for number in range(4520, 4524)]
    papers(source, AWKWARD)
    papers(source / FOLDER, plain)
    papers(source / "Photos", photos)
    papers(source / "Plans", [f"Plan R+{floor}.pdf" for floor in range(10)])
    done = Rclone(demo, LAWYER, home)("copy", source, remote(*BOX))
    assert done.code == 0, done.errors
    for path in files(source):
        await_names(demo.dav(OTHER), (*BOX, *path.parts[:-1]), [path.name])
    return home


def files(source: Path) -> list[Path]:
    """All files below ``source``, relative to it."""
    return sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())


def test_a_whole_folder_arrives_and_each_file_is_one_deposit(demo: Server, office: Path) -> None:
    source = office / "source"
    assert len(files(source)) == COUNT
    sent = {composed(path.name): sha256((source / path).read_bytes()) for path in files(source)}
    rows = deposits(demo, LAWYER)
    assert {name: rows[name]["sha256"] for name in sent} == sent


def test_a_second_copy_finds_nothing_to_do(demo: Server, office: Path) -> None:
    before = len(requests(demo, LAWYER, "PUT"))
    done = Rclone(demo, LAWYER, office)("copy", office / "source", remote(*BOX))
    assert done.code == 0, done.errors
    assert "nothing to transfer" in done.errors
    assert len(requests(demo, LAWYER, "PUT")) == before


def test_a_third_party_checks_every_byte(demo: Server, office: Path, tmp_path: Path) -> None:
    done = Rclone(demo, "theo.gabarit", tmp_path)(
        "check", "--download", office / "source", remote(*BOX)
    )
    assert done.code == 0, done.errors
    assert f"{COUNT} matching files" in done.errors


def test_an_emptied_source_deletes_nothing(demo: Server, office: Path, tmp_path: Path) -> None:
    (tmp_path / "emptied").mkdir()
    reader = demo.dav(OTHER)
    before = reader.names(BOX), reader.names((*BOX, FOLDER))
    done = Rclone(demo, LAWYER, tmp_path)("sync", tmp_path / "emptied", remote(*BOX))
    assert done.code != 0
    assert "403" in done.errors
    assert (reader.names(BOX), reader.names((*BOX, FOLDER))) == before


def test_a_sealed_piece_is_not_overwritten_nor_tried_without_end(
    demo: Server, office: Path, tmp_path: Path
) -> None:
    name = AWKWARD[0]
    before = contents(demo.dav(OTHER), BOX, [name])
    tried = len(requests(demo, LAWYER, "PUT"))
    changed = tmp_path / "changed"
    changed.mkdir()
    (changed / name).write_bytes((office / "source" / name).read_bytes() + b"%% v2\n")
    done = Rclone(demo, LAWYER, tmp_path)("copy", changed, remote(*BOX))
    assert done.code != 0
    assert "403 Depot definitif" in done.errors
    assert len(requests(demo, LAWYER, "PUT")) - tried == 3, "one for each of rclone's attempts"
    assert contents(demo.dav(OTHER), BOX, [name]) == before


def test_the_expert_files_a_piece_with_its_number_and_bytes(
    demo: Server, office: Path, tmp_path: Path
) -> None:
    name = AWKWARD[4]
    before = deposits(demo, LAWYER)[name]
    expert = Rclone(demo, EXPERT, tmp_path)
    done = expert("moveto", remote(*BOX, name), remote(*archive(BRUMAIRE), name))
    assert done.code == 0, done.errors
    assert name not in demo.dav(OTHER).names(BOX)
    assert contents(demo.dav(OTHER), archive(BRUMAIRE), [name]) == {name: before["sha256"]}
    after = deposits(demo, LAWYER)[name]
    assert (after["number"], after["sha256"]) == (before["number"], before["sha256"])


@pytest.mark.parametrize(
    ("login", "target"),
    [
        pytest.param(EXPERT, archive(ORTIE), id="into another lawyer's archive"),
        pytest.param(EXPERT, box(SAULE), id="into another box"),
        pytest.param(LAWYER, archive(BRUMAIRE), id="by its own lawyer"),
    ],
)
def test_a_piece_is_not_moved(
    demo: Server, office: Path, tmp_path: Path, login: str, target: Names
) -> None:
    name = AWKWARD[0]
    done = Rclone(demo, login, tmp_path)("moveto", remote(*BOX, name), remote(*target, name))
    assert done.code != 0
    assert "403" in done.errors
    assert name in demo.dav(OTHER).names(BOX)
    assert name not in demo.dav(OTHER).names(target)


@pytest.mark.parametrize("target", [box(ORTIE), archive(BRUMAIRE)])
def test_a_copy_into_a_folder_for_reading_fails(
    demo: Server, office: Path, tmp_path: Path, target: Names
) -> None:
    before = demo.dav(OTHER).names(target)
    photo = office / "source" / "Photos" / "IMG_4520.JPG"
    done = Rclone(demo, LAWYER, tmp_path)("copy", "--retries", "1", photo, remote(*target))
    assert done.code != 0
    assert "403" in done.errors
    assert demo.dav(OTHER).names(target) == before


def test_two_files_whose_names_differ_by_capitals_are_not_one(demo: Server, tmp_path: Path) -> None:
    pairs = (("Pair.pdf", "pair.pdf"), ("Deux/x.pdf", "deux/x.pdf"))
    source = tmp_path / "source"
    for one in (name for pair in pairs for name in pair):
        (source / one).parent.mkdir(parents=True, exist_ok=True)
        (source / one).write_bytes(b"%PDF-1.4 " + one.encode())
    done = Rclone(demo, LAWYER, tmp_path)("copy", source, remote(*BOX))
    assert done.code != 0
    assert "ecrit autrement" in done.errors
    author = demo.dav(LAWYER)
    for pair in pairs:
        first = author.get((*BOX, *pair[0].split("/"))).body
        assert first in [(source / name).read_bytes() for name in pair], done.errors
    # One by one, the first is the one that stays.
    for name, code in (("Seul.pdf", 0), ("seul.pdf", 1)):
        (tmp_path / name).write_bytes(b"%PDF-1.4 " + name.encode())
        done = Rclone(demo, LAWYER, tmp_path)("copy", tmp_path / name, remote(*BOX))
        assert bool(done.code) == bool(code), done.errors
    await_names(demo.dav(OTHER), BOX, ["Seul.pdf"])
    assert demo.dav(OTHER).get((*BOX, "Seul.pdf")).body == b"%PDF-1.4 Seul.pdf"


def test_a_copy_after_the_filing_makes_no_second_deposit(demo: Server, tmp_path: Path) -> None:
    source = tmp_path / "source"
    names = ["Relance 1.pdf", "Relance 2.pdf"]
    papers(source / "Lot relancé", names)
    papers(source, ["Relance seule.pdf"])
    office, expert = Rclone(demo, LAWYER, tmp_path), demo.dav(EXPERT)
    assert office("copy", source, remote(*BOX)).code == 0
    await_names(expert, BOX, ["Relance seule.pdf"])
    await_names(expert, (*BOX, "Lot relancé"), names)
    for name in ("Relance seule.pdf", "Lot relancé"):
        assert expert.move((*BOX, name), (*archive(BRUMAIRE, "Pièces"), name)).status == 201
    before = demo.json("deposits", "list")

    done = office("copy", source, remote(*BOX))

    assert done.code == 0, done.errors
    author = demo.dav(LAWYER)
    for path in (("Relance seule.pdf",), ("Lot relancé", names[0]), ("Lot relancé", names[1])):
        wait_for(lambda path=path: author.get((*BOX, *path)).status == 404, 30, str(path))  # type: ignore[misc]
    assert demo.json("deposits", "list") == before
