"""The documentation says what is: its links lead somewhere, its commands run."""

import os
import re
import shlex
from pathlib import Path

import pytest

from tests import processes
from tests.serving import PASSWORD, Server

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def _commands() -> list[str]:
    """Every davserver command line in the pages, placeholders included."""
    found = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = re.findall(r"^    (davserver .+)$", text, re.MULTILINE)
        lines += re.findall(r"`(davserver [a-z][^`]*)`", text)
        found |= {re.split(r"\s{2,}|\s#", line)[0] for line in lines}
    return sorted(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))

    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("command", _commands())
def test_every_command_of_the_pages_exists_with_its_options(command: str) -> None:
    words = shlex.split(command)[1:]
    names = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)][:2]
    helps = [processes.run([*names[:count], "--help"], os.environ) for count in (2, 1)]
    done = next((one for one in helps if one.returncode == 0), helps[-1])

    assert done.returncode == 0, done.stderr
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    assert [option for option in options if option not in done.stdout] == []


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
