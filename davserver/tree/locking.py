"""LOCK and UNLOCK (RFC 4918 §9.10, §9.11), with what a deposit needs of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select

from davserver.errors import Conflict, Locked, PreconditionFailed, Refused
from davserver.model import Lock, Node
from davserver.policy.rights import Rights
from davserver.tree import locks, put, verbs, write
from davserver.tree.lookup import Path, find, find_held
from davserver.tree.members import among, below
from davserver.tree.put import Guard
from davserver.tree.write import EMPTY
from davserver.work import Work

IDLE = timedelta(minutes=2)  # an unused lock that its own author's program asks for again


@dataclass(frozen=True)
class Wanted:
    """What the client asks for. ``owner`` is its XML; ``timeout`` seconds, None if not said."""

    exclusive: bool
    infinite: bool
    owner: str
    timeout: int | None


def lock(work: Work, path: Path, wanted: Wanted, guard: Guard) -> tuple[Lock, Node, bool]:
    """Lock what stands at ``path``, or reserve a free name. Returns the lock, its node, and whether
    the name was free (RFC 4918 §7.3).

    Raises Locked when another lock is in the way, or the piece is sealed; Refused, Conflict.
    """
    spot = find_held(work, path)
    if spot.is_root:
        raise Refused("La racine ne se verrouille pas.")
    known = spot.as_seen()
    dossier, _ = known.place() if known.node is None else known.existing()
    guard(work, known)
    infinite = wanted.infinite and known.is_folder
    timeout = locks.bounded(wanted.timeout, infinite=infinite)
    if known.node is None:
        work.gate.require(verbs.lock(work, known, []))
        spot.require_free()
        locks.require(work, spot.folders, None, membership=True)
        node = put.create(work, dossier, spot, EMPTY)
        granted = locks.grant(
            work,
            node,
            exclusive=wanted.exclusive,
            infinite=False,
            owner=wanted.owner,
            timeout=timeout,
        )
        _mark_used(work, node)
        return granted, node, True
    node = known.node
    if node.is_piece:
        return _courtesy(work, node, wanted), node, False
    inside = below(work, spot.folders, node) if wanted.infinite else []
    work.gate.require(verbs.lock(work, known, inside))
    for other in locks.in_the_way(
        work, spot.folders, node, exclusive=wanted.exclusive, infinite=wanted.infinite
    ):
        if _abandoned(work, node, other):
            work.session.delete(other)
        else:
            raise Locked(
                "Ce document est déjà verrouillé.",
                phrase="Document deja verrouille",
                condition="no-conflicting-lock",
            )
    granted = locks.grant(
        work,
        node,
        exclusive=wanted.exclusive,
        infinite=infinite,
        owner=wanted.owner,
        timeout=timeout,
    )
    _mark_used(work, node)
    return granted, node, False


def refresh(work: Work, path: Path, timeout: int | None) -> Lock:
    """Prolong the lock whose token was submitted (RFC 4918 §9.10.2); it may lie on a parent."""
    _require_writer(work)
    spot = find(work, path)
    _, node = spot.existing()
    for held in locks.over(work, spot.folders, node):
        if held.token in work.client.tokens and held.user_id == work.actor.id:
            held.timeout = locks.bounded(timeout, infinite=held.infinite, courtesy=held.courtesy)
            held.expires = work.now + timedelta(seconds=held.timeout)
            held.used = work.now
            _mark_used(work, node)
            work.session.flush()
            return held
    raise PreconditionFailed(
        "Ce verrou n'existe plus.", phrase="Verrou inconnu", condition="lock-token-submitted"
    )


def unlock(work: Work, path: Path, token: str) -> None:
    """Give a lock back. Its author's own unfinished or sealed piece takes any token, and so does
    the name of one that he dropped: the lock may be gone already.

    Raises Conflict for a token of another resource, Refused for another's lock.
    """
    _require_writer(work)
    spot = find(work, path)
    known = spot.as_seen()
    if known.node is None and known.dossier is not None and known.parent is not None:
        if Rights.ADD in work.rights_in(known.dossier, known.folders):
            return
    _, node = spot.existing()
    held = next(
        (lock for lock in locks.over(work, spot.folders, node) if lock.token == token), None
    )
    if held is not None and held.user_id != work.actor.id:
        raise Refused("Ce verrou n'est pas le vôtre.", phrase="Verrou d'autrui")
    if held is not None:
        work.session.execute(delete(Lock).where(Lock.id == held.id))
    elif not (node.author_id == work.actor.id and (node.is_open or node.is_piece)):
        raise Conflict(
            "Ce verrou n'est pas posé ici.",
            phrase="Verrou inconnu ici",
            condition="lock-token-matches-request-uri",
        )
    _mark_used(work, node)
    work.session.flush()


def _require_writer(work: Work) -> None:
    """The locks of a person are not for a device of his that only reads."""
    device = work.actor.device
    if device is not None and Rights.ADD not in device.rights:
        raise Refused(
            f"L'appareil « {device.name} » ne fait que lire.", phrase="Appareil en lecture seule"
        )


def _courtesy(work: Work, node: Node, wanted: Wanted) -> Lock:
    """Programs reopen what they have just written: for a short while they get a lock that protects
    nothing. Later a sealed piece answers « locked », which Office shows as « read-only »."""
    _require_writer(work)
    if write.just_sealed(work, node) and work.client.program.reopens:
        return locks.grant(
            work,
            node,
            exclusive=wanted.exclusive,
            infinite=False,
            owner=wanted.owner,
            timeout=locks.bounded(wanted.timeout, infinite=False, courtesy=True),
            courtesy=True,
        )
    sentence = "Cette pièce est déposée : elle s'ouvre en lecture seule."
    phrase = "Piece deposee - lecture seule"
    if work.client.program.refused_lock == 403:
        raise Refused(sentence, phrase=phrase, rule="mailbox")
    raise Locked(sentence, phrase=phrase)


def _abandoned(work: Work, node: Node, other: Lock) -> bool:
    """Whether ``other`` is the author's own, from the same program, and has long been idle."""
    return (
        node.is_open
        and other.node_id == node.id
        and other.user_id == work.actor.id
        and other.agent == work.client.family
        and other.used < work.now - IDLE
    )


def _mark_used(work: Work, node: Node) -> None:
    """The quiet time of a deposit begins anew, and is the shorter one of programs that lock."""
    deposit = write.deposit_of(work, node) if node.is_open else None
    if deposit is not None:
        deposit.used_lock = True
        deposit.touched_at = work.now


def live_on(work: Work, nodes: Iterable[Node], listed: Node | None) -> dict[int, list[Lock]]:
    """The live locks on each of ``nodes`` by node id, for the lockdiscovery property. ``listed``:
    see :func:`among`."""
    found: dict[int, list[Lock]] = {}
    for these in among(Lock.node_id, nodes, listed):
        for held in work.session.scalars(select(Lock).where(these, Lock.expires > work.now)):
            found.setdefault(held.node_id, []).append(held)
    return found
