"""One site: the settings and the parts made from them. The composition root of every door."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import select

from davserver.accounts.credentials import Credentials
from davserver.data_folder import DataFolder
from davserver.model import Node, NodeKind, NodeRole, SiteIdentity
from davserver.model.database import Database
from davserver.model.schema import WrongSchema
from davserver.names import name_key
from davserver.policy import Actor
from davserver.policy.loading import make_gate
from davserver.settings import BadSettings, Settings
from davserver.storage import BlobStore
from davserver.storage.opening import open_store
from davserver.tree.lookup import ROOT_ID
from davserver.work import Caches, Client, Work

SYSTEM = Actor(id=0, login="(serveur)", name="davserver")
CONSOLE = Actor(id=0, login="(console)", name="console")


class Site:
    """A running site. One per process: it must not be carried across a fork."""

    def __init__(
        self, settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.gate = make_gate(settings)
        self.database = Database(settings.storage.database_url)
        self.blobs = open_store(settings, DataFolder(settings.storage.data).identity())
        self.credentials = Credentials(self.database, clock, settings.login)
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


def create_site(settings: Settings) -> str | None:
    """Make the data folder, the store and the tables; brings an older one up to date. On another
    machine of a site, only its data folder. Returns the version that the tables had; None for new
    ones.

    The three bear the identity of the site, the data folder first: what a crash has left is
    completed by the next call. Raises BadSettings for a folder of another program or of a newer
    version, and where one of the three is empty or another site's.
    """
    folder = DataFolder(settings.storage.data)
    folder.prepare()
    database = Database(settings.storage.database_url)
    try:
        before = database.schema()
        database.upgrade()
        named = _identity(database)
        identity = _agreed(folder, named, settings)
        try:
            open_store(settings, identity).create(identity)
        except OSError as error:
            raise BadSettings(f"{folder.path} : dossier inutilisable ({error.strerror}).") from None
        if named is None:
            _name(database, identity)
    finally:
        database.close()
    folder.complete(identity)
    return before


def open_site(
    settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Site:
    """The site of an existing data folder. Raises BadSettings when it is none, or of another
    version, or when the rows or the bytes are another site's."""
    folder = DataFolder(settings.storage.data)
    folder.require()
    site = Site(settings, clock=clock)
    try:
        site.database.require_schema()
        identity = folder.require_identity()
        if _identity(site.database) != identity:
            raise BadSettings("storage.database : cette base de données est celle d'un autre site.")
        _require_store(site.blobs, identity)
    except WrongSchema as error:
        site.close()
        raise BadSettings(f"{settings.storage.data} : {error}") from None
    except BaseException:
        site.close()
        raise
    return site


def _agreed(folder: DataFolder, named: str | None, settings: Settings) -> str:
    """The identity that the data folder, the rows (``named``) and the bytes agree upon; a new one
    for a new site. Raises BadSettings where they do not agree."""
    known = folder.identity()
    owner = open_store(settings, known).owner()
    identity = named or known or folder.choose()
    if known and known != identity:
        raise BadSettings("storage.database : cette base de données est celle d'un autre site.")
    if owner and owner != identity:
        raise BadSettings("Le stockage des pièces est celui d'un autre site.")
    if named is None and folder.is_complete and known:
        raise BadSettings(
            "storage.database : cette base de données est vide, et ce dossier est celui d'un site."
        )
    if named is not None and owner is None:
        raise BadSettings("Le stockage des pièces est vide (un disque est-il démonté ?).")
    return identity


def _require_store(blobs: BlobStore, identity: str) -> None:
    owner = blobs.owner()
    if owner is None:
        raise BadSettings("Le stockage des pièces est vide (un disque est-il démonté ?).")
    if owner != identity:
        raise BadSettings("Le stockage des pièces est celui d'un autre site.")


def _identity(database: Database) -> str | None:
    with database.reading() as session:
        return session.scalar(select(SiteIdentity.identity))


def _name(database: Database, identity: str) -> None:
    """Write the identity into the rows, and the root of the tree if it is not there yet."""
    now = datetime.now(UTC)
    with database.writing() as session:
        session.add(SiteIdentity(identity=identity, created=now))
        if session.get(Node, ROOT_ID) is None:
            # The first of all: the database gives it ROOT_ID.
            session.add(
                Node(
                    name="", name_key=name_key(""), kind=NodeKind.FOLDER,
                    role=NodeRole.ROOT, created=now, modified=now, written=now,
                )
            )  # fmt: skip
