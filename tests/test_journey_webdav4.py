"""A lawyer's scripts use Python's webdav4: its client, and its file system for fsspec."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from webdav4.client import (
    Client,
    ForbiddenOperation,
    HTTPError,
    ResourceAlreadyExists,
    ResourceLocked,
    ResourceNotFound,
)
from webdav4.fsspec import WebdavFileSystem

from davserver.demo.history import ARCHIVES, BOXES, BRUMAIRE, ORTIE, QUARTZ
from davserver.tree.lookup import SPACE_NAME
from tests.clients import (
    AWKWARD,
    CLOSED,
    DOSSIER,
    EXPERT,
    archive,
    await_names,
    box,
    composed,
    contents,
    deposits,
    papers,
    sha256,
)
from tests.dav import address
from tests.serving import PASSWORD, Server

LAWYER, OTHER = "cabinet.quartz-placebo", "cabinet.ortie-lambda"
BOX = box(QUARTZ)
OLD = AWKWARD[5]  # in the lawyer's box since 2024
NEW = [name for name in AWKWARD if name != OLD]
HEAVY = (*archive(BRUMAIRE), "Pièce n°12 - Constat.pdf")


def place(*names: str) -> str:
    """A place on the drive, as webdav4 names it."""
    return "/".join(names)


def escaped(*names: str) -> str:
    """The same for a name with a sign that means something in addresses: webdav4 sends it only so,
    and cannot open such a file again."""
    return address(*names).removeprefix("/dav/")


def client(server: Server, login: str) -> Client:
    """The client of one person."""
    return Client(f"{server.url}/dav", auth=(login, PASSWORD))


@pytest.fixture
def lawyer(demo: Server) -> Iterator[Client]:
    found = client(demo, LAWYER)
    with found.http:
        yield found


@pytest.fixture
def expert(demo: Server) -> Iterator[Client]:
    found = client(demo, EXPERT)
    with found.http:
        yield found


@pytest.fixture
def files(lawyer: Client) -> WebdavFileSystem:
    return WebdavFileSystem("", client=lawyer)


def test_it_lists_what_the_lawyer_may_see(demo: Server, lawyer: Client) -> None:
    listed = lawyer.ls(place(*BOX), detail=False)
    assert listed == [place(*BOX, name) for name in demo.dav(LAWYER).names(BOX)]
    assert not lawyer.exists(place(SPACE_NAME))
    assert lawyer.isdir(place(DOSSIER))
    assert lawyer.isfile(place(*BOX, OLD))


def test_the_properties_of_a_piece_are_those_of_its_deposit(demo: Server, lawyer: Client) -> None:
    row, piece = deposits(demo, LAWYER)[OLD], place(*BOX, OLD)
    assert lawyer.content_length(piece) == row["size"]
    assert lawyer.content_type(piece) == "application/pdf"
    assert lawyer.etag(piece)
    modified = lawyer.modified(piece)
    assert modified is not None
    assert modified.isoformat()[:19] == row["received_at"][:19]


def test_files_that_are_uploaded_are_deposits(demo: Server, lawyer: Client, tmp_path: Path) -> None:
    written = papers(tmp_path, NEW)
    for name in NEW:
        lawyer.upload_file(tmp_path / name, escaped(*BOX, name))
    await_names(demo.dav(OTHER), BOX, NEW)
    hashes = {name: sha256(content) for name, content in written.items()}
    assert contents(demo.dav(OTHER), BOX, NEW) == hashes
    rows = deposits(demo, LAWYER)
    assert {name: rows[composed(name)]["sha256"] for name in NEW} == hashes


class Unsized(io.RawIOBase):
    """A source that does not know its length: it is sent in chunks."""

    def __init__(self, content: bytes) -> None:
        self._rest = content

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = len(self._rest) if size < 0 else size
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def test_a_source_of_unknown_length_is_a_deposit(demo: Server, lawyer: Client) -> None:
    name, content = "Relevé exporté.csv", b"date;cote\n" * 30_000
    lawyer.upload_fileobj(cast("BinaryIO", Unsized(content)), place(*BOX, name))
    await_names(demo.dav(OTHER), BOX, [name])
    assert deposits(demo, LAWYER)[name]["sha256"] == sha256(content)


def test_a_sealed_piece_is_read_and_never_changed(demo: Server, lawyer: Client) -> None:
    before = demo.dav(OTHER).get((*BOX, OLD)).body
    old, new = place(*BOX, OLD), place(*BOX, "nouveau.pdf")
    downloaded = io.BytesIO()
    lawyer.download_fileobj(old, downloaded)
    assert downloaded.getvalue() == before
    with pytest.raises(ResourceAlreadyExists):
        lawyer.upload_fileobj(io.BytesIO(b"%PDF other"), old)
    with pytest.raises(HTTPError, match="Depot definitif"):
        lawyer.upload_fileobj(io.BytesIO(b"%PDF other"), old, overwrite=True)
    with pytest.raises(HTTPError, match="Depot definitif"):
        lawyer.remove(old)
    with pytest.raises(ForbiddenOperation):
        lawyer.move(old, new)
    with pytest.raises(ForbiddenOperation):
        lawyer.move(old, place(*archive(QUARTZ), OLD))
    assert demo.dav(OTHER).get((*BOX, OLD)).body == before
    assert "nouveau.pdf" not in demo.dav(LAWYER).names(BOX)


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param((DOSSIER, BOXES), id="beside the boxes"),
        pytest.param((DOSSIER, ARCHIVES), id="the archives"),
        pytest.param(box(ORTIE), id="the box of another"),
        pytest.param((), id="beside the dossiers"),
    ],
)
def test_nothing_is_written_in(demo: Server, lawyer: Client, folder: tuple[str, ...]) -> None:
    before = demo.dav(EXPERT).names(folder)
    with pytest.raises(ForbiddenOperation):
        lawyer.mkdir(place(*folder, "Intrus"))
    with pytest.raises(HTTPError, match="403"):
        lawyer.upload_fileobj(io.BytesIO(b"%PDF"), place(*folder, "Intrus.pdf"))
    assert demo.dav(EXPERT).names(folder) == before


def test_what_is_hidden_is_not_found(lawyer: Client) -> None:
    with pytest.raises(ResourceNotFound):
        lawyer.ls(place(CLOSED))


def test_a_piece_is_corrected_while_it_is_not_sealed(demo: Server, lawyer: Client) -> None:
    first, last = place(*BOX, "Brouillon.pdf"), place(*BOX, "Pièce n°30.pdf")
    lawyer.upload_fileobj(io.BytesIO(b"%PDF first"), first)
    lawyer.upload_fileobj(io.BytesIO(b"%PDF second"), first, overwrite=True)
    lawyer.move(first, last)
    lawyer.upload_fileobj(io.BytesIO(b"%PDF wrong"), first)
    lawyer.remove(first)
    await_names(demo.dav(OTHER), BOX, ["Pièce n°30.pdf"])
    rows = deposits(demo, LAWYER)
    assert rows["Pièce n°30.pdf"]["sha256"] == sha256(b"%PDF second")
    assert "Brouillon.pdf" not in rows


def test_the_expert_keeps_his_own_files(demo: Server, expert: Client) -> None:
    folder = (SPACE_NAME, "Scripts")
    one, two, three = (escaped(*folder, f"{name} %41 #1.txt") for name in ("un", "deux", "trois"))
    expert.mkdir(place(*folder))
    expert.upload_fileobj(io.BytesIO(b"first"), one)
    expert.upload_fileobj(io.BytesIO(b"second"), one, overwrite=True)
    expert.copy(one, two)
    with pytest.raises(ResourceAlreadyExists):
        expert.copy(one, two)
    expert.copy(one, two, overwrite=True)
    expert.move(two, three)
    assert sorted(demo.dav(EXPERT).names(folder)) == ["trois %41 #1.txt", "un %41 #1.txt"]
    assert demo.dav(EXPERT).get((*folder, "trois %41 #1.txt")).body == b"second"
    reply = demo.dav(EXPERT).lock((*folder, "un %41 #1.txt"))
    with pytest.raises(ResourceLocked):
        expert.remove(one)
    demo.dav(EXPERT).unlock((*folder, "un %41 #1.txt"), reply.headers["lock-token"])
    expert.remove(place(*folder))
    assert not expert.exists(one)


def test_a_large_piece_is_read_from_any_place(demo: Server, lawyer: Client) -> None:
    whole = demo.dav(LAWYER).get(HEAVY).body
    with lawyer.open(place(*HEAVY), mode="rb", chunk_size=4_096) as piece:
        assert piece.read(100) == whole[:100]
        piece.seek(5_000_000)
        assert piece.read(10_000) == whole[5_000_000:5_010_000]
        piece.seek(-500, io.SEEK_END)
        assert piece.read() == whole[-500:]
        piece.seek(0)
        assert piece.read(100) == whole[:100]


def test_the_file_system_reads_a_piece_in_parts(demo: Server, files: WebdavFileSystem) -> None:
    whole = demo.dav(LAWYER).get(HEAVY).body
    piece = place(*HEAVY)
    assert files.info(piece)["size"] == len(whole)
    assert files.cat_file(piece, start=1_000, end=1_100) == whole[1_000:1_100]
    with files.open(piece, "rb") as opened:
        opened.seek(len(whole) - 10)
        assert opened.read() == whole[-10:]


def test_the_file_system_walks_the_dossier(demo: Server, files: WebdavFileSystem) -> None:
    found = files.find(place(DOSSIER))
    assert place(*BOX, OLD) in found
    assert place(*HEAVY) in found
    assert not any(CLOSED in path for path in found)
    assert files.isdir(place(*BOX))
    with pytest.raises(FileNotFoundError):
        files.ls(place(SPACE_NAME))


def test_what_a_program_writes_through_the_file_system_is_one_deposit(
    demo: Server, files: WebdavFileSystem
) -> None:
    folder = (*BOX, "Exports", "2024")
    files.makedirs(place(*folder))
    with files.open(place(*folder, "Tableau.csv"), "wb") as written:
        written.write(b"poste;montant\n")
        written.write(b"gros oeuvre;12000\n")
    files.pipe_file(place(*folder, "Notes.txt"), b"en bref")
    await_names(demo.dav(OTHER), folder, ["Tableau.csv", "Notes.txt"])
    rows = deposits(demo, LAWYER)
    assert rows["Tableau.csv"]["sha256"] == sha256(b"poste;montant\ngros oeuvre;12000\n")
    assert rows["Notes.txt"]["sha256"] == sha256(b"en bref")
    with pytest.raises(HTTPError, match="403"):
        files.rm(place(*folder, "Notes.txt"))
    with pytest.raises(HTTPError, match="403"):
        files.rm(place(*BOX, "Exports"), recursive=True)
    assert sorted(demo.dav(OTHER).names(folder)) == ["Notes.txt", "Tableau.csv"]
