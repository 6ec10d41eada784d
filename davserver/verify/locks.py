"""The locks that count: those that are over wait for the sweep, and mean nothing."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from davserver.model import Lock, NodeKind, NodeState, User
from davserver.tree.locks import LONGEST, SHORTEST
from davserver.verify.rows import Rows

_HIDDEN = (NodeState.RESERVED, NodeState.RECEIVED, NodeState.SIDE)


def faults(session: Session, rows: Rows, now: datetime) -> Iterator[str]:
    """Each lock is somebody's, ends, and stands where its holder can know of it; no two exclude
    each other."""
    locks = session.execute(select(*Lock.__table__.c).where(Lock.expires > now).order_by(Lock.id))
    gone = set(session.scalars(select(User.id).where(User.login.is_(None))))
    live: dict[int, list[Row[Any]]] = {}
    for lock in locks:
        node = rows.nodes.get(lock.node_id)
        where = f"lock {lock.id} ({rows.path(lock.node_id)})"
        if lock.user_id in gone:
            yield f"{where}: its holder has no account any more"
        if (lock.expires - lock.used).total_seconds() > LONGEST or not (
            SHORTEST <= lock.timeout <= LONGEST
        ):
            yield f"{where}: it lasts longer or shorter than any lock"
        if node is None:
            continue  # the database names it
        if node.kind == NodeKind.FILE and lock.infinite:
            yield f"{where}: it reaches below a file"
        if node.state in _HIDDEN and node.author_id != lock.user_id:
            yield f"{where}: its holder cannot know of this file"
        if lock.courtesy != (node.number is not None):
            yield f"{where}: it holds a piece, or is a courtesy on what is none"
        if not lock.courtesy:
            live.setdefault(lock.node_id, []).append(lock)
    yield from _conflicts(rows, live)


def _conflicts(rows: Rows, live: dict[int, list[Row[Any]]]) -> Iterator[str]:
    """An exclusive lock is alone on its node, and another's does not guard it from above.

    Who has locked a folder may lock a new file in it once more.
    """
    for node_id, locks in live.items():
        above = [
            lock
            for folder in (rows.above(rows.nodes[node_id]))
            for lock in live.get(folder.id, ())
            if lock.infinite
        ]
        for number, lock in enumerate(locks):
            rivals = locks[:number] + [one for one in above if one.user_id != lock.user_id]
            for other in rivals:
                if lock.exclusive or other.exclusive:
                    yield (
                        f"lock {lock.id} ({rows.path(node_id)}): it and lock {other.id} exclude "
                        "each other"
                    )
