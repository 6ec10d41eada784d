"""What is read in one transaction: the rows, and what the database itself finds wrong."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from davserver.model import Blob, Deposit, Dossier, DossierState, Node, NodeState, Platform
from davserver.tree.lookup import ROOT_ID

OPEN = (NodeState.RESERVED, NodeState.RECEIVED)
NOWHERE = "no file"  # the place of bytes that wait for the sweep
_UNREAD = ("created", "modified", "inherits")


@dataclass(frozen=True)
class Kept:
    """Bytes that a row promises, with a place in the tree where they are wanted."""

    key: str
    size: int
    sha256: str
    place: str


class Rows:
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
        self.platforms = session.execute(select(*Platform.__table__.c).order_by(Platform.id)).all()
        self.living = {one.id for one in self.dossiers.values() if one.state != DossierState.PURGED}
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

    def above(self, node: Row[Any]) -> Iterator[Row[Any]]:
        """The folders over a node, nearest first, each once: its way may lead round in a circle."""
        seen = {node.id}
        folder = self.nodes.get(node.parent_id)
        while folder is not None and folder.id not in seen:
            seen.add(folder.id)
            yield folder
            folder = self.nodes.get(folder.parent_id)

    def kept(self) -> list[Kept]:
        """The bytes that must be there. A blob that no node names waits for the sweep."""
        places = {node.blob_id: node.id for node in self.nodes.values()}
        return [
            Kept(
                blob.key,
                blob.size,
                blob.sha256,
                self.path(places[blob.id]) if blob.id in places else NOWHERE,
            )
            for blob in self.blobs.values()
        ]


def integrity(session: Session, *, quick: bool) -> Iterator[str]:
    """What SQLite itself finds wrong; other databases see to it themselves."""
    if session.get_bind().dialect.name != "sqlite":
        return
    check = "quick_check" if quick else "integrity_check"
    for (fault,) in session.execute(text(f"PRAGMA {check}")):
        if fault != "ok":
            yield f"database: {fault}"
    for table, row, missing, _ in session.execute(text("PRAGMA foreign_key_check")):
        yield f"{table} {row}: names a row of {missing} that is not there"
