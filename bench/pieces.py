"""Pieces by the hundred thousand: the rows and the bytes that depositing them would have left.

Each piece has the row of its bytes and a file in the store, its sealed deposit with a number, the
two lines that the journal tells of it, and its number of changes; its dossier, its platform and its
mailbox count it: ``davserver verify`` finds nothing wrong. They are inserted many at once, without
the door, the gate and a commit for each.

What is not there: the mails that told of them (the demonstration has none of its years either): no
request reads those that were sent. And so many different contents: SAME files of the store are
links to one, which no request can tell from as many files.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import aliased

from davserver import journal
from davserver.model import (
    LIVE_STATES,
    Blob,
    Deposit,
    Dossier,
    JournalLine,
    Node,
    NodeKind,
    NodeRole,
    NodeState,
    Representation,
    User,
)
from davserver.model.columns import Base
from davserver.model.sequences import given
from davserver.names import name_key
from davserver.site import CONSOLE, SYSTEM, Site
from davserver.storage import Stored
from davserver.storage.directory import DirectoryBlobStore
from davserver.storage.spool import new_key
from davserver.tree import write
from davserver.tree.grants import place
from davserver.work import Client, Work

CLIENT = Client("webdav", "Microsoft-WebDAV-MiniRedir/10.0.22631")
SAME = 1_000  # pieces of one content: a file of ext4 has 65,000 links at most
FOLDER = 1_000  # pieces in one mailbox at most
_WORKER = Client("worker")
_TOGETHER = 20_000  # pieces in one transaction, about
_FIRST = datetime(2024, 1, 8, 8, 0, tzinfo=UTC)
_EVERY = timedelta(seconds=30)  # from one piece to the next one
_QUIET = timedelta(seconds=20)  # from a deposit to its seal


@dataclass(frozen=True)
class _Box:
    """A mailbox, and who deposits in it."""

    folder_id: int
    dossier_id: int
    path: str
    author: User


class Rows:
    """Rows that wait to be inserted, in one transaction. Their ids are known before."""

    def __init__(self, work: Work) -> None:
        self._work = work
        last = given(work.session)
        kinds: tuple[type[Base], ...] = (Blob, Node, Deposit)  # each names only those before it
        self._ids = {kind: count(last[kind.__tablename__] + 1) for kind in kinds}
        self._waiting: dict[type[Base], list[dict[str, Any]]] = {kind: [] for kind in kinds}
        self._lines: list[dict[str, Any]] = []
        self._previous = journal.head(work.session).hash

    def add(self, kind: type[Base], /, **values: Any) -> dict[str, Any]:
        """A row of all ``values`` of its table but the id; it may still be changed."""
        row = {"id": next(self._ids[kind]), **values}
        self._waiting[kind].append(row)
        return row

    def tell(
        self, act: str, at: datetime, actor: str, client: Client, dossier_id: int, **facts: Any
    ) -> None:
        """The next line of the journal, as :func:`journal.record` writes it."""
        row: dict[str, Any] = {
            "at": at,
            "dossier_id": dossier_id,
            "actor": actor,
            "channel": client.channel,
            "act": act,
            "facts": json.dumps(facts, ensure_ascii=False, sort_keys=True, default=str),
            "previous": self._previous,
        }
        self._previous = row["hash"] = journal.chained(**row)
        self._lines.append(row)

    def insert(self) -> None:
        """Insert all of them."""
        connection = self._work.session.connection()
        waiting: dict[type[Base], list[dict[str, Any]]] = {
            **self._waiting,
            JournalLine: self._lines,
        }
        for kind, rows in waiting.items():
            if rows:
                connection.execute(insert(kind), rows)


class Pieces:
    """Fills one site, of SQLite and a folder of bytes."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._now = site.clock() - _QUIET
        self._shelves: dict[str, str] = {}
        self._kept = 0
        self._content: Stored | None = None

    def deposit(self, number: int) -> None:
        """Have ``number`` pieces deposited, as many in each of the mailboxes of open dossiers.

        Raises ValueError where that is more than a mailbox should hold.
        """
        with self._site.reading(CONSOLE, CLIENT) as work:
            boxes = _boxes(work)
        if number > FOLDER * len(boxes):
            raise ValueError(f"{number} pieces in {len(boxes)} mailboxes")
        shares = [number // len(boxes) + (turn < number % len(boxes)) for turn in range(len(boxes))]
        step = max(1, _TOGETHER * len(boxes) // number) if number else len(boxes)
        for start in range(0, len(boxes), step):
            with self._site.writing(CONSOLE, CLIENT) as work:
                rows = Rows(work)
                for box, share in zip(
                    boxes[start : start + step], shares[start : start + step], strict=True
                ):
                    self._fill(work, rows, box, share)
                rows.insert()

    def publish(self, path: Sequence[str], author: User, number: int) -> None:
        """Have ``number`` documents put into the folder at ``path`` by its owner ``author``."""
        with self._site.writing(CONSOLE, CLIENT) as work:
            rows = Rows(work)
            spot = place(work, tuple(path))
            dossier, folder = spot.existing()
            home = _Home(dossier, folder, author, write.path_of(spot.folders, folder.name))
            for turn in range(number):
                node, told = self._file(rows, home, turn, changes=1)
                rows.tell("file.publish", node["created"], home.login, CLIENT, home.id, **told)
            home.count()
            rows.insert()

    def _fill(self, work: Work, rows: Rows, box: _Box, number: int) -> None:
        """The deposits of one author in his mailbox: each is received, and sealed a while later."""
        dossier = work.session.get_one(Dossier, box.dossier_id)
        folder = work.session.get_one(Node, box.folder_id)
        home = _Home(dossier, folder, box.author, box.path)
        first = dossier.next_number
        for turn in range(number):
            node, told = self._file(rows, home, turn, changes=2)
            at, size, sha256 = node["created"], node["size"], node["sha256"]
            sealed = home.last = at + _QUIET
            node["number"] = first + turn
            rows.add(
                Deposit, dossier_id=home.id, node_id=node["id"], box_id=node["parent_id"],
                author_id=home.author_id, number=first + turn, name=node["name"], size=size,
                sha256=sha256, channel=CLIENT.channel, agent=CLIENT.agent, used_lock=True,
                opened_at=at, touched_at=at, received_at=at, receiving_until=None,
                sealed_at=sealed, rejected_at=None, direct=False, held_at=None, held_told=False,
                look_at=None, released_at=None, reason="", late_seconds=0,
            )  # fmt: skip
            rows.tell(
                "deposit.receive", at, home.login, CLIENT, home.id, agent=CLIENT.agent, **told
            )
            rows.tell(
                "deposit.seal", sealed, SYSTEM.login, _WORKER, home.id, number=first + turn,
                author=home.login, received_at=at, late_seconds=0, **told,
            )  # fmt: skip
        dossier.next_number += number
        home.count()

    def _file(
        self, rows: Rows, home: "_Home", turn: int, *, changes: int
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The rows of the next published file, which so many acts have made, with its bytes in the
        store: that of its node, and what the journal tells of it."""
        at = min(_FIRST + self._kept * _EVERY, self._now)
        content = self._keep()
        size, sha256 = content.size, content.sha256
        home.change += changes
        home.bytes += size
        home.last = at
        blob = rows.add(
            Blob, key=content.key, size=size, sha256=sha256, created=at, unused_since=None
        )
        name = f"Pièce n°{turn + 1} - Constat d'huissier.pdf"
        node = rows.add(
            Node, parent_id=home.folder_id, dossier_id=home.id, name=name, name_key=name_key(name),
            spelt="", scratch_of=0, kind=NodeKind.FILE, role=NodeRole.PLAIN,
            representation_id=None, inherits=True, state=NodeState.PUBLISHED,
            author_id=home.author_id, blob_id=blob["id"], size=size, sha256=sha256, number=None,
            created=at, modified=at, written=at, change=home.change, members_change=0,
            came=0,
        )  # fmt: skip
        return node, {"path": f"{home.path}/{name}", "size": size, "sha256": sha256}

    def _keep(self) -> Stored:
        """Bytes under a key of their own: a new content at times, else one more link to the last.

        Not flushed: no power cut is among what is measured.
        """
        if self._content is None or self._kept % SAME == 0:
            incoming = self._site.blobs.receive()
            incoming.write(f"%PDF-1.4\n% Pièces {self._kept} et suivantes\n".encode())
            self._content = incoming.keep()
        else:
            key = new_key()
            os.link(self._path(self._content.key), self._path(key))
            self._content = Stored(key, self._content.size, self._content.sha256)
        self._kept += 1
        return self._content

    def _path(self, key: str) -> str:
        """The file of the bytes of ``key``; its folder is made."""
        shelf = self._shelves.get(key[:2])
        if shelf is None:
            store = self._site.blobs
            assert isinstance(store, DirectoryBlobStore)
            folder = store.path(key).parent
            store.make_shelf(folder)
            shelf = self._shelves[key[:2]] = str(folder)
        return f"{shelf}/{key}"


class _Home:
    """The folder that is being filled, and what is counted meanwhile: ORM rows are slow to count
    in."""

    def __init__(self, dossier: Dossier, folder: Node, author: User, path: str) -> None:
        self.id, self.folder_id, self.author_id = dossier.id, folder.id, author.id
        self.login, self.path = author.login or "", path
        self.change, self.bytes = dossier.change, 0
        self.last = folder.modified
        self._dossier, self._folder = dossier, folder

    def count(self) -> None:
        """Write into the rows what was counted."""
        self._dossier.used += self.bytes
        self._dossier.platform.used += self.bytes
        self._dossier.change = self._folder.members_change = self.change
        self._folder.modified = self.last


def _boxes(work: Work) -> list[_Box]:
    """The mailboxes of the dossiers in which something may be deposited."""
    above = aliased(Node)
    found = work.session.execute(
        select(Node.id, Dossier.id, Node.name, above.name, User)
        .join(above, above.id == Node.parent_id)
        .join(Representation, Representation.id == Node.representation_id)
        .join(User, User.id == Representation.user_id)
        .join(Dossier, Dossier.id == Node.dossier_id)
        .where(Node.role == NodeRole.MAILBOX, Dossier.state.in_(LIVE_STATES))
        .order_by(Node.dossier_id, Node.id)
    )
    return [
        _Box(folder_id, dossier_id, f"{place}/{name}", author)
        for folder_id, dossier_id, name, place, author in found
    ]
