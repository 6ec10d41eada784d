"""One site: the settings and the parts made from them. The composition root of every door."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from davserver.accounts.credentials import Credentials
from davserver.model import Node, NodeKind, NodeRole
from davserver.model.database import Database, WrongSchema
from davserver.names import name_key
from davserver.policy import Actor
from davserver.policy.loading import make_gate
from davserver.settings import BadSettings, Settings
from davserver.storage.directory import DirectoryBlobStore, flush_directory, write_durably
from davserver.tree.lookup import ROOT_ID
from davserver.work import Caches, Client, Work

SYSTEM = Actor(id=0, login="(serveur)", name="davserver")
CONSOLE = Actor(id=0, login="(console)", name="console")
MARKER = "davserver.json"
LAYOUT = 1  # of the data folder; the schema of the database has its own revision


class Site:
    """A running site. One per process: it must not be carried across a fork."""

    def __init__(
        self, settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.gate = make_gate(settings)
        self.database = Database(settings.storage.database_url)
        self.blobs = DirectoryBlobStore(settings.storage.data)
        self.credentials = Credentials()
        self._caches = Caches()

    @contextmanager
    def reading(self, actor: Actor, client: Client) -> Iterator[Work]:
        """A unit of work that changes nothing."""
        with self.database.reading() as session:
            yield Work(
                session, self.settings, self.gate, self.blobs, self._caches, actor, client,
                self.clock(), writes=False,
            )  # fmt: skip

    @contextmanager
    def writing(self, actor: Actor, client: Client) -> Iterator[Work]:
        """A unit of work: durable when the block ends, gone without a trace if it raises."""
        with self.database.writing() as session:
            yield Work(
                session, self.settings, self.gate, self.blobs, self._caches, actor, client,
                self.clock(), writes=True,
            )  # fmt: skip

    def close(self) -> None:
        """Give back the connections."""
        self.database.close()


def create_site(settings: Settings) -> None:
    """Make the data folder, the store and the tables; brings an older one up to date.

    Raises BadSettings for a folder of another program or of a newer version.
    """
    data = settings.storage.data
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_marker(data, fresh_allowed=True)
        DirectoryBlobStore(data).create()
    except OSError as error:
        raise BadSettings(f"{data} : dossier inutilisable ({error.strerror}).") from None
    database = Database(settings.storage.database_url)
    database.upgrade()
    with database.writing() as session:
        if session.get(Node, ROOT_ID) is None:
            now = datetime.now(UTC)
            session.add(
                # The first of all: the database gives it ROOT_ID.
                Node(
                    name="", name_key=name_key(""), kind=NodeKind.FOLDER,
                    role=NodeRole.ROOT, created=now, modified=now, written=now,
                )
            )  # fmt: skip
    database.close()
    marker = data / MARKER
    if not marker.exists():
        # A site that was said to be there must be known again after a power cut.
        write_durably(marker, json.dumps({"program": "davserver", "layout": LAYOUT}) + "\n")
        flush_directory(data.absolute().parent)


def open_site(
    settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Site:
    """The site of an existing data folder. Raises BadSettings when it is none, or of another
    version."""
    _check_marker(settings.storage.data, fresh_allowed=False)
    site = Site(settings, clock=clock)
    try:
        site.database.require_schema()
    except WrongSchema as error:
        site.close()
        raise BadSettings(f"{settings.storage.data} : {error}") from None
    return site


def _check_marker(data: Path, *, fresh_allowed: bool) -> None:
    """A folder of another program, of another version, or an empty mount point is refused."""
    try:
        found = json.loads((data / MARKER).read_text())
        layout = found["layout"] if found["program"] == "davserver" else None
    except FileNotFoundError:
        if fresh_allowed and not any(data.iterdir()):
            return
        if fresh_allowed:
            raise BadSettings(
                f"{data} : ce dossier n'est pas vide et n'est pas de davserver."
            ) from None
        raise BadSettings(
            f"{data} : pas de site ici (lancez « davserver init » ; un disque est-il démonté ?)."
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise BadSettings(f"{data / MARKER} : illisible.") from None
    if layout != LAYOUT:
        raise BadSettings(
            f"{data} : données de la version {layout}, ce programme attend la version {LAYOUT}."
        )
