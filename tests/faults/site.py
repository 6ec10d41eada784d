"""A small site to be broken: three people, a dossier with two boxes, and what must stay true."""

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import func, select

from davserver import verify as verifying
from davserver.accounts import administration
from davserver.dossiers import create
from davserver.dossiers.plan import DossierPlan, RepresentationPlan
from davserver.model import (
    AlertRule,
    Blob,
    Deposit,
    DossierState,
    JournalLine,
    MessageLine,
)
from davserver.settings import Settings, load
from davserver.site import CONSOLE, Site, create_site
from davserver.storage import BlobStore
from davserver.storage.sweep import sweep
from davserver.work import Client
from tests import logins, processes
from tests.dav import Dav
from tests.faults import points
from tests.processes import STEPS, Process, kill
from tests.serving import PASSWORD, Server, wait_for

EXPERT, LAWYER, OTHER = "apolline.testard", "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
TITLE = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
_NAME = "Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)"
BOX = (TITLE, "04 Boîtes aux lettres", _NAME)
ARCHIVE = (TITLE, "05 Archives", _NAME, "Pièces")
SPACE = ("Espace de l'expert",)
_CLIENT = Client("console")
# Sealed as soon as the background work looks, and swept when a test wants it.
QUIET = {
    "DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "0.2",
    "DAVSERVER_DEPOSIT__QUIET_LOCKED": "0.2",
    "DAVSERVER_SERVER__WORKERS": "2",
    "DAVSERVER_SERVER__THREADS": "4",
}


def made(data: Path, settings: Settings | None = None) -> None:
    """Make the site in ``data``; everybody has the password of the tests."""
    settings = settings or load(None, data=data)
    create_site(settings)
    site = Site(settings)
    with site.writing(CONSOLE, _CLIENT) as work:
        for login in (EXPERT, LAWYER, OTHER):
            first, _, last = login.partition(".")
            administration.add_user(
                work, first_name=first, last_name=last, email=f"{login}@davserver.example",
                login=login, password=PASSWORD,
            )  # fmt: skip
    add_dossier(site, TITLE)
    logins.ease(site)
    site.close()


@cache
def _first() -> Path:
    """The data folder of a new site, made once in a process of the tests and copied then."""
    folder = Path(tempfile.mkdtemp(prefix="davserver-faults-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made(folder / "data")
    return folder / "data"


def copied(data: Path, rows: Path | None = None) -> None:
    """As :func:`made`, at once; not durable. ``rows``: a folder of its own for the database."""
    shutil.copytree(_first(), data)
    if rows is not None:
        for file in data.glob("davserver.sqlite*"):
            shutil.move(file, rows / file.name)


def parted(data: Path, rows: Path) -> Settings:
    """The settings of a site whose database lies in a folder of its own."""
    settings = load(None, data=data)
    storage = settings.storage.model_copy(
        update={"database": f"sqlite:///{rows / 'davserver.sqlite'}"}
    )
    return settings.model_copy(update={"storage": storage})


def add_dossier(site: Site, title: str) -> None:
    """One more dossier like the first; its expert is told of each deposit."""
    plan = DossierPlan(
        title=title,
        expert=EXPERT,
        state=DossierState.UNDER_WAY,
        representations=(
            RepresentationPlan(login=LAWYER, parties=("SDC",), box=_NAME),
            RepresentationPlan(login=OTHER, parties=("SCCV",), box="Cabinet ORTIE"),
        ),
    )
    with site.writing(CONSOLE, _CLIENT) as work:
        create.create(work, plan)
        assert work.session.scalar(select(func.count(AlertRule.id)))


class Breakable(Server):
    """A server of the site in ``folder``/data whose processes can be killed, at a step or now."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        log: Path | None = None,
    ) -> None:
        self.folder = folder
        self.environment = {**QUIET, STEPS: str(folder), **(environment or {})}
        super().__init__(folder / "data", environment=self.environment, log=log or folder / "log")

    def start(self) -> "Breakable":
        points.disarm(self.folder)
        self.launch()
        self.await_answer()
        return self

    def launch(self, *options: str) -> None:
        """Begin to start, and wait for nothing: it may die on the way."""
        place = ("--data", str(self.data), "--port", str(self.port))
        self._process = self._begun("serve", *place, *options)

    def await_answer(self) -> None:
        """Wait until it serves."""
        wait_for(self._answers, 60, "a server to break")

    def end(self) -> None:
        """End all that was started; a server that still runs is killed."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                kill(self._process.pid)
            self._process.wait(20)
            self._process = None

    def command(self, *arguments: str) -> int:
        """The exit code of a command that can be made to die, too."""
        return self._begun(*arguments, "--data", str(self.data)).wait(100)

    def stop(self) -> int:
        os.kill(self.process, signal.SIGTERM)
        return self._ended()

    def kill(self) -> None:
        """All its processes at once, as a power cut does."""
        with suppress(ProcessLookupError):
            kill(self.process)
        assert self._ended() == -signal.SIGKILL
        points.disarm(self.folder)

    def await_death(self) -> None:
        """Wait until a process has come to the armed step, and killed them all."""
        assert self._ended() == -signal.SIGKILL, self.log()[-3000:]

    def __enter__(self) -> "Breakable":
        return self.start()

    def __exit__(self, kind: object, *_: object) -> None:
        """Stop the server if it runs; rows, bytes, hashes and journal must agree."""
        try:
            if kind is None and self._process is not None:
                assert self.stop() == 0, self.log()[-3000:]
            assert kind is not None or self.command("verify") == 0, self.log()[-3000:]
        finally:
            self.end()

    def _ended(self) -> int:
        assert self._process is not None
        code = self._process.wait(100)
        self._process = None
        # The workers of a killed group end with it, but not at the same instant.
        wait_for(lambda: not self._listens(), 20, "the workers to end")
        return code

    def _begun(self, *arguments: str) -> Process:
        return processes.start(arguments, self._environment, self._log, self._log)

    def _answers(self) -> bool:
        with suppress(OSError, ValueError):
            return Dav(self.url).request("GET", "/healthz").status == 200
        return False


def sweep_now(site: Site) -> None:
    """Let all bytes go that no row names; nobody may be writing."""
    sweep(site.database, site.blobs, datetime.now(UTC) + timedelta(hours=1), timedelta(0))


def sound(data: Path, settings: Settings | None = None) -> None:
    """Fail unless rows, bytes, hashes and journal agree, no deposit was sealed, numbered or told
    twice, and the sweep leaves no byte that no row names."""
    site = Site(settings or load(None, data=data))
    try:
        assert verifying.verify(site).differences == []
        with site.reading(CONSOLE, _CLIENT) as work:
            ask = work.session.scalar
            deposits = ask(select(func.count(Deposit.id)).where(Deposit.sealed_at.is_not(None)))
            seals = ask(select(func.count(JournalLine.id)).where(JournalLine.act == "deposit.seal"))
            assert seals == deposits
            told = work.session.execute(
                select(MessageLine.node_id, MessageLine.number, func.count(MessageLine.id))
                .where(MessageLine.number.is_not(None))
                .group_by(MessageLine.node_id, MessageLine.number)
            ).all()
            assert [one for one in told if one[2] != 1] == []
        sweep_now(site)
        store: BlobStore = site.blobs
        assert list((data / "spool").iterdir()) == []
        with site.reading(CONSOLE, _CLIENT) as work:
            rows = set(work.session.scalars(select(Blob.key)))
        assert {key for key, _ in list(store.keys())} == rows
    finally:
        site.close()
