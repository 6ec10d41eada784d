"""A real server whose clock stands still until the test moves it, and fresh mailboxes on it.

The clock is a parameter of the product's own ``Site``; here it is read from a file that the
server's processes and the test share. Nothing seals beside the requests: the test lets time pass
and has the product's own code do at once what is due. Run as a module it is the server.
"""

import struct
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from mmap import mmap
from pathlib import Path

from sqlalchemy import select

from davserver.accounts import administration
from davserver.app import make_app
from davserver.dossiers import create, lifecycle
from davserver.dossiers.plan import DossierPlan, RepresentationPlan
from davserver.logs import log_to_stderr
from davserver.model import Deposit, Dossier, DossierState
from davserver.server import Listening, WSGIApplication, serve
from davserver.site import CONSOLE, Site, create_site
from davserver.tree import sealing
from davserver.work import Client
from davserver.worker import settle_deposits, settle_side_files
from tests import backends
from tests.dav import Names
from tests.model.tree import AUTHOR, EXPERT, OTHER
from tests.serving import PASSWORD, Server, wait_for

ROOT = Path(__file__).parent.parent.parent
CLOCK = "clock"  # a file beside the data folder: the microseconds since 1970
LOGINS: Mapping[str, str] = {
    AUTHOR: "cabinet.brumaire-kalve",
    OTHER: "cabinet.ortie-lambda",
    EXPERT: "apolline.testard",
}
_BOX = "Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)"
_CLIENT = Client("console")


class Clock:
    """What time it is, for all processes that open the same file."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._shared = mmap(file.fileno(), 8)

    def __call__(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._microseconds)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        struct.pack_into("<q", self._shared, 0, self._microseconds + round(seconds * 1_000_000))

    @property
    def _microseconds(self) -> int:
        return int(struct.unpack_from("<q", self._shared)[0])


@dataclass(frozen=True)
class Box:
    """A fresh mailbox: the dossier it lies in, and its places as paths of the drive."""

    title: str
    places: Mapping[str, Names]


class _TimedServer(Server):
    """The process of this module; its two workers have so many threads each."""

    def __init__(self, data: Path, threads: int) -> None:
        super().__init__(data)
        self._threads = threads

    def start(self) -> "_TimedServer":
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.model.site",
                    str(self.data),
                    str(self.port),
                    str(self._threads),
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        wait_for(self._answers, 60, "a server")
        return self


class TimedSite:
    """The site: its server process, and the same data opened here to let time pass."""

    def __init__(self, folder: Path, *, threads: int = 4) -> None:
        data, clock = folder / "data", folder / CLOCK
        clock.write_bytes(struct.pack("<q", int(datetime.now(UTC).timestamp() * 1_000_000)))
        settings = backends.settings(data)
        create_site(settings)
        self.clock = Clock(clock)
        self._site = Site(settings, clock=self.clock)
        with self._site.writing(CONSOLE, _CLIENT) as work:
            for login in LOGINS.values():
                administration.add_user(
                    work, first_name=login.partition(".")[0], last_name=login.partition(".")[2],
                    email=f"{login}@davserver.example", login=login, password=PASSWORD,
                )  # fmt: skip
        self.server = _TimedServer(data, threads).start()
        self.made = 0

    def fresh(self, quota: int | None = None) -> Box:
        """A mailbox in which nothing has happened yet, in a dossier of its own, of ``quota``
        bytes."""
        self.made += 1
        plan = DossierPlan(
            title=f"2024-{self.made:04} SDC Les Trois Pommiers contre SCCV Mirabelle",
            expert=LOGINS[EXPERT],
            state=DossierState.UNDER_WAY,
            quota=quota,
            representations=(
                RepresentationPlan(login=LOGINS[AUTHOR], parties=("SDC",), box=_BOX),
                RepresentationPlan(login=LOGINS[OTHER], parties=("SCCV",), box="Cabinet ORTIE"),
            ),
        )
        with self._site.writing(CONSOLE, _CLIENT) as work:
            create.create(work, plan)
        places = {
            "box": ("04 Boîtes aux lettres", _BOX),
            "archive": ("05 Archives", _BOX, "Pièces"),
            "plans": ("08 Plans",),
        }
        return Box(plan.title, {place: (plan.title, *names) for place, names in places.items()})

    def wait(self, seconds: float) -> None:
        """Let time pass, and have done what is due then."""
        self.clock.advance(seconds)
        # A folder goes in the round after what was in it, here two levels deep.
        for _ in range(3):
            settle_deposits(self._site)
            settle_side_files(self._site)

    def settle(self, names: Collection[str]) -> None:
        """What the server's workers do, with the files of these names alone: seal or free them if
        that is due at this moment."""
        with self._site.reading(CONSOLE, _CLIENT) as work:
            due = sealing.due(work)
            found = list(
                work.session.scalars(
                    select(Deposit.id).where(Deposit.id.in_(due), Deposit.name.in_(names))
                )
            )
        for deposit_id in found:
            with self._site.writing(CONSOLE, _CLIENT) as work:
                sealing.settle(work, deposit_id)

    def set_state(self, box: Box, state: DossierState) -> None:
        """Close a dossier, or open it again, at this moment."""
        with self._site.writing(CONSOLE, _CLIENT) as work:
            lifecycle.set_state(work, lifecycle.find(work.session, box.title), state)

    def sealed(self, box: Box) -> list[tuple[int, str]]:
        """The number and the SHA-256 of all sealed deposits of a dossier."""
        with self._site.reading(CONSOLE, _CLIENT) as work:
            rows = work.session.execute(
                select(Deposit.number, Deposit.sha256)
                .join(Dossier, Dossier.id == Deposit.dossier_id)
                .where(Dossier.title == box.title, Deposit.sealed_at.is_not(None))
                .order_by(Deposit.number)
            )
            return [(number or 0, sha256) for number, sha256 in rows]

    def close(self) -> None:
        """Stop the server; its rows, bytes, hashes and journal must agree."""
        self._site.close()
        if self.server.running:
            assert self.server.stop() == 0, self.server.log()[-2000:]
        self.server.verify()


class _Worker:
    """One worker process of the server: the product's application, on the clock of the test."""

    def __init__(self, data: Path) -> None:
        self._site = Site(backends.settings(data), clock=Clock(data.parent / CLOCK))
        self.application: WSGIApplication = make_app(self._site)

    def start(self) -> None:
        """Nothing runs beside the requests."""

    def leave(self) -> None:
        """Likewise."""

    def stop(self) -> None:
        self._site.close()


def main(data: Path, port: int, threads: int) -> int:
    """Serve until told to stop; the exit code."""
    log_to_stderr("WARNING")
    listening = Listening(
        host="127.0.0.1", port=port, workers=2, threads=threads, certificate=None, private_key=None,
        max_header_bytes=32_768, max_body_bytes=1 << 20, idle_timeout=600, shutdown_timeout=5,
        idle_connections=100, min_body_rate=0, connections_per_address=100, requests_per_address=64,
        proxies=frozenset(), worker_memory=0,
    )  # fmt: skip
    return serve(listening, lambda: _Worker(data))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
