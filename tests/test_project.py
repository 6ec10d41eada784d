"""The promises of the repository itself: its lock, its commands, what it may not contain."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.programs import require_fuse, require_program

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters

ROOT = Path(__file__).parent.parent

# The brackets keep this file from finding itself.
PRIVATE_ADDRESSES = re.compile(
    r"""
      py[p]i\.(org|python)  |  pythonhosted[.]org      # Python
    | npm[j]s\.(org|com)    |  yarnpkg[.]com           # JavaScript
    | (deb|ftp[\w.]*|security|snapshot|mirrors?)\.debian[.]org
    | (archive|security|ports)\.ubuntu[.]com
    | (index|find)-(url|links)[\s=]  |  artifactory[.]
    | (?<!\w)/(opt/py[p]i|root|work)/                  # folders of one machine
    """,
    re.VERBOSE | re.IGNORECASE,
)


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", ROOT / "run", *args], capture_output=True, text=True, check=False, timeout=30
    )


def files_of_the_repository() -> list[Path]:
    """What is committed, and what the next commit may take."""
    # The folder may belong to somebody else, as in a container; it is only listed.
    git = [require_program("git"), "-c", "safe.directory=*"]
    listing = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("this is a copy without its git repository")
    return [
        path
        for name in listing.stdout.split("\0")
        if (path := ROOT / name).is_file() or path.is_symlink()
    ]


def test_no_file_of_the_repository_leads_elsewhere() -> None:
    assert [path for path in files_of_the_repository() if path.is_symlink()] == []


def test_uv_is_held_to_the_very_versions_of_the_lock(project: dict[str, Any]) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    # A pin is a line that is neither a hash nor a comment; both of those are indented.
    pins = [line.removesuffix("\\").rstrip() for line in lock.splitlines() if line[:1].isalnum()]

    assert pins
    assert project["tool"]["uv"]["constraint-dependencies"] == pins
    # What is published as source only is built by the same setuptools too.
    builders = [pin for pin in pins if pin.startswith("setuptools==")]
    assert project["tool"]["uv"]["build-constraint-dependencies"] == builders


def test_every_version_of_the_lock_is_exact_and_hashed() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")

    for entry in re.split(r"\n(?=\w)", lock):
        assert re.match(r"[\w-]+==\S+ ", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_pip_and_uv_read_the_same_development_packages(project: dict[str, Any]) -> None:
    assert project["project"]["optional-dependencies"]["dev"] == project["dependency-groups"]["dev"]


def test_the_lock_holds_the_package_that_builds_the_project(project: dict[str, Any]) -> None:
    assert set(project["build-system"]["requires"]) <= set(project["dependency-groups"]["dev"])


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group().strip()}"
        for path in files_of_the_repository()
        if (match := PRIVATE_ADDRESSES.search(path.read_bytes().decode("latin-1")))
    ]

    assert found == []


def test_no_python_file_of_the_server_passes_400_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "davserver").rglob("*.py")
        if path.parent.name != "versions"  # a migration is as long as the schema it describes
    }

    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_the_run_script_is_plain_shell() -> None:
    # dash, where there is one, knows nothing beyond POSIX.
    shell = shutil.which("dash") or require_program("sh")

    subprocess.run([shell, "-n", ROOT / "run"], check=True)


def test_help_names_every_command_of_the_run_script() -> None:
    script = (ROOT / "run").read_text(encoding="utf-8")
    commands = re.findall(r"^([a-z]+)\)$", script, re.MULTILINE)

    answer = run("help")

    assert answer.returncode == 0
    assert set(commands) >= {"demo", "test", "check", "litmus", "lock"}
    for command in commands:
        assert re.search(rf"^  {command}\b", answer.stdout, re.MULTILINE), command


@pytest.mark.parametrize("args", [(), ("chekc",)])
def test_an_unknown_command_is_answered_by_the_usage(args: tuple[str, ...]) -> None:
    answer = run(*args)

    assert answer.returncode == 2
    assert answer.stderr.startswith("Usage:")


@pytest.mark.parametrize("script", ["run", ".ci/run"])
def test_the_scripts_may_be_executed(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def test_an_absent_program_skips_its_test_on_a_developers_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="no-such-client is not installed"):
        require_program("no-such-client")


def test_an_absent_program_fails_its_test_in_continuous_integration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="no-such-client is not installed"):
        require_program("no-such-client")


def test_only_root_may_mount_a_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(pytest.skip.Exception, match="needs root"):
        require_fuse()
