"""Policies by third parties: installed, activated by the settings, refused when they do not fit."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from davserver.model import DossierKind, DossierState, NodeKind, NodeRole, NodeState, Role
from davserver.policy import Act, Action, Actor, DossierFacts, Entry, Policy, Rights
from davserver.settings import Settings
from tests import backends
from tests.installed import package
from tests.ports import free_port
from tests.serving import Server, wait_for

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tests" / "plugins" / "davserver-embargo"
DOSSIER = "2024-02 Époux NULLEPART contre Toitures du Néant"
REPORT = (DOSSIER, "09 Pré-rapport", "Pré-rapport.pdf")
EXPERT, LAWYER = "apolline.testard", "cabinet.de-la-maquette-otest"
BOX = (DOSSIER, "04 Boîtes aux lettres", "Cabinet DE LA MAQUETTE-O'TEST (Époux NULLEPART)")
PIECE = (*BOX, "Dire n°1 - Époux NULLEPART.pdf")


def documented(language: str) -> list[str]:
    """The code blocks of the manual."""
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


SETTINGS = documented("toml")[1]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which pip has installed the example package."""
    folder = tmp_path_factory.mktemp("plugin")
    source, target = folder / "source", folder / "installed"
    shutil.copytree(PACKAGE, source)  # setuptools writes beside what it builds
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([*pip, *options, str(source)], check=True, capture_output=True, timeout=120)
    return target


Serve = Callable[..., Server]


@pytest.fixture
def site(seeded: Path, tmp_path: Path) -> Path:
    """A fresh copy of the demo site."""
    backends.copy_site(seeded, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def serve(site: Path, installed: Path, tmp_path: Path) -> Iterator[Serve]:
    """Serves the site with these settings, the example package and others installed."""
    servers: list[Server] = []

    def started(settings: str, *others: Path) -> Server:
        (tmp_path / "davserver.toml").write_text(settings, encoding="utf-8")
        server = Server(
            site,
            command=("serve", "--config", str(tmp_path / "davserver.toml")),
            environment={"PYTHONPATH": ":".join(str(path) for path in (installed, *others))},
        )
        servers.append(server)
        return server.start()

    yield started
    for server in servers:
        assert server.stop() == 0, server.log()[-2000:]
        server.verify()


def test_an_installed_policy_that_the_settings_do_not_name_is_inactive(serve: Serve) -> None:
    server = serve("")

    assert server.dav(LAWYER).get(REPORT).status == 200
    assert server.dav(EXPERT).get(REPORT).status == 200


def test_a_named_policy_holds_for_all_but_the_expert(serve: Serve) -> None:
    server = serve(SETTINGS)
    lawyer = server.dav(LAWYER)

    refused = lawyer.get(REPORT)
    copied = lawyer.copy(REPORT, (*BOX, "Copie.pdf"))

    assert (refused.status, refused.reason) == (403, "Sous embargo")
    assert refused.message == "Consultable à partir du 05/01/2099 à 09:00."
    assert (copied.status, copied.message) == (403, refused.message)
    assert REPORT[-1] in lawyer.names(REPORT[:-1])
    assert lawyer.get(PIECE).status == 200
    assert server.dav(EXPERT).get(REPORT).status == 200


def test_an_embargo_ends_at_its_hour(serve: Serve) -> None:
    server = serve(SETTINGS.replace("2099-", "2024-"))

    assert server.dav(LAWYER).get(REPORT).status == 200


def test_a_policy_that_inspects_rejects_the_deposit_and_tells_its_author(serve: Serve) -> None:
    server = serve(SETTINGS)
    lawyer = server.dav(LAWYER)

    assert lawyer.put((*BOX, "Constat.pdf"), b"MZ\x90\x00 un programme").status == 201
    assert lawyer.put((*BOX, "Plan.pdf"), b"%PDF-1.7 un plan").status == 201

    def settled() -> dict[str, Any]:
        found = {row["name"]: row for row in server.json("deposits", "list", "--dossier", DOSSIER)}
        states = (found["Constat.pdf"]["state"], found["Plan.pdf"]["state"])
        return found if states == ("rejected", "sealed") else {}

    deposits = wait_for(settled, what="the two deposits to be settled")
    assert deposits["Constat.pdf"]["reason"].startswith("« Constat.pdf » est un programme")
    assert lawyer.get((*BOX, "Constat.pdf")).status == 404
    assert "Plan.pdf" in server.dav(EXPERT).names(BOX)
    told = [mail for mail in server.json("alerts", "queue") if mail["kind"] == "dépôt rejeté"]
    assert [[to["email"] for to in mail["recipients"]] for mail in told] == [
        [f"{LAWYER}@de-la-maquette-otest.example"]
    ]


FAULTY = """
from davserver.policy import Act, Decision, Policy

class Misspelt(Policy):
    def juge(self, action):
        return Decision.deny("Jamais.")

class Raises(Policy):
    def __init__(self):
        raise RuntimeError("le service est absent")

class RaisesAtLength(Policy):
    def __init__(self):
        raise RuntimeError("le service\\nest absent")

class Idle(Policy):
    pass

class Stranger:
    def judge(self, action):
        return None

class RaisesWhenAsked(Policy):
    def judge(self, action):
        if action.act in (Act.FETCH, Act.ADD):
            raise RuntimeError("le service est absent")
"""
FAULTY_POINTS = {
    "misspelt": "faulty:Misspelt",
    "raises": "faulty:Raises",
    "raises-at-length": "faulty:RaisesAtLength",
    "idle": "faulty:Idle",
    "stranger": "faulty:Stranger",
    "unwritten": "faulty:Unwritten",
    "absent-module": "faulty_absent:Policy",
    "raises-when-asked": "faulty:RaisesWhenAsked",
}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('use = "embargo"\nundr = "/a"\nuntil = 2099-01-05T09:00:00+01:00', ["embargo", "undr"]),
        ('use = "embargo"\nunder = "/a"', ["embargo", "until"]),
        ('use = "embargo"\nunder = "/a"\nuntil = 2099-01-05T09:00:00', ["embargo", "+01:00"]),
        ('use = "embrago"', ["embrago", "non installée", "embargo, "]),
        ('under = "/a"', ["use"]),
        ('use = "misspelt"', ["misspelt", "juge", "inspect, judge"]),
        ('use = "raises"', ["raises", "le service est absent"]),
        ('use = "raises-at-length"', ["raises-at-length", "est absent"]),
        ('use = "idle"', ["idle", "ni judge ni inspect"]),
        ('use = "stranger"', ["stranger", "davserver.policy.Policy"]),
        ('use = "unwritten"', ["unwritten", "Unwritten"]),
        ('use = "absent-module"', ["absent-module", "faulty_absent"]),
    ],
)
def test_a_policy_that_does_not_fit_stops_the_start_with_one_line(
    site: Path, installed: Path, tmp_path: Path, settings: str, words: list[str]
) -> None:
    faulty = package(tmp_path, FAULTY, **FAULTY_POINTS)
    config = tmp_path / "davserver.toml"
    config.write_text(f"[[policy]]\n{settings}\n", encoding="utf-8")

    command = [sys.executable, "-m", "davserver", "serve", "--port", str(free_port())]
    done = subprocess.run(
        [*command, "--config", str(config), "--data", str(site)],
        env={"PYTHONPATH": f"{installed}:{faulty}", **backends.environment(site)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    lines = (done.stdout + done.stderr).strip().splitlines()
    assert done.returncode != 0
    assert len(lines) == 1, lines
    assert "Traceback" not in lines[0]
    for word in words:
        assert word in lines[0]


def test_a_policy_that_fails_when_asked_refuses_is_logged_and_the_server_lives(
    serve: Serve, tmp_path: Path
) -> None:
    faulty = package(tmp_path, FAULTY, **FAULTY_POINTS)
    server = serve('[[policy]]\nuse = "raises-when-asked"', faulty)
    lawyer = server.dav(LAWYER)

    for reply in (lawyer.get(PIECE), lawyer.put((*BOX, "Constat.pdf"), b"%PDF-1.7")):
        assert reply.status == 403
        assert reply.message == "Une règle n'a pas pu être vérifiée : par prudence, c'est refusé."
    assert "raises-when-asked" in server.log()
    assert "le service est absent" not in server.log()  # what an exception says may be a secret
    assert "Constat.pdf" not in lawyer.names(BOX)
    assert lawyer.propfind(PIECE, "0").status == 207


# ------------------------------------------------------------------------------- the manual


def test_the_policies_of_the_manual_are_those_of_the_example_package() -> None:
    module = PACKAGE / "davserver_embargo" / "__init__.py"

    assert documented("python")[0] == module.read_text(encoding="utf-8")


def test_the_entry_points_of_the_manual_are_those_of_the_example_package() -> None:
    written = tomllib.loads(documented("toml")[0])
    package = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))

    assert written["project"]["entry-points"] == package["project"]["entry-points"]


def test_the_settings_of_the_manual_are_settings() -> None:
    policies = Settings(**tomllib.loads(SETTINGS)).policy

    assert [policy.use for policy in policies] == ["embargo", "no-programs"]
    assert set(policies[0].options) == {"under", "until"}


def test_the_unit_test_of_the_manual_passes() -> None:
    module, example = documented("python")
    now = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
    folder, report = (
        Entry(number, name, kind, NodeRole.PLAIN, NodeState.PUBLISHED, 1, None, 0, None)
        for number, name, kind in (
            (1, "09 Pré-rapport", NodeKind.FOLDER),
            (2, "Pré-rapport.pdf", NodeKind.FILE),
        )
    )
    source = Entry(
        3, "2024-02", NodeKind.FOLDER, NodeRole.SOURCE, NodeState.PUBLISHED, None, None, 0, None
    )
    names: dict[str, Any] = {
        "Rights": Rights,
        "lawyer": Actor(1, LAWYER, "Cabinet", Role.LAWYER),
        "dossier": DossierFacts(
            1, "2024-02", DossierKind.EXPERTISE, DossierState.DIRES, None, 1, 0, 1, 0
        ),
        "chain": (source, folder),
        "report": report,
        "today": now,
        "tomorrow": now + timedelta(days=1),
    }

    exec(module + example, names)

    assert names["facts"].path == "/2024-02/09 Pré-rapport/Pré-rapport.pdf"


def test_the_manual_names_every_act_fact_and_moment() -> None:
    manual = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    facts = [name for name in Action.__slots__ if not name.startswith("_")]

    public = {name for name in vars(Policy) if not name.startswith("_")}
    assert public == {"judge", "inspect", "alike"}
    for name in [*(act.name for act in Act), *facts, *public]:
        assert re.search(rf"\b{name}\b", manual), name
