"""Sites of any size: the demonstration with more dossiers, people and pieces, made before serving.

Dossiers and people are made by the product's own acts, pieces by :mod:`bench.pieces`. Beside them
all sites hold the same, in the space of the first expert: what the workloads ask for.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from bench import files, people
from bench.peers import Absent
from bench.peers.davserver import READERS, Davserver
from bench.pieces import Pieces
from davserver.accounts.credentials import actor_of
from davserver.demo import seed
from davserver.dossiers import create
from davserver.dossiers.plan import DossierPlan, Person, RepresentationPlan
from davserver.model import DossierState
from davserver.settings import load
from davserver.site import CONSOLE, Site, create_site, open_site
from davserver.tree import folders, put
from davserver.tree.lookup import SPACE_NAME

FULL, EMPTY = "full", "empty"  # folders that are moved
_DEMONSTRATION = 3  # dossiers that are there already
_ACCOUNTS = 20  # and accounts, about
_LED = 13  # dossiers that one expert leads at once
_SEATS = 6  # mailboxes of a dossier
_TOGETHER = 100  # dossiers in one transaction


@dataclass(frozen=True)
class Scale:
    """How much a site holds."""

    pieces: int
    dossiers: int
    people: int

    @classmethod
    def of(cls, pieces: int) -> "Scale":
        """As many dossiers and people as go with so many pieces: 1,500 and 10,000 with a
        million."""
        return cls(pieces, max(10, pieces * 1_500 // 1_000_000), max(100, pieces // 100))

    @property
    def name(self) -> str:
        return f"{self.pieces:,} pieces"


class Grown(Davserver):
    """A site of some size. ``moved``: pieces in the folder FULL."""

    def __init__(self, folder: Path, scale: Scale, *, moved: int) -> None:
        super().__init__(folder)
        self.name = scale.name
        self.scale = scale
        self._moved = moved

    @property
    def data(self) -> Path:
        """The data folder of the site."""
        return self.folder / "data"

    def command(self) -> Sequence[str]:
        return [
            sys.executable, "-m", "davserver", "serve", "--data", str(self.data),
            "--port", str(self.port),
        ]  # fmt: skip

    def fill(self) -> None:
        built(self.data, self.scale, self._moved)

    def write(self) -> None:
        for name in (files.LISTING, files.UPLOADS):
            (self.served / name).mkdir(parents=True)
        files.write_listed(self.served / files.LISTING)

    def restart(self, **settings: str) -> float:
        """Serve anew what is there, with ``settings`` in the form of the environment; seconds to
        the first answer. Raises Absent."""
        self.stop()
        begun = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**self.environment(), **settings},
            )
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > begun + 60:
                raise Absent(f"did not start: {(self.folder / 'log').read_text()[-2_000:]}")
            time.sleep(0.005)
        return time.monotonic() - begun

    def workers(self) -> list[int]:
        """The processes that serve."""
        children = Path(f"/proc/{self.process}/task/{self.process}/children")
        return [int(child) for child in children.read_text(encoding="ascii").split()]

    def _answers(self) -> bool:
        door = self.door()
        try:
            door.request("PROPFIND", "/dav/", headers={**files.OWNER.authorization, "Depth": "0"})
            return door.getresponse().status == 207
        except OSError:
            return False
        finally:
            door.close()


def built(data: Path, scale: Scale, moved: int) -> None:
    """Make a site in the folder ``data``, which is made."""
    settings = load(None, data=data)
    create_site(settings)
    site = open_site(settings)
    try:
        seed.seed(site, files.OWNER.password)
        _add_dossiers(site, scale)
        people.let_read(site, people.cabinets(READERS))
        pieces = Pieces(site)
        pieces.deposit(scale.pieces)
        owner = people.found(site, files.OWNER.login)
        with site.writing(actor_of(owner), people.CLIENT) as work:
            for name in (FULL, EMPTY):
                folders.make(work, (SPACE_NAME, name), put.no_condition)
        pieces.publish((people.SPACE, FULL), owner, moved)
    finally:
        site.close()


def _add_dossiers(site: Site, scale: Scale) -> None:
    """Make the dossiers with their experts and the lawyers, who all take part in some."""
    dossiers = scale.dossiers - _DEMONSTRATION
    experts = [f"expert.{number:04}" for number in range(-(-dossiers // _LED))]
    lawyers = people.cabinets(scale.people - _ACCOUNTS - len(experts))
    people.enrol(site, [*experts, *lawyers])
    seats = max(_SEATS, -(-len(lawyers) // dossiers))
    turns = cycle(lawyers)
    plans = [
        _plan(number, experts[number // _LED], list(islice(turns, seats)))
        for number in range(dossiers)
    ]
    for start in range(0, dossiers, _TOGETHER):
        with site.writing(CONSOLE, people.CLIENT) as work:
            for plan in plans[start : start + _TOGETHER]:
                create.create(work, plan)


def _plan(number: int, expert: str, lawyers: Sequence[str]) -> DossierPlan:
    """A dossier; who has no mailbox reads."""
    return DossierPlan(
        title=f"2025-{number:04} Consorts DEMANDE contre SARL DÉFENSE-{number}",
        expert=expert,
        state=DossierState.UNDER_WAY,
        representations=tuple(
            RepresentationPlan(login=login, parties=(f"Partie {turn}",))
            for turn, login in enumerate(lawyers[:_SEATS], 1)
        ),
        advisers=tuple(Person(login=login) for login in lawyers[_SEATS:]),
    )
