"""The drive kit as it is written: no login and no address makes a file do anything else."""

import re
from pathlib import Path

import pytest
from lxml import etree

from davserver.kit import BadDrive, Drive
from davserver.kit.quoting import batch, shell
from tests.clients import run as run_program
from tests.drive_kit import HOSTILE, LOGIN, SITE, text_of
from tests.programs import require_program

SCRIPTS = ("macos", "linux", "rclone")
IMPOSSIBLE = (
    "",
    " a",
    "a\n",
    "a\r\nb",
    "a\0b",
    "a\tb",
    "a:b",
    "a\\b",
    "a,b",
    "a" * 121,
    "a\u2028b",
)
ADDRESSES = (
    "", "dossiers.example", "ftp://dossiers.example", "javascript:alert(1)", "https://",
    "https://a@dossiers.example", "https://dossiers.example/autre/", "https://dossiers.example/?a",
    "https://dossiers.example/#a", "https://dossiers.example?", 'https://a".example',
    "https://a'.example", "https://a&calc.example", "https://a$b.example", "https://a`b.example",
    "https://a%41.example", "https://a!b.example", "https://a b.example", "https://a\nb.example",
    "https://dossiers.example:0", "https://dossiers.example:99999", "https://dossiers.example:",
    "https://[::1", "https://[1::2::3]", "https://étude.example", "https://-a.example",
    "http://dossiers.example", "http://127.0.0.1.example",
)  # fmt: skip


@pytest.mark.parametrize("login", HOSTILE)
def test_a_shell_takes_a_hostile_login_for_one_word(login: str, tmp_path: Path) -> None:
    for name in ("sh", "bash"):
        command = f"set -- {shell(login)}; printf '%s|%s' $# \"$1\""
        done = run_program(require_program(name), "-c", command, home=tmp_path)

        assert (done.output, done.errors) == (f"1|{login}", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("system", SCRIPTS)
@pytest.mark.parametrize("login", [LOGIN, *HOSTILE])
def test_a_script_begins_by_holding_the_login_as_it_is(
    system: str, login: str, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text(text_of(system, login=login))
    for name in ("sh", "bash"):
        assert run_program(require_program(name), "-n", script, home=tmp_path).code == 0
    # The values, read by a real shell; what follows them is run by other tests.
    values = "".join(re.findall(r"^(?:adresse|identifiant)=.*\n", script.read_text(), re.M))

    command = values + 'printf \'%s\\n\' "$adresse" "$identifiant"'
    done = run_program(require_program("sh"), "-c", command, home=tmp_path)

    assert done.output == f"{SITE}/dav/\n{login}\n"
    assert list(tmp_path.iterdir()) == [script]


@pytest.mark.parametrize("login", [text for text in HOSTILE if text.isascii() and '"' not in text])
def test_a_windows_file_holds_the_login_between_quotes(login: str) -> None:
    text = text_of("windows", login=login)

    held = login.replace("%", "%%")
    assert f'\r\nset "IDENTIFIANT={held}"\r\n' in text
    # Elsewhere it is only read, between quotes and without delayed expansion.
    assert "\r\nsetlocal DisableDelayedExpansion\r\n" in text
    assert text.count("%IDENTIFIANT%") == text.count('"%IDENTIFIANT%"') == 2
    assert text.count("%ADRESSE%") == text.count('"%ADRESSE%"') == 2


@pytest.mark.parametrize("login", ['a"b', '" & calc & "', "cabinet.kalvé"])
def test_a_windows_file_is_refused_where_nothing_can_be_quoted(login: str) -> None:
    with pytest.raises(BadDrive, match="ne peut pas être écrit"):
        batch(login)
    with pytest.raises(BadDrive, match="ne peut pas être écrit"):
        text_of("windows", login=login)


def test_a_windows_file_is_plain_ascii_with_the_line_ends_of_windows() -> None:
    text = text_of("windows")

    assert text.isascii()
    assert text.count("\n") == text.count("\r\n")


def test_a_windows_file_sets_what_windows_needs() -> None:
    text = text_of("windows")

    for wanted in (
        f'set "ADRESSE={SITE}/dav"\r\n',
        "/v FileSizeLimitInBytes /t REG_DWORD /d 4294967295 /f",
        "/v FileAttributesLimitInBytes /t REG_DWORD /d 10000000 /f",
        "config WebClient start= auto",
        "start WebClient",
        "-Verb RunAs",
        'use %LETTRE%: "%ADRESSE%" * /user:"%IDENTIFIANT%" /persistent:yes',
    ):
        assert wanted in text, wanted
    assert f"0x{4294967295:x}" in text
    assert f"0x{10000000:x}" in text
    # Nothing of the folder of downloads is run in the place of a program of Windows.
    programs = re.findall(r'"([^"]*\.exe)"', text)
    assert programs
    assert [name for name in programs if not name.startswith("%SYSTEME%\\")] == []
    labels = set(re.findall(r"^:(\w+)", text, re.M))
    assert set(re.findall(r"(?:goto |call :)(\w+)", text)) == labels


def test_an_apple_script_receives_the_login_as_an_argument_only() -> None:
    hostile = '"; do shell script "id'
    text = text_of("macos", login=hostile)

    assert text.count(hostile) == text.count(f"identifiant={shell(hostile)}\n") == 1
    assert 'osascript - "$adresse" "$identifiant" <<\'FIN\'' in text
    assert "mount volume adresse as user name identifiant" in text
    assert "com.apple.desktopservices DSDontWriteNetworkStores -bool true" in text


@pytest.mark.parametrize("login", [LOGIN, *HOSTILE])
def test_a_davmount_file_is_what_rfc_4709_says(login: str) -> None:
    root = etree.fromstring(text_of("davmount", login=login).encode())

    dm = "{http://purl.org/NET/webdav/mount}"
    assert root.tag == f"{dm}mount"
    assert [(child.tag, child.text) for child in root] == [
        (f"{dm}url", f"{SITE}/dav/"),
        (f"{dm}username", login),
    ]


@pytest.mark.parametrize("login", IMPOSSIBLE)
def test_a_login_that_cannot_log_in_is_refused(login: str) -> None:
    with pytest.raises(BadDrive, match="ne peut pas être un identifiant"):
        Drive.of(SITE, login)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_cannot_be_this_servers_is_refused(address: str) -> None:
    with pytest.raises(BadDrive) as refused:
        Drive.of(address, LOGIN)

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://Dossiers.Example", "https://dossiers.example/dav/"),
        ("https://dossiers.example:8443/", "https://dossiers.example:8443/dav/"),
        (" https://dossiers.example/dav/ ", "https://dossiers.example/dav/"),
        ("https://[2001:db8::1]/dav", "https://[2001:db8::1]/dav/"),
        ("http://localhost:8080", "http://localhost:8080/dav/"),
        ("http://127.0.0.1:8080/dav/", "http://127.0.0.1:8080/dav/"),
        ("http://[::1]:8080", "http://[::1]:8080/dav/"),
    ],
)
def test_an_address_is_taken_with_or_without_the_drive(address: str, url: str) -> None:
    assert Drive.of(address, LOGIN).url == url
