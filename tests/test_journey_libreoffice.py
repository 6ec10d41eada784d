"""LibreOffice Writer opens and saves on the server itself, without any drive: LOCK, PUT, UNLOCK."""

import json
import os
import subprocess
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import pytest

from davserver.demo.history import SAULE
from tests.clients import DOSSIER, EXPERT, await_names, box, deposits, requests, run, sha256
from tests.conftest import Start
from tests.desktops import place
from tests.programs import require_program
from tests.serving import PASSWORD, Server

LAWYER, OTHER = "cabinet.saule-exemple", "cabinet.ortie-lambda"
BOX = box(SAULE)
NOTES = (DOSSIER, "03 Notes aux parties et comptes rendus")
DIRE = "Dire n°5 – Me SAULE & associés #2 (50 %).odt"
TEXT = "Monsieur l’expert, la réception n’a pas été prononcée."


def python_with_uno(home: Path) -> str:
    """A Python that can import LibreOffice's bridge: the system's, as a rule not the tests' own."""
    for folder in os.get_exec_path():
        program = Path(folder, "python3")
        if program.exists() and run(program, "-c", "import uno", home=home).code == 0:
            return str(program)
    return require_program("python3-uno")  # the package by which it comes


class Writer:
    """One person at LibreOffice Writer; each deed is an office started and ended."""

    def __init__(self, server: Server, login: str, home: Path) -> None:
        self._server = server
        self._login = login
        self._home = home
        self._office = require_program("soffice")
        self._python = python_with_uno(home)

    def __call__(self, *, store: bool = False, **deed: str) -> SimpleNamespace:
        """Do a deed as tests/writer.py defines it; the outcome."""
        pipe = f"davserver-{os.getpid()}"
        office = subprocess.Popen(
            [
                *(self._office, "--headless", "--norestore", "--nologo", "--nodefault"),
                *(f"-env:UserInstallation={(self._home / 'profile').as_uri()}",),
                f"--accept=pipe,name={pipe};urp",
            ],
            env={"PATH": os.environ["PATH"], "HOME": str(self._home), "LC_ALL": "C.UTF-8"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            given = {"pipe": pipe, "login": self._login, "password": PASSWORD, "store": store}
            script = Path(__file__).parent / "writer.py"
            done = run(self._python, script, json.dumps({**given, **deed}), home=self._home)
            assert done.code == 0, done.errors
            assert office.wait(timeout=30) == 0
        finally:
            office.kill()
            office.wait()
        return SimpleNamespace(**json.loads(done.output))

    def url(self, *names: str) -> str:
        """The address of a document, as LibreOffice's remote files have it."""
        return place("vnd.sun.star.webdav", self._server, *names)


def text(document: bytes) -> str:
    """The XML of a Writer document; fails unless the file is whole."""
    with ZipFile(BytesIO(document)) as archive:
        assert archive.testzip() is None
        assert archive.read("mimetype") == b"application/vnd.oasis.opendocument.text"
        return archive.read("content.xml").decode()


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    # Without the grace after sealing, in which a lock that protects nothing is granted.
    return start({"DAVSERVER_DEPOSIT__COURTESY_LOCK": "0"})


@pytest.fixture(scope="module")
def lawyer(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Writer:
    return Writer(server, LAWYER, tmp_path_factory.mktemp("lawyer"))


@pytest.fixture(scope="module")
def dire(server: Server, lawyer: Writer) -> bytes:
    """A document that the lawyer wrote and saved into his box, and that is sealed."""
    outcome = lawyer(typed=TEXT, saved=lawyer.url(*BOX, DIRE))
    assert outcome.error == ""
    await_names(server.dav(OTHER), BOX, [DIRE])
    return server.dav(OTHER).get((*BOX, DIRE)).body


def test_a_new_document_saved_into_the_box_is_one_deposit(server: Server, dire: bytes) -> None:
    assert TEXT in text(dire)
    assert deposits(server, LAWYER)[DIRE]["sha256"] == sha256(dire)
    for method, statuses in {"LOCK": [201], "PUT": [204], "UNLOCK": [204]}.items():
        seen = [line for line in requests(server, LAWYER, method) if "LibreOffice" in line["agent"]]
        assert [line["status"] for line in seen][: len(statuses)] == statuses


def test_a_sealed_document_opens_read_only(server: Server, lawyer: Writer, dire: bytes) -> None:
    outcome = lawyer(opened=lawyer.url(*BOX, DIRE))
    assert outcome.error == ""
    assert outcome.text == TEXT
    assert outcome.said_locked
    assert outcome.readonly


def test_a_sealed_document_is_not_saved_in_place(
    server: Server, lawyer: Writer, dire: bytes
) -> None:
    outcome = lawyer(opened=lawyer.url(*BOX, DIRE), typed=" Ajout.", store=True)
    assert outcome.text == TEXT
    assert outcome.error
    assert server.dav(OTHER).get((*BOX, DIRE)).body == dire


def test_a_sealed_document_is_not_replaced_by_another(
    server: Server, lawyer: Writer, dire: bytes
) -> None:
    outcome = lawyer(typed="Un autre dire.", saved=lawyer.url(*BOX, DIRE))
    assert outcome.error
    assert server.dav(OTHER).get((*BOX, DIRE)).body == dire
    assert deposits(server, LAWYER)[DIRE]["sha256"] == sha256(dire)


def test_a_sealed_document_is_saved_under_another_name_as_a_second_deposit(
    server: Server, lawyer: Writer, dire: bytes
) -> None:
    name = "Dire n°6.odt"
    outcome = lawyer(opened=lawyer.url(*BOX, DIRE), typed=" Suite.", saved=lawyer.url(*BOX, name))
    assert outcome.error == ""
    await_names(server.dav(OTHER), BOX, [name])
    assert f"{TEXT} Suite." in text(server.dav(OTHER).get((*BOX, name)).body)
    assert server.dav(OTHER).get((*BOX, DIRE)).body == dire


@pytest.mark.parametrize("name", ["Note n4.odt", "Note aux parties n°4 – Projet.odt"])
def test_the_expert_saves_again_in_his_own_folder(
    server: Server, tmp_path: Path, name: str
) -> None:
    expert = Writer(server, EXPERT, tmp_path)
    assert expert(typed="Première version.", saved=expert.url(*NOTES, name)).error == ""
    first = server.dav(OTHER).get((*NOTES, name)).body
    assert "Première version." in text(first)
    outcome = expert(opened=expert.url(*NOTES, name), typed=" Complétée.", store=True)
    assert (outcome.error, outcome.text) == ("", "Première version.")
    assert not outcome.readonly
    second = server.dav(OTHER).get((*NOTES, name)).body
    assert "Première version. Complétée." in text(second)
    assert "opaquelocktoken" not in server.dav(EXPERT).propfind((*NOTES, name), "0").body.decode()
