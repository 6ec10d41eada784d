"""The shape of the house: imports point one way, from the doors to the stores."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters

PACKAGE = Path(__file__).parent.parent / "davserver"

# From the doors inwards: a room imports from its own line and those below.
LEVELS = (
    {"__main__", "commands"},
    {"demo", "app"},
    {"providers", "worker", "verify", "backup"},
    {"dossiers", "site"},
    {"tree"},
    {"alerts", "kit", "inspection"},
    {"work", "accounts"},
    {"policy", "journal", "storage"},
    {"model"},
    {
        "settings",
        "names",
        "errors",
        "logs",
        "clients",
        "clock",
        "dates",
        "server",
        "data_folder",
        "durable",
    },
)


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "davserver":
                found |= {f"davserver.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def _files() -> dict[Path, str]:
    return {
        file: (file.relative_to(PACKAGE).parts[0]).removesuffix(".py")
        for file in PACKAGE.rglob("*.py")
    }


def test_every_room_has_its_level() -> None:
    known = set().union(*LEVELS) | {"__init__"}

    assert set(_files().values()) - known == set()


def test_imports_point_from_the_doors_to_the_stores() -> None:
    level = {room: depth for depth, rooms in enumerate(LEVELS) for room in rooms}
    upward = [
        f"{file.relative_to(PACKAGE)} -> {module}"
        for file, room in _files().items()
        for module in _imports(file)
        if module.startswith("davserver.")
        and level.get(_room(module), 99) < level.get(room, -1)
        and room != _room(module)
    ]

    assert upward == []


def test_each_library_is_used_in_its_own_rooms() -> None:
    allowed = {
        "wsgidav": {"providers", "app"},
        "obstore": {"storage"},
        "cheroot": {"server"},
        "lxml": {"providers"},
        "passlib": {"accounts"},
        "smtplib": {"alerts"},
        "typer": {"commands"},
        "fpdf": {"demo"},
        "PIL": {"demo"},
    }
    strays = [
        f"{file.relative_to(PACKAGE)} -> {module}"
        for file, room in _files().items()
        for module in _imports(file)
        if module.split(".")[0] in allowed and room not in allowed[module.split(".")[0]]
    ]

    assert strays == []


def test_policies_do_no_input_or_output() -> None:
    io = {"sqlalchemy", "os", "socket", "urllib", "http", "subprocess", "pathlib"}
    strays = [
        f"{file.name} -> {module}"
        for file in (PACKAGE / "policy").glob("*.py")
        for module in _imports(file)
        if module.split(".")[0] in io
    ]

    assert strays == []
