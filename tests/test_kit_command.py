"""``davserver kit``: the same files, printed or written, or one line of what cannot be."""

import os
from pathlib import Path

import pytest

from davserver.kit import SYSTEMS
from tests.console import Console, copied, run
from tests.drive_kit import LOGIN, SITE, text_of


@pytest.fixture(scope="module")
def console(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Console:
    return copied(seeded, tmp_path_factory.mktemp("console"))


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_command_prints_or_writes_the_same(
    console: Console, system: str, tmp_path: Path
) -> None:
    file = tmp_path / SYSTEMS[system].name
    given = ("kit", system, "--user", LOGIN, "--address", SITE)

    printed = console(*given)
    kept = console(*given, "--output", str(file))

    assert (printed.code, printed.err, kept.code, kept.out) == (0, "", 0, "")
    assert file.read_bytes() == printed.out.encode() == text_of(system).encode()
    assert os.access(file, os.X_OK) is (system != "davmount")


def test_the_command_takes_the_address_of_the_settings(console: Console, tmp_path: Path) -> None:
    config = tmp_path / "site.toml"
    config.write_text('[server]\naddress = "https://reglages.example"\n')

    done = console("kit", "davmount", "--user", LOGIN, "--config", str(config))

    assert "<dm:url>https://reglages.example/dav/</dm:url>" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("linux", "--user", LOGIN), "--address"),
        (("beos", "--user", LOGIN, "--address", SITE), "windows, macos, linux, rclone, davmount"),
        (("linux", "--user", "a\nb", "--address", SITE), "identifiant"),
        (("windows", "--user", 'a"b', "--address", SITE), "Windows"),
        (("linux", "--user", LOGIN, "--address", "http://a.example"), "https"),
        (("linux", "--user", LOGIN, "--address", "https://$(id)"), "adresse"),
    ],
)
def test_the_command_says_in_one_line_what_it_cannot_do(
    arguments: tuple[str, ...], words: str
) -> None:
    done = run("kit", *arguments)

    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert done.err.count("\n") == 1


def test_no_kit_is_made_for_who_cannot_log_in(console: Console, tmp_path: Path) -> None:
    kept = tmp_path / "linux.sh"
    given = ("--address", SITE, "--output", str(kept))

    assert "nobody" in console.refused("kit", "linux", "--user", "nobody", *given)
    console.well("user", "disable", LOGIN)
    assert "désactivé" in console.refused("kit", "linux", "--user", LOGIN, *given)
    console.well("user", "enable", LOGIN)
    assert not kept.exists()
