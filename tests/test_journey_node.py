"""A lawyer's software uses the npm package webdav: what it asks for, and what it is told."""

from pathlib import Path
from typing import Any

import pytest

from davserver.demo.history import BOXES, FACTICE, SAULE
from davserver.tree.lookup import SPACE_NAME
from tests.clients import (
    AWKWARD,
    DOSSIER,
    EXPERT,
    archive,
    await_names,
    box,
    composed,
    contents,
    deposits,
    paper,
    papers,
    sha256,
)
from tests.npm import Npm, Refused, place
from tests.serving import Server

LAWYER, OTHER = "cabinet.saule-exemple", "cabinet.factice-dumodele"
BOX = box(SAULE)
OLD = "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf"  # sealed in 2024
NEW = [name for name in AWKWARD if name != OLD]
SEALED = Refused(403, "Invalid response: 403 Depot definitif - modification interdite")
KEEP = {"overwrite": False}


@pytest.fixture
def lawyer(demo: Server, tmp_path: Path) -> Npm:
    return Npm(demo, LAWYER, tmp_path)


@pytest.fixture
def expert(demo: Server, tmp_path: Path) -> Npm:
    return Npm(demo, EXPERT, tmp_path)


def test_it_finds_what_the_lawyer_may_see_and_nothing_else(demo: Server, lawyer: Npm) -> None:
    exists, hidden, listed, stat, classes = lawyer(
        ("exists", place(*BOX, OLD)),
        ("exists", place(SPACE_NAME)),
        ("getDirectoryContents", place(*BOX)),
        ("stat", place(*BOX, OLD)),
        ("getDAVCompliance", place(*BOX)),
    )
    assert (exists, hidden) == (True, False)
    assert [entry["basename"] for entry in listed] == demo.dav(LAWYER).names(BOX)
    size = deposits(demo, LAWYER)[OLD]["size"]
    assert (stat["filename"], stat["type"], stat["size"]) == (place(*BOX, OLD), "file", size)
    assert stat["mime"] == "application/pdf"
    assert classes["compliance"] == ["1", "2", "extended-mkcol"]


def test_a_tree_is_listed_folder_by_folder_and_not_in_one_go(lawyer: Npm) -> None:
    deep, boxes = lawyer(
        ("getDirectoryContents", "/", {"deep": True}),
        ("getDirectoryContents", place(DOSSIER, BOXES)),
    )
    assert deep == Refused(403, "Invalid response: 403 Depth infinity refuse")
    assert SAULE in [entry["basename"] for entry in boxes]


def test_the_quota_is_told_to_who_asks_for_it_by_name(expert: Npm) -> None:
    """The package asks for all properties, and a quota is none of them (RFC 4331 §3)."""
    assert expert(("getQuota", {"path": "/"})) == [None]
    (told,) = expert(("askQuota", place(DOSSIER)))
    assert told["quota-available-bytes"] > 0
    assert told["quota-used-bytes"] > 0


def test_files_that_are_put_are_deposits(demo: Server, lawyer: Npm, tmp_path: Path) -> None:
    written = papers(tmp_path, NEW)
    put = [("putFile", str(tmp_path / name), place(*BOX, name), KEEP) for name in NEW]
    assert lawyer(*put) == [True] * len(NEW)
    await_names(demo.dav(OTHER), BOX, NEW)
    hashes = {name: sha256(content) for name, content in written.items()}
    assert contents(demo.dav(OTHER), BOX, NEW) == hashes
    rows = deposits(demo, LAWYER)
    assert {name: rows[composed(name)]["sha256"] for name in NEW} == hashes


def test_a_stream_of_unknown_length_is_a_deposit(demo: Server, lawyer: Npm, tmp_path: Path) -> None:
    name, content = "Vidéo de la réunion n°1.mp4", b"\0\0\0\x18ftypmp42" + bytes(700_000)
    (tmp_path / name).write_bytes(content)
    assert lawyer(("streamFile", str(tmp_path / name), place(*BOX, name), KEEP)) == [201]
    await_names(demo.dav(OTHER), BOX, [name])
    assert deposits(demo, LAWYER)[name]["sha256"] == sha256(content)


def test_a_stream_over_a_sealed_piece_is_refused(demo: Server, lawyer: Npm, tmp_path: Path) -> None:
    before = demo.dav(OTHER).get((*BOX, OLD)).body
    (tmp_path / "long.pdf").write_bytes(b"%PDF-1.4\n".ljust(300_000, b"x"))
    (said,) = lawyer(("streamFile", str(tmp_path / "long.pdf"), place(*BOX, OLD), {}))
    assert said == SEALED
    assert demo.dav(OTHER).get((*BOX, OLD)).body == before


def test_a_sealed_piece_is_read_and_never_changed(
    demo: Server, lawyer: Npm, tmp_path: Path
) -> None:
    before = demo.dav(OTHER).get((*BOX, OLD)).body
    papers(tmp_path, ["other.pdf"])
    other, old, new = str(tmp_path / "other.pdf"), place(*BOX, OLD), place(*BOX, "nouveau.pdf")
    got, kept, over, moved, taken, deleted = lawyer(
        ("getFileContents", old),
        ("putFile", other, old, KEEP),
        ("putFile", other, old),
        ("moveFile", old, new),
        ("moveFile", old, place(*archive(SAULE), OLD)),
        ("deleteFile", old),
    )
    assert got == before
    assert kept is False, "the package's word for a name that is taken"
    assert [over, moved, deleted] == [SEALED] * 3
    assert isinstance(taken, Refused)
    assert taken.status == 403
    (locked,) = lawyer(("lock", old))
    assert isinstance(locked, Refused)
    assert locked.status == 423
    assert demo.dav(OTHER).get((*BOX, OLD)).body == before
    assert "nouveau.pdf" not in demo.dav(LAWYER).names(BOX)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(("putFileContents", place(*box(FACTICE), "x.pdf"), "x"), id="another's box"),
        pytest.param(("putFileContents", place(*archive(SAULE), "x.pdf"), "x"), id="the archives"),
        pytest.param(("createDirectory", place(DOSSIER, BOXES, "x")), id="a folder of boxes"),
        pytest.param(("deleteFile", place(*BOX)), id="the box itself"),
        pytest.param(("createDirectory", place("Nouveau dossier")), id="a dossier"),
    ],
)
def test_what_is_not_the_lawyers_to_write_is_refused(lawyer: Npm, step: tuple[Any, ...]) -> None:
    (said,) = lawyer(step)
    assert isinstance(said, Refused)
    assert said.status == 403


def test_a_piece_is_corrected_while_it_is_not_sealed(
    demo: Server, lawyer: Npm, tmp_path: Path
) -> None:
    papers(tmp_path, ["a.pdf", "b.pdf"])
    first, last = place(*BOX, "Brouillon.pdf"), place(*BOX, "Pièce n°30.pdf")
    said = lawyer(
        ("putFile", str(tmp_path / "a.pdf"), first, KEEP),
        ("putFile", str(tmp_path / "b.pdf"), first),
        ("moveFile", first, last, KEEP),
        ("putFile", str(tmp_path / "a.pdf"), place(*BOX, "Erreur.pdf")),
        ("deleteFile", place(*BOX, "Erreur.pdf")),
    )
    assert said == [True, True, None, True, None]
    await_names(demo.dav(OTHER), BOX, ["Pièce n°30.pdf"])
    rows = deposits(demo, LAWYER)
    assert rows["Pièce n°30.pdf"]["sha256"] == sha256(paper("b.pdf"))
    assert not {"Brouillon.pdf", "Erreur.pdf"} & rows.keys()


def test_the_expert_keeps_his_own_files(demo: Server, expert: Npm) -> None:
    folder = place(SPACE_NAME, "Brouillons", "Notes")
    one, two, three = (f"{folder}/{name}" for name in ("n°1 %41 #.txt", "n°2.txt", "n°3.txt"))
    said = expert(
        ("createDirectory", folder, {"recursive": True}),
        ("putFileContents", one, "première version", KEEP),
        ("putFileContents", one, "deuxième version", KEEP),
        ("putFileContents", one, "troisième version"),
        ("copyFile", one, two),
        ("copyFile", one, two, KEEP),
        ("moveFile", two, three, KEEP),
        ("getFileContents", three, {"format": "text"}),
        ("copyFile", place(SPACE_NAME, "Brouillons"), place(SPACE_NAME, "Copie")),
        ("deleteFile", place(SPACE_NAME, "Brouillons")),
        ("exists", folder),
    )
    assert said[:5] == [None, True, False, True, None]
    assert isinstance(said[5], Refused)
    assert said[5].status == 412
    assert said[6:] == [None, "troisième version", None, None, False]
    kept = (SPACE_NAME, "Copie", "Notes")
    assert sorted(demo.dav(EXPERT).names(kept)) == ["n°1 %41 #.txt", "n°3.txt"]
    assert demo.dav(EXPERT).get((*kept, "n°3.txt")).body.decode() == "troisième version"


def test_a_lock_keeps_others_out_until_it_is_given_back(demo: Server, expert: Npm) -> None:
    note = (SPACE_NAME, "Note verrouillée.txt")
    put, lock = expert(("putFileContents", place(*note), "un"), ("lock", place(*note)))
    assert (put, lock["serverTimeout"]) == (True, "Second-3600")
    token = lock["token"]
    refused, written, unlocked, free = expert(
        ("putFileContents", place(*note), "sans jeton"),
        ("putFileContents", place(*note), "deux", {"headers": {"If": f"(<{token}>)"}}),
        ("unlock", place(*note), token),
        ("putFileContents", place(*note), "trois"),
    )
    assert isinstance(refused, Refused)
    assert refused.status == 423
    assert (written, unlocked, free) == (True, None, True)
    assert demo.dav(EXPERT).get(note).body == b"trois"


def test_a_part_of_a_piece_is_read(demo: Server, lawyer: Npm) -> None:
    whole = demo.dav(LAWYER).get((*BOX, OLD)).body
    old = place(*BOX, OLD)
    middle, rest, beyond = lawyer(
        ("readPart", old, {"start": 100, "end": 199}),
        ("readPart", old, {"start": 200}),
        ("getFileContents", old, {"headers": {"Range": f"bytes={len(whole)}-"}}),
    )
    assert middle == whole[100:200]
    assert rest == whole[200:]
    assert isinstance(beyond, Refused)
    assert beyond.status == 416
