"""The blob store in an S3 store, for a site that has outgrown one disk.

Bytes come into the local spool and go from there under a key that no object ever had. They are read
back whole and compared before their key is given out; until then the spool file is kept. Nothing is
ever overwritten. A marker object holds the identity of the site.

Not to be carried across a fork: the client has threads of its own.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from davserver.errors import Unavailable
from davserver.settings import S3Settings
from davserver.storage import Stored
from davserver.storage.away import away, require
from davserver.storage.spool import Spool, SpoolFile, disk_faults, new_key

BLOCK = 4 << 20  # bytes asked of the store at once: each is a request with a time limit of its own
WHOLE = 8 << 20  # bytes: what is larger goes in parts of this size
AT_ONCE = 2  # parts in memory; the client would have twelve of them, for each upload
MARKER = "blobs-of-davserver"
BLOBS = "blobs/"
LOOK = 5.0  # seconds for which the marker is believed

# An unknown host, a refused password, a timeout, an answer that makes no sense: all mean "away".
# The client raises the exceptions of Python where it has a fitting one.
_FAULTS = (BaseError, OSError, ValueError)


class ObjectIncoming(SpoolFile):
    """A spool file that goes to the store; see :class:`davserver.storage.Incoming`."""

    def __init__(self, store: "ObjectBlobStore") -> None:
        super().__init__(store.spool.free())
        self._store = store

    def keep(self) -> Stored:
        key = new_key()
        self.close()
        self._store.put(key, self.path, self.size)
        found = hashlib.sha256()
        for block in self._store.read(key):
            found.update(block)
        if found.hexdigest() != self.sha256:
            raise Unavailable("Le stockage des pièces n'a pas gardé ce fichier tel quel.")
        self.drop()
        return Stored(key, self.size, self.sha256)


class ObjectBlobStore:
    """The blobs of the site of ``identity``; see :class:`davserver.storage.BlobStore`."""

    def __init__(self, settings: S3Settings, spool: Path, identity: str) -> None:
        self._identity = identity
        self._looked = -LOOK
        self.spool = Spool(spool)
        self._client = S3Store(
            settings.bucket,
            prefix=settings.prefix or None,
            endpoint=settings.endpoint or None,
            region=settings.region,
            access_key_id=settings.access_key,
            secret_access_key=settings.secret_key,
            virtual_hosted_style_request=not settings.path_style,
            client_options={
                "allow_http": settings.endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=min(settings.timeout, 5)),
                "timeout": timedelta(seconds=settings.timeout),
            },
            retry_config={
                "max_retries": 2,
                "retry_timeout": timedelta(seconds=settings.timeout),
            },
        )

    def owner(self) -> str | None:
        with _away():
            try:
                return bytes(obstore.get(self._client, MARKER).bytes()).decode().strip()
            except FileNotFoundError:
                return None

    def create(self, identity: str) -> None:
        with disk_faults():
            self.spool.create()
        with _away():
            try:
                obstore.put(self._client, MARKER, identity.encode(), mode="create")
            except AlreadyExistsError:
                return

    def put(self, key: str, file: Path, size: int) -> None:
        """Send a file of ``size`` bytes under a new key. Raises Unavailable; what is there then is
        nobody's, and goes with the sweep."""
        self.require()
        with _away(), file.open("rb") as source:
            if size <= WHOLE:
                obstore.put(self._client, BLOBS + key, source, mode="create", use_multipart=False)
            else:
                obstore.put(
                    self._client, BLOBS + key, source, chunk_size=WHOLE, use_multipart=True,
                    max_concurrency=AT_ONCE,
                )  # fmt: skip

    def receive(self) -> ObjectIncoming:
        self.require()
        return ObjectIncoming(self)

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        most = BLOCK if length is None else min(BLOCK, length)
        if not most:
            return iter(())
        with _away():
            # A missing object is a fault of the store, not an absence: a row says that it exists.
            found = obstore.get(
                self._client, BLOBS + key, options={"range": (start, start + most)}
            )  # fmt: skip
            first, size = bytes(found.bytes()), found.meta["size"]
        end = size if length is None else min(size, start + length)
        return chain([first], self._blocks(key, start + len(first), end))

    def remove(self, key: str) -> None:
        self.require()
        with _away():
            obstore.delete(self._client, BLOBS + key)

    def keys(self) -> Iterator[tuple[str, datetime]]:
        self.require()
        with _away():
            for batch in obstore.list(self._client, prefix=BLOBS.rstrip("/")):
                for one in batch:
                    yield one["path"].rpartition("/")[2], one["last_modified"]

    def drop_unfinished(self, before: datetime) -> None:
        self.require()
        self.spool.drop_unfinished(before)

    def ready(self) -> bool:
        try:
            require(self.owner(), self._identity, spool=self.spool.ready())
        except Unavailable:
            return False
        return True

    def require(self) -> None:
        if time.monotonic() - self._looked > LOOK:
            require(self.owner(), self._identity, spool=self.spool.ready())
            self._looked = time.monotonic()

    def _blocks(self, key: str, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            with _away():
                block = obstore.get_range(
                    self._client, BLOBS + key, start=start, end=min(end, start + BLOCK)
                )  # fmt: skip
            start += len(block)
            yield bytes(block)


@contextmanager
def _away() -> Iterator[None]:
    """Whatever goes wrong with the store: it is away, and nothing is concluded from that."""
    try:
        yield
    except _FAULTS as error:
        raise away(error) from error
