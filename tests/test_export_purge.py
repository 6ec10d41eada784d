"""A dossier leaves: exported whole, purged without a trace but its certificate."""

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from davserver.journal import BEGINNING
from davserver.site import open_site
from davserver.storage.sweep import sweep
from tests import backends, rows
from tests.conftest import Start
from tests.console import Console, copied
from tests.serving import wait_for

A, B, C = "2024-01", "2024-02", "2023-07"
OWNER = "cabinet.de-la-maquette-otest"


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


def files_below(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def manifest_of(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_an_export_holds_every_file_under_its_name_with_its_hash(
    console: Console, tmp_path: Path
) -> None:
    target = tmp_path / "export"

    printed = console.well("dossier", "export", A, str(target))

    manifest = manifest_of(target)
    paths = {row["path"] for row in manifest["files"]}
    assert files_below(target) == paths | {"manifest.json", "journal.jsonl"}
    for row in manifest["files"]:
        content = (target / row["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (row["size"], row["sha256"])
    for folder in manifest["folders"]:
        assert (target / folder).is_dir()
    pieces = {row["number"]: row for row in manifest["files"] if row["number"]}
    assert sorted(pieces) == [f"D-{number:06}" for number in range(1, 10)]
    constat = pieces["D-000002"]
    assert constat["path"].endswith("/Pièces/Pièce n°12 - Constat.pdf")
    assert constat["author"] == "cabinet.brumaire-kalve"
    assert constat["author_name"] == "Cabinet BRUMAIRE-KALVÉ"
    assert constat["received_at"] == "2024-02-20T16:45:00+00:00"
    received = datetime(2024, 2, 20, 16, 45, tzinfo=UTC)
    assert (target / constat["path"]).stat().st_mtime == received.timestamp()
    assert hashlib.sha256((target / "manifest.json").read_bytes()).hexdigest() in printed


def test_the_journal_of_an_export_can_be_verified_with_nothing_else(
    console: Console, tmp_path: Path
) -> None:
    console.well("dossier", "export", A, str(tmp_path / "export"))

    text = (tmp_path / "export" / "journal.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]

    assert lines[0]["previous"] == BEGINNING or lines[0]["id"] > 1
    assert [line["act"] for line in lines].count("deposit.seal") == 9
    for line in lines:
        facts = json.dumps(line["facts"], ensure_ascii=False, sort_keys=True)
        order = ("previous", "at", "dossier_id", "actor", "channel", "act")
        content = json.dumps([*(line[key] for key in order), facts], ensure_ascii=False)
        assert hashlib.sha256(content.encode()).hexdigest() == line["hash"]


def test_an_export_is_a_line_of_the_journal(console: Console, tmp_path: Path) -> None:
    printed = console.well("dossier", "export", A, str(tmp_path / "export"))

    (line,) = console.json("journal", "list", "--last", "1")
    assert line["act"] == "dossier.export"
    assert line["facts"]["manifest_sha256"] in printed


def test_a_zip_holds_the_same_as_a_folder(console: Console, tmp_path: Path) -> None:
    folder, archive = tmp_path / "export", tmp_path / "export.ZIP"

    console.well("dossier", "export", A, str(folder))
    console.well("dossier", "export", A, str(archive))

    with ZipFile(archive) as found:
        assert found.testzip() is None
        names = {name for name in found.namelist() if not name.endswith("/")}
        assert names == files_below(folder)
        for name in names - {"journal.jsonl"}:  # where the first export is a line of its own
            assert found.read(name) == (folder / name).read_bytes()
        piece = next(info for info in found.infolist() if "Constat" in info.filename)
        assert piece.date_time == (2024, 2, 20, 17, 45, 0)  # Paris


def test_only_what_is_published_is_exported(start: Start, tmp_path: Path) -> None:
    server = start({"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "3600"})
    box = ("2024-02 Époux NULLEPART contre Toitures du Néant", "04 Boîtes aux lettres",
           "Cabinet DE LA MAQUETTE-O'TEST (Époux NULLEPART)")  # fmt: skip
    dav = server.dav(OWNER, agent="WebDAVFS/3.0")
    assert dav.put((*box, "inachevé.pdf"), b"x").status == 201
    assert dav.put((*box, "._inachevé.pdf"), b"\x00\x05\x16\x07").status == 201
    assert dav.mkcol((*box, "dossier inachevé")).status == 201

    Console(server.data).well("dossier", "export", B, str(tmp_path / "export"))

    manifest = manifest_of(tmp_path / "export")
    assert not [row for row in manifest["files"] if "inachevé" in row["path"]]
    assert not [path for path in manifest["folders"] if "inachevé" in path]


def test_an_empty_folder_is_taken_and_a_full_one_refused(console: Console, tmp_path: Path) -> None:
    empty, full, file = tmp_path / "vide", tmp_path / "plein", tmp_path / "fichier.zip"
    empty.mkdir()
    full.mkdir()
    (full / "x").write_bytes(b"x")
    file.write_bytes(b"x")

    console.well("dossier", "export", A, str(empty))

    assert (empty / "manifest.json").exists()
    assert "n'est pas vide" in console.refused("dossier", "export", A, str(full))
    assert "existe déjà" in console.refused("dossier", "export", A, str(file))
    assert "n'existe pas" in console.refused("dossier", "export", A, str(tmp_path / "a" / "b"))
    assert (files_below(full), file.read_bytes()) == ({"x"}, b"x")


@pytest.mark.embedded
@pytest.mark.parametrize("name", ["export", "export.zip"])
def test_wrong_bytes_stop_an_export_and_nothing_of_it_is_left(
    console: Console, tmp_path: Path, name: str
) -> None:
    largest = max((console.data / "blobs").glob("*/*"), key=lambda file: file.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-1] + b"?")
    before = set(os.listdir(tmp_path))

    said = console.refused("dossier", "export", A, str(tmp_path / name))

    assert "Constat.pdf » : le contenu n'est pas celui qui a été déposé" in said
    assert set(os.listdir(tmp_path)) == before
    assert console.json("journal", "list", "--last", "1")[0]["act"] != "dossier.export"


@pytest.mark.parametrize("name", ["..", "a/b", "a\\b", ""])
def test_a_name_that_leads_out_of_the_export_stops_it(
    console: Console, tmp_path: Path, name: str
) -> None:
    rows.alter(console.data, f"UPDATE node SET name = '{name}' WHERE name = '08 Plans'")

    said = console.refused("dossier", "export", A, str(tmp_path / "export"))

    assert "ne peut pas être le nom d'un fichier" in said
    assert not (tmp_path / "export").exists()


def test_a_purge_asks_to_be_confirmed(console: Console) -> None:
    before = console.well("journal", "list")

    assert "--yes" in console.refused("dossier", "purge", C)

    assert console.well("journal", "list") == before


def test_a_purge_leaves_the_certificate_and_the_public_accounts(console: Console) -> None:
    title = console.json("dossier", "show", B)["title"]
    deposits = console.json("deposits", "list", "--dossier", B)

    console.well("dossier", "purge", B, "--yes")

    (row,) = [row for row in console.json("dossier", "list") if row["title"] == title]
    assert (row["state"], row["used"], row["pieces"]) == ("purgé", 0, 0)
    shown = console.json("dossier", "show", B)
    assert (shown["representations"], shown["members"], shown["folders"]) == ([], [], [])
    users = {row["login"]: row for row in console.json("user", "list")}
    assert "toitures.neant" not in users
    assert {OWNER, "cabinet.quartz-placebo", "apolline.testard"} <= set(users)
    roles = console.json("user", "show", "cabinet.quartz-placebo")["dossiers"]
    assert [role["title"][:7] for role in roles] == [A]
    assert console.json("group", "list", "--dossier", B) == []
    assert console.json("alerts", "rules", "--dossier", B) == []
    kept = console.json("deposits", "list", "--dossier", B)
    facts = ("number", "size", "sha256", "received_at", "late_seconds", "state")
    assert [[row[key] for key in facts] for row in kept] == [
        [row[key] for key in facts] for row in deposits
    ]
    assert {(row["path"], row["box"]) for row in kept} == {(None, None)}
    console.well("verify")


def test_the_certificate_has_counts_dates_and_the_hash_of_the_manifest_and_no_name(
    console: Console, tmp_path: Path
) -> None:
    console.well("dossier", "export", C, str(tmp_path / "export"))
    manifest = (tmp_path / "export" / "manifest.json").read_bytes()

    certificate = console.json("dossier", "purge", C, "--yes")

    (line,) = console.json("journal", "list", "--last", "1")
    assert (line["act"], line["facts"]) == ("dossier.purge", certificate)
    assert certificate["reference"] == "RG 23/99003"
    assert certificate["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    assert (certificate["deposits"], certificate["private_users"]) == (2, 1)
    assert certificate["state"] == "clos"
    text = json.dumps(certificate, ensure_ascii=False).casefold()
    assert not any(name in text for name in ("saint-exemple", "zéphyr", "sept"))


def test_nothing_of_a_purged_private_person_is_left_in_the_accounts(console: Console) -> None:
    console.well("dossier", "purge", B, "--yes")

    left = rows.ask(
        console.data,
        'SELECT login, first_name, last_name, email, password_hash, disabled FROM "user" '
        "WHERE kind = 'private' AND login IS NULL",
    )
    names = rows.ask(
        console.data, "SELECT count(*) FROM \"user\" WHERE last_name LIKE 'Toitures%'"
    )  # fmt: skip
    assert names == [(0,)]
    assert left == [(None, "", "", "", "", 1)]  # one deposit names him: his row stays, empty


def test_a_private_person_who_deposited_nothing_is_gone_altogether(console: Console) -> None:
    console.well("user", "add", "muet", "--last-name", "M", "--email", "m@x.example",
                 "--dossier", C, "--password", "x")  # fmt: skip

    console.well("dossier", "purge", C, "--yes")

    count = rows.ask(console.data, "SELECT count(*) FROM \"user\" WHERE kind = 'private'")
    assert count == [(2,)]  # those of the two other dossiers


def test_a_purged_dossier_is_nobodys_and_its_title_is_free(start: Start, tmp_path: Path) -> None:
    server = start()
    console = Console(server.data)
    title = console.json("dossier", "show", B)["title"]
    expert, owner = server.dav("apolline.testard"), server.dav(OWNER)
    assert title in expert.names(()) and title in owner.names(())

    console.well("dossier", "purge", B, "--yes")

    assert title not in expert.names(()) and title not in owner.names(())
    assert expert.get((title, "08 Plans")).status == 404
    assert server.dav("toitures.neant").propfind(()).status == 401
    plan = tmp_path / "plan.toml"
    plan.write_text(
        f'title = "{title}"\nexpert = "apolline.testard"\n'
        f'[[representations]]\nlogin = "{OWNER}"\nparties = ["Époux NULLEPART"]\n',
        encoding="utf-8",
    )
    console.well("dossier", "create", "--from", str(plan))
    assert expert.names((title, "04 Boîtes aux lettres")) == [
        "Cabinet DE LA MAQUETTE-O'TEST (Époux NULLEPART)"
    ]
    assert console.json("dossier", "show", title)["state"] == "ouvert"
    assert len(console.json("dossier", "list")) == 4


def test_a_purge_deletes_no_bytes_and_the_sweep_only_those_that_nobody_else_names(
    console: Console,
) -> None:
    def kept() -> set[str]:
        return set(dict(site.blobs.keys()))

    site = open_site(backends.settings(console.data))

    before = kept()
    console.well("dossier", "purge", B, "--yes")
    assert kept() == before

    grace = timedelta(days=1)
    assert sweep(site.database, site.blobs, datetime.now(UTC), grace) == 0
    gone = sweep(site.database, site.blobs, datetime.now(UTC) + timedelta(days=2), grace)

    assert gone == len(before) - len(kept()) > 0
    site.close()
    console.well("verify")
    console.well("dossier", "export", A, str(console.data.parent / "export"))


@pytest.mark.parametrize(
    "line",
    [
        ("purge", B, "--yes"),
        ("state", B, "en cours"),
        ("state", B, "--deadline", "none"),
        ("export", B, "/tmp/nulle-part"),
    ],
)
def test_a_purged_dossier_stays_purged(console: Console, line: tuple[str, ...]) -> None:
    console.well("dossier", "purge", B, "--yes")

    assert "2024-02" in console.refused("dossier", *line)


def test_a_purge_takes_unsent_alerts_and_unfinished_deposits_along(start: Start) -> None:
    server = start({"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "0.5"})
    console = Console(server.data)
    box = ("2024-02 Époux NULLEPART contre Toitures du Néant", "04 Boîtes aux lettres",
           "Cabinet DE LA MAQUETTE-O'TEST (Époux NULLEPART)")  # fmt: skip
    dav = server.dav(OWNER)
    assert dav.put((*box, "Pièce n°3.pdf"), b"x").status == 201
    wait_for(lambda: console.json("alerts", "queue"), 30, "the alert")
    assert dav.put((*box, "Pièce n°4.pdf"), b"x").status == 201
    assert dav.lock((*box, "Pièce n°5.pdf")).status == 201

    console.well("dossier", "purge", B, "--yes")

    assert console.json("alerts", "queue") == []
    open_ones = [row for row in console.json("deposits", "list") if row["state"] != "sealed"]
    assert open_ones == []
