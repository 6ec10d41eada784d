"""The verifier: rows, bytes, hashes, journal and quotas tell the same story. Changes nothing.

The rows are read in one transaction, the bytes after it, for hours perhaps, while the site is
served: what came meanwhile is unknown and young, what went meanwhile is asked for again before it
is called missing.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from davserver import journal
from davserver.errors import Unavailable
from davserver.model import (
    AlertRule,
    Blob,
    Deposit,
    Dossier,
    DossierKind,
    DossierState,
    Grant,
    Group,
    JournalLine,
    Membership,
    MessageLine,
    Node,
    NodeKind,
    NodeRole,
    NodeState,
    Recipient,
    RecipientLine,
    User,
    UserKind,
)
from davserver.model.database import Database
from davserver.names import composed, name_key
from davserver.policy.rights import Rights
from davserver.site import Site
from davserver.storage import BlobStore
from davserver.tree.lookup import ROOT_ID

SECOND_LOOK = 2.0  # seconds: a sweep forgets a row first, and deletes its bytes at once
_OPEN = (NodeState.RESERVED, NodeState.RECEIVED)


@dataclass(frozen=True)
class Report:
    """How much was looked at, and every difference in one line."""

    checked: dict[str, int]
    differences: list[str]


@dataclass(frozen=True)
class _Kept:
    """Bytes that a row promises, with a place in the tree where they are wanted."""

    key: str
    size: int
    sha256: str
    place: str


def verify(site: Site, *, quick: bool = False) -> Report:
    """Compare all there is; ``quick`` looks at the sizes of pieces instead of hashing them.

    Raises Unavailable when the database or the store is away.
    """
    if not site.blobs.ready():
        raise Unavailable("Le stockage des pièces est momentanément indisponible.")
    with site.database.reading() as session:
        rows = _Rows(session)
        differences = [
            *_integrity(session, quick=quick),
            *_tree(rows),
            *_contents(rows),
            *_dossiers(rows),
            *_deposits(rows),
            *_places(rows),
            *_sealed_lines(session, rows),
            *_principals(session, rows),
            *_recipients(session),
            *journal.faults(session),
        ]
        lines = session.scalar(select(func.count(JournalLine.id)))
    kept = rows.kept()
    suspects = _unknown(site, {one.key for one in kept})
    differences += _bytes(site.database, site.blobs, kept, quick=quick)
    differences += _orphans(site, suspects)
    checked = {
        "nodes": len(rows.nodes),
        "blobs": len(kept),
        "bytes": sum(one.size for one in kept),
        "deposits": len(rows.deposits),
        "journal": lines or 0,
    }
    return Report(checked, differences)


class _Rows:
    """The rows that several checks need, as they stood in one transaction."""

    def __init__(self, session: Session) -> None:
        columns = [column for column in Node.__table__.c if column.name not in _UNREAD]
        self.nodes: dict[int, Row[Any]] = {
            row.id: row for row in session.execute(select(*columns).order_by(Node.id))
        }
        self.children: dict[int | None, list[int]] = defaultdict(list)
        for node in self.nodes.values():
            self.children[node.parent_id].append(node.id)
        self.blobs = {blob.id: blob for blob in session.execute(select(*Blob.__table__.c))}
        self.dossiers = {one.id: one for one in session.execute(select(*Dossier.__table__.c))}
        self.deposits = session.execute(select(*Deposit.__table__.c).order_by(Deposit.id)).all()

    def path(self, node_id: int | None) -> str:
        """Where a node is, for people; ``…`` where its way does not lead to the root."""
        names: list[str] = []
        seen = set()
        while node_id != ROOT_ID:
            node = self.nodes.get(node_id or 0)
            if node is None or node_id in seen:
                names.insert(0, "…")
                break
            seen.add(node_id)
            names.insert(0, node.name)
            node_id = node.parent_id
        return "/" + "/".join(names)

    def kept(self) -> list[_Kept]:
        """The bytes that must be there. A blob that no node names waits for the sweep."""
        places = {node.blob_id: node.id for node in self.nodes.values()}
        return [
            _Kept(
                blob.key,
                blob.size,
                blob.sha256,
                self.path(places[blob.id]) if blob.id in places else "no file",
            )
            for blob in self.blobs.values()
        ]


_UNREAD = ("created", "modified", "inherits")


def _integrity(session: Session, *, quick: bool) -> Iterator[str]:
    """What SQLite itself finds wrong; other databases see to it themselves."""
    if session.get_bind().dialect.name != "sqlite":
        return
    check = "quick_check" if quick else "integrity_check"
    for (fault,) in session.execute(text(f"PRAGMA {check}")):
        if fault != "ok":
            yield f"database: {fault}"
    for table, row, missing, _ in session.execute(text("PRAGMA foreign_key_check")):
        yield f"{table} {row}: names a row of {missing} that is not there"


def _tree(rows: _Rows) -> Iterator[str]:
    """One root, every node on a way from it, folders above, names that are their keys."""
    reached = set()
    pending = [ROOT_ID] if ROOT_ID in rows.nodes else []
    while pending:
        node_id = pending.pop()
        reached.add(node_id)
        pending += rows.children[node_id]
    for node in rows.nodes.values():
        where = f"node {node.id} ({rows.path(node.id)})"
        if node.id not in reached:
            yield f"{where}: no way leads to it from the root"
        if node.name_key != name_key(node.name) or node.name != composed(node.name):
            yield f"{where}: its key is not that of its name"
        if (node.state == NodeState.SIDE) != (node.scratch_of != 0):
            yield f"{where}: a side file without author, or another file with one"
        parent = rows.nodes.get(node.parent_id or 0)
        if node.id == ROOT_ID:
            if node.role != NodeRole.ROOT or node.parent_id is not None:
                yield f"{where}: it is not the root that it should be"
        elif parent is not None and parent.kind != NodeKind.FOLDER:
            yield f"{where}: it lies in a file"
        elif (node.parent_id == ROOT_ID) != (node.role == NodeRole.SOURCE):
            yield f"{where}: only source folders lie at the root, and nowhere else"
        elif parent is not None and parent.id != ROOT_ID and parent.dossier_id != node.dossier_id:
            yield f"{where}: it belongs to another dossier than its folder"


def _contents(rows: _Rows) -> Iterator[str]:
    """A file has the size and hash of its bytes, a folder has none."""
    for node in rows.nodes.values():
        where = f"node {node.id} ({rows.path(node.id)})"
        if node.blob_id is None:
            if node.size or node.sha256:
                yield f"{where}: it has a size or a hash, and no bytes"
        elif node.kind == NodeKind.FOLDER:
            yield f"{where}: a folder with bytes"
        elif (blob := rows.blobs.get(node.blob_id)) is None:
            yield f"{where}: the row of its bytes is missing"
        elif (node.size, node.sha256) != (blob.size, blob.sha256):
            yield f"{where}: its size or hash is not that of its bytes"
        if node.kind == NodeKind.FILE and node.state in _OPEN:
            if (node.state == NodeState.RECEIVED) != (node.size > 0):
                yield f"{where}: reserved with content, or received without"


def _dossiers(rows: _Rows) -> Iterator[str]:
    """Each dossier has its one source folder, and counts the bytes of its files."""
    used: dict[int, int] = defaultdict(int)
    sources = defaultdict(list)
    for node in rows.nodes.values():
        if node.state != NodeState.SIDE and node.dossier_id is not None:
            used[node.dossier_id] += node.size
        if node.role == NodeRole.SOURCE:
            sources[node.dossier_id].append(node.name)
    for dossier in rows.dossiers.values():
        where = f"dossier {dossier.id} ({dossier.title})"
        if dossier.used != used[dossier.id]:
            yield f"{where}: counts {dossier.used} bytes, its files have {used[dossier.id]}"
        wanted = [] if dossier.state == DossierState.PURGED else [dossier.title]
        if sources[dossier.id] != wanted:
            yield f"{where}: its source folders are {sources[dossier.id]}, not {wanted}"
        if dossier.kind == DossierKind.EXPERT_SPACE and dossier.state == DossierState.PURGED:
            yield f"{where}: an expert's space is never purged"


def _deposits(rows: _Rows) -> Iterator[str]:
    """Numbers without gap, each on its piece; what is unfinished is known to be so."""
    numbers = defaultdict(list)
    on_nodes: dict[int, Row[Any]] = {}
    for deposit in rows.deposits:
        where = f"deposit {deposit.id} ({deposit.name})"
        node = rows.nodes.get(deposit.node_id or 0)
        if deposit.number is not None:
            numbers[deposit.dossier_id].append(deposit.number)
        if node is not None:
            on_nodes[node.id] = deposit
            if node.dossier_id != deposit.dossier_id:
                yield f"{where}: its file lies in another dossier"
            if (node.size, node.sha256) != (deposit.size, deposit.sha256):
                yield f"{where}: its size or hash is not that of its file"
        if (deposit.sealed_at is None) != (deposit.number is None):
            yield f"{where}: sealed without a number, or numbered without seal"
        elif deposit.rejected_at is not None:
            if node is not None or deposit.number is not None:
                yield f"{where}: rejected, and yet there"
        elif deposit.number is not None:
            if node is None and rows.dossiers[deposit.dossier_id].state != DossierState.PURGED:
                yield f"{where}: the piece is gone"
            elif node is not None and node.number != deposit.number:
                yield f"{where}: its file bears the number {node.number}, not {deposit.number}"
        elif node is None or node.state not in _OPEN:
            yield f"{where}: unfinished, but its file is not"
    for dossier in rows.dossiers.values():
        if sorted(numbers[dossier.id]) != list(range(1, dossier.next_number)):
            yield f"dossier {dossier.id} ({dossier.title}): its deposits are not numbered 1 to n"
    for node in rows.nodes.values():
        known = node.id in on_nodes
        where = f"node {node.id} ({rows.path(node.id)})"
        if node.number is not None and not (known and node.state == NodeState.PUBLISHED):
            yield f"{where}: numbered, but no sealed deposit"
        if node.kind == NodeKind.FILE and node.state in _OPEN and not known:
            yield f"{where}: unfinished, but no deposit: nobody will ever finish it"


def _places(rows: _Rows) -> Iterator[str]:
    """A piece lies in a mailbox or an archive, and all who may see it can get there."""
    for node in rows.nodes.values():
        above, folder = [], rows.nodes.get(node.parent_id)
        while node.number is not None and folder is not None and len(above) < 99:
            above.append((folder.role, folder.state))
            folder = rows.nodes.get(folder.parent_id)
        lost = not {role for role, _ in above} & {NodeRole.MAILBOX, NodeRole.ARCHIVE}
        if node.number is not None and (lost or {s for _, s in above} != {NodeState.PUBLISHED}):
            yield f"node {node.id} ({rows.path(node.id)}): a piece outside of box and archive"


def _sealed_lines(session: Session, rows: _Rows) -> Iterator[str]:
    """Every sealed deposit has its line in the journal, and the line has its hash."""
    lines = {}
    for line_id, dossier_id, facts in session.execute(
        select(JournalLine.id, JournalLine.dossier_id, JournalLine.facts).where(
            JournalLine.act == "deposit.seal"
        )
    ):
        told = json.loads(facts)
        lines[dossier_id, told["number"]] = (line_id, told["size"], told["sha256"])
    for deposit in rows.deposits:
        if deposit.number is None:
            continue
        where = f"deposit {deposit.id} ({deposit.name})"
        line = lines.pop((deposit.dossier_id, deposit.number), None)
        if line is None:
            yield f"{where}: the journal does not tell of its seal"
        elif line[1:] != (deposit.size, deposit.sha256):
            yield f"{where}: its size or hash is not that of journal line {line[0]}"
    for line_id, _, _ in lines.values():
        yield f"journal {line_id}: tells of a deposit that is not there"


def _principals(session: Session, rows: _Rows) -> Iterator[str]:
    """Rights and alerts are those of people who may have them, on folders."""
    groups = {group.id: group.dossier_id for group in session.scalars(select(Group))}
    private = {
        user.id: user.dossier_id
        for user in session.scalars(select(User).where(User.kind == UserKind.PRIVATE))
    }
    for row in [*session.scalars(select(Grant)), *session.scalars(select(AlertRule))]:
        where = f"{row.__tablename__} {row.id} ({rows.path(row.node_id)})"
        node = rows.nodes.get(row.node_id)
        dossier_id = node.dossier_id if node is not None else None
        home = groups.get(row.group_id or 0, private.get(row.user_id or 0, dossier_id))
        if home != dossier_id:
            yield f"{where}: its group or private user is of another dossier"
        if node is not None and node.kind != NodeKind.FOLDER:
            yield f"{where}: it stands on a file"
        if isinstance(row, Grant) and row.rights not in range(Rights.ALL + 1):
            yield f"{where}: {row.rights} are no rights"
    for member in session.scalars(select(Membership)):
        if private.get(member.user_id, groups.get(member.group_id)) != groups.get(member.group_id):
            yield f"membership of user {member.user_id}: a private user of another dossier"


def _recipients(session: Session) -> Iterator[str]:
    """Each recipient is told of something, and only of what his message tells."""
    told = set()
    for recipient_id, message_id, line_id, line_message_id in session.execute(
        select(Recipient.id, Recipient.message_id, MessageLine.id, MessageLine.message_id)
        .join(RecipientLine, RecipientLine.recipient_id == Recipient.id)
        .join(MessageLine, MessageLine.id == RecipientLine.line_id)
    ):
        told.add(recipient_id)
        if message_id != line_message_id:
            yield f"recipient {recipient_id}: told of line {line_id} of another message"
    for recipient_id in session.scalars(select(Recipient.id)):
        if recipient_id not in told:
            yield f"recipient {recipient_id}: told of nothing"


def _bytes(
    database: Database, blobs: BlobStore, kept: list[_Kept], *, quick: bool
) -> Iterator[str]:
    """The bytes of each row are there, as many and the same."""
    for one in kept:
        fault = _size_fault(blobs, one) if quick else _hash_fault(blobs, one)
        if fault is not None and _has_row(database, one.key):
            yield f"blob {one.key} ({one.place}): {fault}"


def _hash_fault(blobs: BlobStore, one: _Kept) -> str | None:
    size, digest = 0, hashlib.sha256()
    try:
        for block in blobs.read(one.key):
            size += len(block)
            digest.update(block)
    except (Unavailable, OSError):
        return "its bytes cannot be read"
    if size != one.size:
        return f"{size} bytes instead of {one.size}"
    return None if digest.hexdigest() == one.sha256 else "its bytes were changed"


def _size_fault(blobs: BlobStore, one: _Kept) -> str | None:
    try:
        last = b"".join(blobs.read(one.key, max(0, one.size - 1), 2))
    except (Unavailable, OSError):
        return "its bytes cannot be read"
    return None if len(last) == min(one.size, 1) else f"not {one.size} bytes"


def _unknown(site: Site, known: set[str]) -> set[str]:
    """The keys of old bytes that had no row when the rows were read."""
    before = site.clock() - timedelta(seconds=site.settings.storage.orphan_grace)
    return {key for key, kept in _keys(site) if kept < before and key not in known}


def _orphans(site: Site, suspects: set[str]) -> Iterator[str]:
    """Those of ``suspects`` that are still there, and still without a row."""
    if not suspects:
        return
    time.sleep(SECOND_LOOK)
    there = {key for key, _ in _keys(site)}
    for key in sorted(suspects & there):
        if not _has_row(site.database, key):
            yield f"blob {key}: bytes that no row names; the sweep should have deleted them"


def _keys(site: Site) -> Iterator[tuple[str, datetime]]:
    """Every key of the store with the time it was kept."""
    store: BlobStore = site.blobs
    yield from store.keys()


def _has_row(database: Database, key: str) -> bool:
    with database.reading() as session:
        return session.scalar(select(Blob.id).where(Blob.key == key)) is not None
