"""The command line as a whole: its words, its options, and how it says that something is wrong."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from davserver.model import schema
from tests import backends, rows
from tests.console import Console, copied, run, sentence_of

COMMANDS = {
    "demo": (),
    "serve": (),
    "init": (),
    "kit": (),
    "verify": (),
    "backup": (),
    "restore": (),
    "user": (
        "add",
        "list",
        "show",
        "password",
        "totp",
        "disable",
        "enable",
        "remove",
        "move-to-public",
    ),
    "device": ("add", "list", "revoke"),
    "group": ("add", "list", "members", "join", "leave"),
    "dossier": ("create", "list", "show", "state", "export", "purge"),
    "rights": ("show", "grant", "revoke", "cut", "restore", "explain"),
    "alerts": ("rules", "add", "remove", "queue", "run-once"),
    "deposits": ("list", "held", "release", "reject"),
    "journal": ("list", "head", "verify"),
}
LINES = [(name, *sub) for name, subs in COMMANDS.items() for sub in [[one] for one in subs] or [[]]]
LISTINGS = [
    ("user", "list"), ("user", "show"), ("device", "add"), ("device", "list"),
    ("group", "list"), ("group", "members"),
    ("dossier", "create"), ("dossier", "list"), ("dossier", "show"), ("dossier", "state"),
    ("rights", "show"), ("rights", "explain"), ("alerts", "rules"), ("alerts", "queue"),
    ("deposits", "list"), ("journal", "list"), ("verify",),
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    console = Console(tmp_path_factory.mktemp("made") / "data")
    console.well("init", "--password", "secret")
    return console.data


@pytest.fixture
def empty(made: Path, tmp_path: Path) -> Console:
    """A new site with its administrator."""
    return copied(made, tmp_path)


def process(*arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The real command, as a process."""
    known = "--data" in arguments
    data = Path(str(arguments[arguments.index("--data") + 1])) if known else None
    return subprocess.run(
        [sys.executable, "-m", "davserver", *arguments],
        env={**os.environ, **(backends.environment(data) if data else {}), **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_every_command_is_there_and_takes_the_site(line: tuple[str, ...]) -> None:
    done = run(*line, "--help")

    assert done.code == 0
    assert "--data" in done.out
    assert "--config" in done.out or line == ("demo",)


def test_there_is_no_other_command() -> None:
    for name, subs in COMMANDS.items():
        if subs:
            listed = run(name, "--help").out.partition("Commands:\n")[2]
            assert set(re.findall(r"^  ([a-z-]+)", listed, re.MULTILINE)) == set(subs)
    listed = run("--help").out.partition("Commands:\n")[2]
    assert set(re.findall(r"^  ([a-z-]+)", listed, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("line", LISTINGS, ids=" ".join)
def test_what_lists_can_print_json(line: tuple[str, ...]) -> None:
    assert "--json" in run(*line, "--help").out


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", run("--version").out)


@pytest.mark.parametrize(
    "line", [("frob",), ("user", "frob"), ("user", "list", "--frob"), ("user", "show")]
)
def test_a_command_that_is_none_exits_with_2(line: tuple[str, ...]) -> None:
    done = run(*line)

    assert done.code == 2
    assert "Usage:" in done.err
    assert "Traceback" not in done.err


def test_the_console_script_and_the_module_are_the_same_program() -> None:
    script = Path(sys.executable).parent / "davserver"

    answer = subprocess.run([script, "--version"], capture_output=True, check=True, timeout=60)

    assert answer.stdout == process("--version").stdout


def test_a_new_site_prints_a_random_password_once(tmp_path: Path) -> None:
    console = Console(tmp_path / "data")

    first, second = console.well("init", "--login", "chef"), console.well("init")

    assert re.search(r"Administrator: chef, password: (\w{4}-){3}\w{4}$", first, re.MULTILINE)
    assert "up to date" in second
    assert "password" not in second
    assert [row["login"] for row in console.json("user", "list")] == ["chef"]


@pytest.mark.scaled
def test_a_further_machine_of_a_site_gets_its_data_folder_and_is_told_so(
    made: Path, tmp_path: Path
) -> None:
    there = tmp_path / "second"
    with backends.chosen(made):
        first = run("init", "--data", str(there))
        again = run("init", "--data", str(there))

    version = schema.latest()
    assert first.out == (
        f"This machine is one of the site now: data folder {there}, tables up to date "
        f"(version {version}).\n"
    )
    assert again.out == f"The site is there and up to date (version {version}).\n"


def test_a_password_can_come_from_standard_input(tmp_path: Path) -> None:
    console = Console(tmp_path / "data")

    printed = console.well("init", "--password", "-", typed="un secret\n")

    assert "secret" not in printed
    ((kept,),) = rows.ask(console.data, 'SELECT password_hash FROM "user"')
    from davserver.accounts.passwords import matches

    assert matches("un secret", kept)


def test_settings_come_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    config = tmp_path / "site.toml"
    config.write_text('[storage]\ndata = "ici"\n', encoding="utf-8")

    assert run("init", "--config", str(config), "--password", "x").code == 0
    there = process("user", "list", "--json", DAVSERVER_STORAGE__DATA=str(tmp_path / "ici"))

    assert (tmp_path / "ici" / "davserver.json").exists()
    assert [row["login"] for row in json.loads(there.stdout)] == ["admin"]


def test_json_keeps_letters_as_they_are_and_times_in_utc(empty: Console) -> None:
    empty.well("user", "add", "--first-name", "Zoé", "--last-name", "Été", "--email", "z@x.example")

    printed = empty.well("user", "list", "--json")

    assert "Zoé Été" in printed
    for row in json.loads(printed):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", row["created"])


def test_names_come_out_whole_where_the_terminal_is_said_to_know_ascii_only(
    empty: Console,
) -> None:
    empty.well("user", "add", "--first-name", "Zoé", "--last-name", "Été", "--email", "z@x.example")

    done = process("user", "list", "--json", "--data", str(empty.data), PYTHONIOENCODING="ascii")

    assert "Zoé Été" in done.stdout.decode()


def test_what_a_program_says_of_itself_cannot_steer_the_terminal(empty: Console) -> None:
    rows.alter(empty.data, "UPDATE journal SET act = 'x\x1b[2J\n[red]:bomb:'")

    line = empty.well("journal", "list").splitlines()[1]

    assert "x\ufffd[2J\ufffd[red]:bomb:" in line


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[serveur]\n", "clé « serveur » inconnue"),
        ("[server]\nprot = 1\n", "clé « server.prot » inconnue"),
        ("[server]\nport = 'x'\n", "server.port"),
        ("[server\n", "ce n'est pas du TOML valable"),
        ("[[policy]]\nuse = 'nulle part'\n", "policy « nulle part » : non installée"),
        ("[storage]\ndatabase = 'x'\n", "storage.database"),
        ("[storage]\ndatabase = 'nope://x'\n", "storage.database"),
        ("[storage]\ndatabase = 'mssql+pymssql://h/x'\n", "storage.database"),
    ],
)
@pytest.mark.parametrize("command", [("user", "list"), ("init",)], ids=" ".join)
def test_bad_settings_are_named(
    tmp_path: Path, empty: Console, command: tuple[str, ...], toml: str, said: str
) -> None:
    config = tmp_path / "site.toml"
    config.write_text(toml, encoding="utf-8")

    done = run(*command, "--config", str(config), "--data", str(empty.data))

    assert said in sentence_of(done)


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("toml", "key", "module"),
    [
        ("[storage]\ndatabase = 'postgresql+psycopg://h/x'\n", "storage.database", "psycopg"),
        ("[s3]\nbucket = 'x'\n", "s3.bucket", "obstore"),
    ],
)
def test_a_module_that_is_not_installed_is_named(
    empty: Console, monkeypatch: pytest.MonkeyPatch, toml: str, key: str, module: str
) -> None:
    config = empty.data.parent / "site.toml"
    config.write_text(toml, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "davserver.storage.objects", raising=False)
    monkeypatch.setitem(sys.modules, module, None)  # what is not installed cannot be imported

    said = empty.refused("user", "list", "--config", str(config))

    assert said.startswith(f"{key} : le module « {module} » n'est pas installé")
    assert "davserver[scale]" in said


def test_a_config_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "absent.toml" in sentence_of(
        run("user", "list", "--config", str(tmp_path / "absent.toml"))
    )


def test_a_misspelt_variable_stops_the_command(empty: Console) -> None:
    done = process("user", "list", "--data", str(empty.data), DAVSERVER_SERVEUR__PORT="1")

    assert done.returncode == 1
    assert done.stderr.decode() == "DAVSERVER_SERVEUR__PORT : section « serveur » inconnue.\n"


def test_a_folder_without_a_site_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        assert "pas de site ici" in sentence_of(run("user", "list", "--data", str(folder)))
    assert not (tmp_path / "absent").exists()


def test_the_folder_of_another_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")

    assert "n'est pas de davserver" in sentence_of(run("init", "--data", str(tmp_path)))
    assert [file.name for file in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "fichier").write_bytes(b"x")

    for command in (("init",), ("user", "list")):
        assert "fichier" in sentence_of(run(*command, "--data", str(tmp_path / "fichier")))


def test_data_of_a_newer_layout_are_refused(empty: Console) -> None:
    (empty.data / "davserver.json").write_text('{"program": "davserver", "layout": 2}')

    for command in (("init",), ("user", "list")):
        assert "version 2" in empty.refused(*command)


def test_tables_of_a_newer_program_are_refused_and_not_touched(empty: Console) -> None:
    rows.alter(empty.data, "UPDATE alembic_version SET version_num = '9999'")

    assert "9999" in empty.refused("user", "list")
    assert "plus récente" in empty.refused("init")
    assert rows.ask(empty.data, "SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.mark.embedded
def test_a_database_that_is_none_is_said_to_be_unusable(empty: Console) -> None:
    for file in empty.data.glob("davserver.sqlite*"):
        file.unlink()
    (empty.data / "davserver.sqlite").write_bytes(b"ceci n'est pas une base" * 100)

    for command in (("init",), ("user", "list"), ("verify",)):
        assert "base de données" in empty.refused(*command)


def test_an_argument_that_is_no_text_is_refused(empty: Console) -> None:
    done = process("user", "show", b"\xff\xfe", "--data", str(empty.data))

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == "Un argument n'est pas du texte UTF-8.\n"


def test_a_reader_who_stops_reading_is_no_failure(empty: Console) -> None:
    command = f'"{sys.executable}" -m davserver journal list --data "{empty.data}" | true'

    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=True)

    assert b"Traceback" not in done.stderr
