"""The documentation says what is: its links lead somewhere, its commands run."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests import processes
from tests.programs import require_program
from tests.serving import PASSWORD, Server

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters

ROOT = Path(__file__).parent.parent
UNITS = sorted((ROOT / "config").glob("*.service"))
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def _commands() -> list[str]:
    """Every davserver command line in the pages, placeholders included."""
    found = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = re.findall(r"^    (?:sudo -u davserver )?(davserver .+)$", text, re.MULTILINE)
        lines += re.findall(r"`(?:sudo -u davserver )?(davserver [a-z][^`]*)`", text)
        found |= {re.split(r"\s{2,}|\s#", line)[0] for line in lines}
    return sorted(found)


def _started(unit: Path) -> str:
    """The command line that a unit of systemd runs."""
    (line,) = re.findall(r"^ExecStart=(.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    return str(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))

    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("command", [*_commands(), *map(_started, UNITS)])
def test_every_command_of_the_pages_exists_with_its_options(command: str) -> None:
    words = shlex.split(command)[1:]
    names = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)][:2]
    helps = [processes.run([*names[:count], "--help"], os.environ) for count in (2, 1)]
    done = next((one for one in helps if one.returncode == 0), helps[-1])

    assert done.returncode == 0, done.stderr
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    assert [option for option in options if option not in done.stdout] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_the_installed_program_as_its_account_with_its_settings(unit: Path) -> None:
    operation = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
    program = _started(unit).split()[0]

    assert "User=davserver\n" in unit.read_text(encoding="utf-8")
    assert _started(unit).endswith(" --config /etc/davserver.toml")
    assert f" {program}\n" in operation, "where the page installs it"
    assert f"config/{unit.name}" in operation or f"`{unit.suffix}`" in operation


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_a_unit(unit: Path, tmp_path: Path) -> None:
    copy, text = tmp_path / unit.name, unit.read_text(encoding="utf-8")
    # It looks whether the program is there.
    copy.write_text(text.replace("ExecStart=/usr/local/bin/davserver", "ExecStart=/bin/true"))

    done = subprocess.run(
        [require_program("systemd-analyze"), "verify", "--man=no", copy],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


def test_the_commands_of_the_operation_page_run(demo: Server, tmp_path: Path) -> None:
    lawyer = "cabinet.brumaire-kalve"
    box = (
        "/2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle/04 Boîtes aux lettres/"
        "Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)/neuf.pdf"
    )
    for command in (
        ("verify",),
        ("rights", "explain", lawyer, "PUT", box),
        ("alerts", "queue", "--json"),
        ("deposits", "list", "--json"),
        ("journal", "list"),
        ("user", "disable", lawyer),
        ("user", "enable", lawyer),
    ):
        done = demo.run(*command)
        assert done.returncode == 0, (command, done.stderr)
    assert demo.dav(lawyer).propfind(()).status == 207


def test_the_reading_of_the_demo_matches_the_readme(demo: Server) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert "./run demo" in readme
    assert "http://127.0.0.1:8080/dav/" in readme
    assert f"Mot de passe de tous les comptes : {PASSWORD}" in demo.log()
    assert f"{demo.url}/dav/" in demo.log()


def test_what_the_conformance_page_says_is_shown_by_tests_that_exist() -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "compliance.md").read_text("utf-8"))
    known = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.MULTILINE)
    }

    assert len(named) > 30
    assert sorted(set(named) - known) == []
