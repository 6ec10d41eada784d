"""Dead properties: each can be given back as it came."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.model import DeadProperty
from davserver.tree.properties import LONGEST_NAME, MOST_BYTES, name_in
from davserver.verify.rows import Rows


def faults(session: Session, rows: Rows) -> Iterator[str]:
    """Each is one element of its own name, and no file has more of them than it may."""
    sizes: dict[int, int] = defaultdict(int)
    for found in session.execute(select(*DeadProperty.__table__.c)):
        sizes[found.node_id] += len(found.xml.encode())
        where = f"property {found.tag} of node {found.node_id} ({rows.path(found.node_id)})"
        if name_in(found.xml) != found.tag or len(found.tag) > LONGEST_NAME:
            yield f"{where}: it is no XML element of this name"
    for node_id, size in sizes.items():
        if size > MOST_BYTES:
            yield f"node {node_id} ({rows.path(node_id)}): {size} bytes of properties"
