"""Every released version is brought up to date with all its rows, or stays as it is."""

import hashlib
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from davserver.backup.folder import BackupFolder, Manifest, sha256_of
from davserver.model import Base, schema
from davserver.model.database import Database
from tests import released
from tests.console import Console

Rows = dict[str, list[dict[str, Any]]]
PIECES = ["Pièce n°1 - Constat.pdf", "Pièce n°2 - Devis d'œuvre.pdf", "inachevé.pdf"]


def rows(file: Path) -> Rows:
    """All that is in a database, by table."""
    connection = sqlite3.connect(file)
    connection.row_factory = sqlite3.Row
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND name <> 'alembic_version'"
    )
    found = {
        name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}" ORDER BY 1, 2')]
        for (name,) in names
    }
    connection.close()
    return found


def kept(before: Rows, after: Rows) -> bool:
    """Whether every row is there with all that it held."""
    return all(
        [{key: new[key] for key in old} for old, new in zip(found, after[name], strict=True)]
        == found
        for name, found in before.items()
    )


def upgraded_to(revision: str, file: Path) -> None:
    database = Database(f"sqlite:///{file}")
    config = schema.migrations()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection.execution_options(davserver_write=True)
        command.upgrade(config, revision)
        connection.commit()
    database.close()


def test_every_schema_of_before_is_here() -> None:
    known = [file.name[:4] for file in (Path("davserver/model/migrations/versions")).glob("0*.py")]

    assert len(released.REVISIONS) >= 2
    assert set(released.REVISIONS) <= set(known)
    assert ScriptDirectory.from_config(schema.migrations()).get_current_head() == schema.latest()


@pytest.mark.embedded  # the tables of released versions were kept from SQLite
def test_data_of_a_newer_program_are_left_alone(tmp_path: Path) -> None:
    site = released.site(released.REVISIONS[-1], tmp_path / "data")
    site.well("init")
    with sqlite3.connect(site.data / "davserver.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    for command_line in (["init"], ["verify"], ["serve", "--port", "0"]):
        assert "« 9999 », plus récente que ce programme" in site.refused(*command_line)


@pytest.mark.embedded
@pytest.mark.parametrize("revision", released.REVISIONS)
def test_a_released_site_is_upgraded_with_all_its_rows(revision: str, tmp_path: Path) -> None:
    site = released.site(revision, tmp_path / "data")
    file = site.data / "davserver.sqlite"
    before = rows(file)
    assert "davserver init" in site.refused("verify")

    assert f"brought from version {revision} to {schema.latest()}" in site.well("init")

    assert kept(before, rows(file))
    site.well("verify")
    assert sorted(row["name"] for row in site.json("deposits", "list")) == PIECES
    assert "is there and up to date" in site.well("init")


@pytest.mark.parametrize("revision", ["", *released.REVISIONS])
def test_the_tables_are_those_that_the_program_expects(revision: str, tmp_path: Path) -> None:
    file = tmp_path / "davserver.sqlite"
    if revision:
        released.database(revision, file)
    database = Database(f"sqlite:///{file}")
    database.upgrade()

    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.close()


@pytest.mark.parametrize("revision", released.REVISIONS)
def test_a_released_migration_is_never_changed(revision: str, tmp_path: Path) -> None:
    was, now = tmp_path / "was.sqlite", tmp_path / "now.sqlite"
    released.database(revision, was)
    upgraded_to(revision, now)

    def tables(file: Path) -> set[str]:
        connection = sqlite3.connect(file)
        found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        made = {re.sub(r"[\s\"]+", " ", sql) for (sql,) in found}
        connection.close()
        return made

    assert tables(now) == tables(was)


@pytest.mark.parametrize("revision", released.REVISIONS)
def test_a_backup_of_a_released_version_becomes_a_site_of_this_one(
    revision: str, tmp_path: Path
) -> None:
    (tmp_path / "sauvegarde").mkdir()
    folder = BackupFolder(tmp_path / "sauvegarde")
    with folder.held():
        file = folder.begin("ancienne")
        released.database(revision, file)
        for blob in (released.SCHEMAS / "blobs").iterdir():
            content = blob.read_bytes()
            assert folder.keep([content], hashlib.sha256(content).hexdigest(), len(content))
        manifest = Manifest(
            "0", "2024-01-01T00:00:00+00:00", revision, sha256_of(file), "", 0, 0, []
        )
        folder.finish("ancienne", manifest)
    before = shutil.copy(folder.rows("ancienne"), tmp_path / "before.sqlite")

    site = Console(tmp_path / "data")
    site.well("restore", str(folder.root))

    site.well("verify")
    assert sorted(row["name"] for row in site.json("deposits", "list")) == PIECES
    assert sha256_of(folder.rows("ancienne")) == sha256_of(Path(before))
