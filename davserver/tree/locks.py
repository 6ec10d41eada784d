"""Locks: who must submit which token, and the locks themselves (RFC 4918 §6, §7)."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import Select, delete, func, or_, select

from davserver.errors import Full, Locked
from davserver.model import Lock, Node
from davserver.work import Work

SHORTEST, LONGEST, USUAL = 180, 3_600, 600  # seconds of a granted lock
LONGEST_INFINITE = 1_800  # of one that reaches below a folder: it stops many people
MOST_ON_ONE = 20  # live locks of one account on one resource: several people may share it


def of(work: Work, nodes: Iterable[Node]) -> list[Lock]:
    """The live locks that stand on ``nodes`` themselves."""
    ids = [node.id for node in nodes]
    return list(
        work.session.scalars(select(Lock).where(Lock.node_id.in_(ids), Lock.expires > work.now))
    )


def over(
    work: Work, folders: Sequence[Node], node: Node | None, *, membership: bool = False
) -> list[Lock]:
    """The live locks that guard ``node``: its own, and infinite ones on its folders. With
    ``membership`` those of the last folder, too: they guard its names."""
    own = {folder.id for folder in folders[-1:] if membership}
    if node is not None:
        own.add(node.id)
    nodes = [*folders, *([node] if node is not None else [])]
    return [lock for lock in of(work, nodes) if lock.infinite or lock.node_id in own]


def below(work: Work, node: Node) -> list[Lock]:
    """The live locks on anything below the folder ``node``."""
    if not node.is_folder:
        return []
    lying = select(Lock).where(Lock.id.in_(_ids_below(node)), Lock.expires > work.now)
    return list(work.session.scalars(lying))


def _ids_below(folder: Node) -> Select[int]:
    """The ids of the locks below ``folder``, also of those that are over. Locks are fewer than what
    may be below: from each of those in the dossier the way up is looked at."""
    way = (
        select(Lock.id.label("lock_id"), Node.parent_id)
        .join(Node, Node.id == Lock.node_id)
        .where(Node.dossier_id == folder.dossier_id)
        .cte("way", recursive=True)
    )
    further = select(way.c.lock_id, Node.parent_id).join(Node, Node.id == way.c.parent_id)
    way = way.union_all(further)
    return select(way.c.lock_id).where(way.c.parent_id == folder.id)


def require(
    work: Work,
    folders: Sequence[Node],
    node: Node | None,
    *,
    membership: bool = False,
    deep: bool = False,
) -> None:
    """Raise Locked unless the actor submitted a token of every lock that guards the change.

    ``membership``: a name is added to, or taken from, the last folder. ``deep``: everything below
    ``node`` changes too. On his own unfinished deposit an author needs no token: Windows and davfs2
    lose theirs, and nobody else can hold one.
    """
    guards = over(work, folders, node, membership=membership)
    if deep and node is not None:
        guards += below(work, node)
    own = node is not None and node.is_open and node.author_id == work.actor.id
    by_node: dict[int, list[Lock]] = {}
    for lock in guards:
        if not lock.courtesy and not (own and node is not None and lock.node_id == node.id):
            by_node.setdefault(lock.node_id, []).append(lock)
    for locks in by_node.values():
        # One's own token is enough among several shared locks; a stolen one is worth nothing.
        if not any(_submitted(work, lock) for lock in locks):
            raise Locked(
                "Ce document est en cours de modification par quelqu'un d'autre, ou dans un autre "
                "programme.",
                phrase="Document verrouille",
                condition="lock-token-submitted",
            )
    for lock in guards:
        if lock.token in work.client.tokens and lock.user_id == work.actor.id:
            lock.used = work.now


def _submitted(work: Work, lock: Lock) -> bool:
    """Whether the actor has shown that he knows of ``lock``, which is his: by its token, or by
    being the very program that took it and is known to forget tokens."""
    if lock.user_id != work.actor.id:
        return False
    forgotten = not work.client.tokens and work.client.program.forgets_token
    return lock.token in work.client.tokens or (forgotten and lock.agent == work.client.family)


def grant(
    work: Work,
    node: Node,
    *,
    exclusive: bool,
    infinite: bool,
    owner: str,
    timeout: int,
    courtesy: bool = False,
) -> Lock:
    """A new lock on ``node``; the caller has made sure that none is in its way.

    Raises Full for an account that has too many.
    """
    _require_room(work, node)
    lock = Lock(
        token=f"opaquelocktoken:{uuid4()}",
        node_id=node.id,
        user_id=work.actor.id,
        exclusive=exclusive,
        infinite=infinite,
        owner=owner,
        timeout=timeout,
        expires=work.now + timedelta(seconds=timeout),
        used=work.now,
        agent=work.client.family,
        courtesy=courtesy,
    )
    work.session.add(lock)
    work.session.flush()
    return lock


def _require_room(work: Work, node: Node) -> None:
    """A lock costs every writer that it is looked at: nobody heaps them up."""
    own = (Lock.user_id == work.actor.id, Lock.expires > work.now)
    count = select(func.count(Lock.id)).where(*own)
    here = work.session.scalar(count.where(Lock.node_id == node.id)) or 0
    everywhere = work.session.scalar(count) or 0
    if here >= MOST_ON_ONE or everywhere >= work.settings.limits.locks_per_user:
        raise Full(
            "Trop de verrous sont posés par ce compte : fermez des documents, puis recommencez.",
            phrase="Trop de verrous",
        )


def in_the_way(
    work: Work, folders: Sequence[Node], node: Node, *, exclusive: bool, infinite: bool
) -> list[Lock]:
    """The locks that forbid a new one on ``node`` (RFC 4918 §6.2)."""
    others = over(work, folders, node)
    if infinite:
        others += below(work, node)
    return [lock for lock in others if not lock.courtesy and (exclusive or lock.exclusive)]


def bounded(timeout: int | None, *, infinite: bool, courtesy: bool = False) -> int:
    """The seconds granted for the seconds asked (None: not said). A courtesy is short: while it
    lasts its owner may believe that he can still write."""
    if courtesy:
        return SHORTEST
    longest = LONGEST_INFINITE if infinite else LONGEST
    return USUAL if timeout is None else max(SHORTEST, min(longest, timeout))


def drop_in(work: Work, node: Node) -> None:
    """As :func:`drop_on`, for ``node`` and all below it."""
    lying = or_(Lock.node_id == node.id, Lock.id.in_(_ids_below(node)))
    work.session.execute(delete(Lock).where(lying).execution_options(synchronize_session="fetch"))


def drop_on(work: Work, nodes: Iterable[Node]) -> None:
    """A moved resource leaves its locks behind (RFC 4918 §7.5, §9.9)."""
    ids = [node.id for node in nodes]
    if ids:
        work.session.execute(delete(Lock).where(Lock.node_id.in_(ids)))


def endless(work: Work) -> list[Lock]:
    """Locks that end later than one that is granted now can: the clock was put back meanwhile."""
    latest = work.now + timedelta(seconds=LONGEST)
    return list(work.session.scalars(select(Lock).where(Lock.expires > latest)))


def past(work: Work) -> list[Lock]:
    """Locks that are over: they count for nothing already."""
    return list(work.session.scalars(select(Lock).where(Lock.expires < work.now)))


def settle(work: Work) -> None:
    """Forget the locks that are over; have those that a clock put back made endless last as long,
    from now on, as they were granted for."""
    for lock in past(work):
        work.session.delete(lock)
    for lock in endless(work):
        lock.used = work.now
        lock.expires = work.now + timedelta(seconds=lock.timeout)
