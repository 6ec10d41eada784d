"""A hostile tree is exported to a ZIP that any computer opens, or to none (threat H07)."""

import hashlib
import json
import os
import signal
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import pytest
from sqlalchemy import select, update

from davserver.dossiers.export import ExportProblem, File, Manifest, export
from davserver.model import Node
from davserver.names import fault, name_key
from davserver.site import CONSOLE, Site, open_site
from davserver.work import Client
from tests import backends
from tests.console import Console, copied

A = "2024-01"
FOLDER, FILE = "08 Plans", "Coupe AA' - A0.pdf"
MOMENT = datetime(2024, 3, 12, 10, tzinfo=UTC)


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


def opened(data: Path) -> Site:
    return open_site(backends.settings(data))


def rename(console: Console, old: str, new: str) -> None:
    """Give a node a name that no door lets in, as an older version or a hand in the rows might."""
    site = opened(console.data)
    with site.writing(CONSOLE, Client("test")) as work:
        work.session.execute(update(Node).where(Node.name == old).values(name=new, name_key=new))
    site.close()


def plant(console: Console, *names: str) -> None:
    """Files of these names beside FILE, with its content."""
    site = opened(console.data)
    with site.writing(CONSOLE, Client("test")) as work:
        there = work.session.scalars(select(Node).where(Node.name == FILE)).one()
        kept = ("parent_id", "dossier_id", "kind", "role", "state", "blob_id", "size", "sha256",
                "created", "modified", "written", "author_id")  # fmt: skip
        facts = {key: getattr(there, key) for key in kept}
        for number, name in enumerate(names):
            work.session.add(Node(name=name, name_key=f"{number}", **facts))
    site.close()


def exported(console: Console, target: Path) -> tuple[list[str], dict[str, Any]]:
    """The paths in the ZIP, each of them there once and with the bytes of the manifest."""
    console.well("dossier", "export", A, str(target))
    with ZipFile(target) as zipped:
        assert zipped.testzip() is None
        manifest = json.loads(zipped.read("manifest.json"))
        paths = zipped.namelist()
        for row in manifest["files"]:
            content = zipped.read(row["path"])
            assert hashlib.sha256(content).hexdigest() == row["sha256"]
    assert len(paths) == len(manifest["files"]) + len(manifest["folders"]) + 2
    return paths, manifest


def assert_opens_on_windows(paths: list[str]) -> None:
    """Every name is one that Windows takes, none leads out, no two are one there or on a Mac."""
    for path in paths:
        for name in path.rstrip("/").split("/"):
            assert fault(name) is None, (name, fault(name))
        assert not path.startswith(("/", "\\")) and ":" not in path and "\\" not in path
    assert len({name_key(path.rstrip("/")) for path in paths}) == len(paths)


STRANGE = ("CON", "aux.txt", "NUL.pdf", "COM1", "lpt9.pdf", "x.pdf.", "x.pdf ", " x.pdf", "a:b.pdf",
           "x.pdf::$DATA", "a*b?.pdf", 'a"b|c<d>.pdf', "\u202efdp.exe", "a\u200bb.pdf", "C:", "...",
           "a\nb", "é" * 200 + ".pdf", "~" * 255)  # fmt: skip
TWINS = ("é.pdf", unicodedata.normalize("NFD", "é.pdf"), "Pièce.pdf", "PIÈCE.PDF", "a:b.pdf",
         "a*b.pdf", "x.pdf", "x.pdf.", "ﬁn.pdf", "fin.pdf", "a (2).pdf", "a.pdf", "A.pdf",
         "CON", "con", "_CON")  # fmt: skip


@pytest.mark.parametrize("names", [STRANGE, TWINS], ids=["strange", "twins"])
def test_h07_names_that_windows_cannot_hold_are_exported_under_names_that_it_can(
    console: Console, tmp_path: Path, names: tuple[str, ...]
) -> None:
    before = exported(console, tmp_path / "before.zip")[1]
    plant(console, *names)
    rename(console, FOLDER, "COM7. ")

    paths, manifest = exported(console, tmp_path / "export.zip")

    assert_opens_on_windows(paths)
    assert len(manifest["files"]) == len(before["files"]) + len(names)
    console.well("dossier", "export", A, str(tmp_path / "folder"))
    for row in manifest["files"]:
        content = (tmp_path / "folder" / row["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]


@pytest.mark.parametrize("name", ["..", "../x", "/etc/passwd", "a\\..\\b", "..\\x", ".", ""])
def test_h07_a_name_that_leads_out_stops_the_export(
    console: Console, tmp_path: Path, name: str
) -> None:
    rename(console, FILE, name)
    before = set(os.listdir(tmp_path))

    for target in ("export.zip", "export"):
        said = console.refused("dossier", "export", A, str(tmp_path / target))
        assert "ne peut pas être le nom d'un fichier" in said
    assert set(os.listdir(tmp_path)) == before


def test_h07_a_dossier_called_like_the_manifest_hides_neither(
    console: Console, tmp_path: Path
) -> None:
    title = next(row["title"] for row in console.json("dossier", "list") if row["title"][:7] == A)
    rename(console, title, "manifest.json")

    paths, _ = exported(console, tmp_path / "export.zip")

    assert_opens_on_windows(paths)
    assert {path.split("/")[0] for path in paths} == {
        "manifest (2).json", "manifest.json", "journal.jsonl"
    }  # fmt: skip


class Store:
    """A store whose contents are made as they are read."""

    def __init__(self, fails_after: int | None = None, kills: bool = False) -> None:
        self._left = fails_after
        self._kills = kills

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if self._left is not None:
            self._left -= 1
            if self._left < 0 and self._kills:
                os.kill(os.getpid(), signal.SIGKILL)
            if self._left < 0:
                raise OSError(5, "Input/output error")
        yield key.encode()


def manifest(count: int) -> Manifest:
    """A dossier of so many small files."""
    files = tuple(
        File(
            ("d", f"{number % 100:02}", f"{number}.txt"), str(number), len(str(number)),
            hashlib.sha256(str(number).encode()).hexdigest(), None, None, "", MOMENT, MOMENT,
            None, None, 0,
        )
        for number in range(count)
    )  # fmt: skip
    folders = (("d",), *(("d", f"{number:02}") for number in range(100)))
    return Manifest("d", "", MOMENT, folders, files)


def test_h07_more_entries_than_a_plain_zip_can_count(tmp_path: Path) -> None:
    count = 66_000
    export(manifest(count), [], Store(), tmp_path / "export.zip")  # type: ignore[arg-type]

    with ZipFile(tmp_path / "export.zip") as zipped:
        assert len(zipped.namelist()) == count + 103
        assert zipped.read(f"d/{(count - 1) % 100:02}/{count - 1}.txt") == str(count - 1).encode()
        assert len(json.loads(zipped.read("manifest.json"))["files"]) == count
    end = (tmp_path / "export.zip").read_bytes()[-200:]
    assert b"PK\x06\x06" in end and b"PK\x06\x07" in end  # the records of Zip64


@pytest.mark.parametrize("name", ["export.zip", "export"])
def test_h07_an_export_that_fails_midway_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportProblem, match="écriture impossible"):
        export(manifest(500), [], Store(fails_after=250), tmp_path / name)  # type: ignore[arg-type]

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["export.zip", "export"])
def test_h07_an_export_that_is_killed_midway_looks_like_none(tmp_path: Path, name: str) -> None:
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            export(manifest(500), [], Store(250, kills=True), tmp_path / name)  # type: ignore[arg-type]
        os._exit(1)
    _, status = os.waitpid(child, 0)

    assert os.WTERMSIG(status) == signal.SIGKILL
    assert not (tmp_path / name).exists()
    (left,) = os.listdir(tmp_path)
    assert left.startswith(name) and left.endswith(".partial")
    assert not is_zipfile(tmp_path / left)
    assert not (tmp_path / left / "manifest.json").exists()
