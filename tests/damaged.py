"""A site whose rows are changed behind its back, and what ``verify`` names of it."""

from pathlib import Path

import pytest

from tests import rows
from tests.console import Console, copied

A = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
OWNER = "cabinet.ortie-lambda"
BOX = (A, "04 Boîtes aux lettres", "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)")


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


def damage(console: Console, *statements: str) -> None:
    """Change rows as no operation would."""
    rows.alter(console.data, *statements)


def differences(console: Console, *options: str) -> list[str]:
    """What verify names; its exit code must agree."""
    done = console("verify", "--json", *options)
    found = done.json["differences"]
    assert isinstance(found, list)
    assert (done.code, done.json["ok"]) == ((1, False) if found else (0, True))
    assert done.err == ""
    return found
