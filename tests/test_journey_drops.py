"""A folder of two hundred mixed files, dropped at once by each of the programs that people use."""

from collections.abc import Callable
from pathlib import Path

import pytest
from webdav4.client import Client

from davserver.demo.history import BRUMAIRE, FACTICE, ORTIE, QUARTZ, SAULE, ULYSSE
from tests import drives
from tests.arrivals import ONE_MAIL, assert_arrived_once
from tests.clients import Rclone, box, cadaver, quoted, remote, run
from tests.conftest import Start
from tests.dav import Names, address
from tests.mixed import mixed_folder
from tests.npm import Npm, place
from tests.programs import require_program
from tests.serving import PASSWORD, Server

FOLDER = "Pièces 1 à 200"
Drop = Callable[[Server, str, Path, Names], None]


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    return start(ONE_MAIL)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """The folder on the disk, with litter between its files, and the files that are no litter."""
    folder = tmp_path_factory.mktemp("disk") / FOLDER
    return folder, mixed_folder(folder)


def by_rclone(server: Server, login: str, source: Path, target: Names) -> None:
    done = Rclone(server, login, source.parent)("copy", source, remote(*target))
    assert done.code == 0, done.errors


def by_davfs2(server: Server, login: str, source: Path, target: Names) -> None:
    with drives.davfs2(server, login, source.parent) as point:
        done = run("cp", "-r", source, point.joinpath(*target), home=source.parent, timeout=240)
        assert done.code == 0, done.errors


def by_npm(server: Server, login: str, source: Path, target: Names) -> None:
    (sent,) = Npm(server, login, source.parent)(("putFolder", str(source), place(*target)))
    assert set(sent) == {True}, sent


def by_webdav4(server: Server, login: str, source: Path, target: Names) -> None:
    client = Client(server.url, auth=(login, PASSWORD))
    with client.http:
        client.mkdir(address(*target))
        for file in source.iterdir():
            client.upload_file(file, address(*target, file.name))


def by_curl(server: Server, login: str, source: Path, target: Names) -> None:
    """One process; its connections are used again and again."""
    assert server.dav(login).mkcol(target).status == 201

    def words(file: Path) -> str:
        local = str(file).replace("\\", "\\\\").replace('"', '\\"')
        return f'upload-file = "{local}"\nurl = "{server.url}{address(*target, file.name)}"\n'

    script = "".join(map(words, source.iterdir()))
    done = run(
        *(require_program("curl"), "--user", f"{login}:{PASSWORD}", "--parallel", "--globoff"),
        *("--silent", "--show-error", "--write-out", "%{http_code}\n", "--config", "-"),
        home=source.parent,
        stdin=script.encode(),
    )
    assert set(done.output.split()) == {"201"}, done.errors


def by_cadaver(server: Server, login: str, source: Path, target: Names) -> None:
    place, name = target[:-1], target[-1]
    commands = [f"mkcol {quoted(name)}", f"cd {quoted(name)}", f"lcd {quoted(str(source))}"]
    said = cadaver(server, login, place, source.parent, *commands, "mput *")
    visible = [file for file in source.iterdir() if not file.name.startswith(".")]
    assert said[-1].count("succeeded.") == len(visible)


@pytest.mark.parametrize(
    ("drop", "login", "name"),
    [
        pytest.param(by_rclone, "cabinet.brumaire-kalve", BRUMAIRE, id="rclone"),
        pytest.param(by_davfs2, "cabinet.ortie-lambda", ORTIE, id="davfs2"),
        pytest.param(by_npm, "cabinet.factice-dumodele", FACTICE, id="webdav of npm"),
        pytest.param(by_webdav4, "cabinet.saule-exemple", SAULE, id="webdav4 of Python"),
        pytest.param(by_curl, "cabinet.quartz-placebo", QUARTZ, id="curl"),
        pytest.param(by_cadaver, "ulysse.personne-lambda", ULYSSE, id="cadaver"),
    ],
)
@pytest.mark.timeout(300)  # seconds: two hundred files one after another, on a busy machine
def test_each_file_of_a_dropped_folder_arrives_once(
    server: Server, source: tuple[Path, dict[str, bytes]], drop: Drop, login: str, name: str
) -> None:
    folder, pieces = source
    target = (*box(name), f"{FOLDER} - {drop.__name__}")
    drop(server, login, folder, target)
    assert_arrived_once(server, login, target, pieces, reader="theo.gabarit")
