"""PUT: content under a name, in two halves, before and after the bytes have come."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from davserver.alerts import outbox
from davserver.errors import Conflict, Refused
from davserver.model import Dossier, MessageKind, Node, NodeKind, NodeState
from davserver.policy.side_names import SideKind
from davserver.tree import changes, holding, locks, publication, side_files, verbs, write
from davserver.tree.lookup import Path, Spot, find, find_held
from davserver.tree.write import EMPTY, Content
from davserver.work import Work

RECEIVING = 30.0  # seconds that a transfer is believed to go on after a client's longest pause

Guard = Callable[[Work, Spot], None]
"""The client's conditions: raises PreconditionFailed when they do not hold."""


@dataclass(frozen=True)
class Put:
    """What a PUT made: the node as it is now, whether its name was free before, and whether the
    document bears the date that the client told."""

    node: Node
    created: bool
    dated: bool = False


@dataclass(frozen=True)
class Held:
    """The name of which a transfer keeps hold, and whether it was free before."""

    node_id: int
    taken: bool


def announce(work: Work, path: Path, size: int | None, guard: Guard) -> Spot:
    """Judge a PUT of ``size`` bytes (None: not known) before a byte of it is read.

    Raises what :func:`store` would raise as things stand, so that a refusal costs no transfer. A
    possible repeat of what is already deposited is let through: only its hash can tell.
    """
    spot = find(work, path)
    if spot.node is not None and _may_repeat(work, spot, spot.node, size):
        return spot
    _check(work, spot, size, guard)
    return spot


def no_condition(work: Work, spot: Spot) -> None:
    """The guard of who sets no conditions."""


def is_own_unfinished(work: Work, spot: Spot) -> bool:
    """Whether the actor is about to write to a deposit of his that may be sealed meanwhile."""
    return spot.node is not None and spot.seen and spot.node.is_open


def reserve(work: Work, path: Path, size: int, guard: Guard) -> Held | None:
    """Take the name of a deposit of which ``size`` bytes have come and more are coming, or keep it
    from being sealed meanwhile: for as long as a client may pause, and a little more. Judges the
    size so far, so that an endless body ends soon, and the client's conditions: of a name that it
    takes itself they would hold later, though what they mean has gone.

    None where no name is to be held. :func:`release` undoes it if the rest never comes.
    """
    spot = find_held(work, path)
    dossier, _ = spot.place()
    if spot.node is not None and _may_repeat(work, spot, spot.node, None):
        return None
    _check(work, spot, size, guard)
    until = work.now + timedelta(seconds=work.settings.server.idle_timeout + RECEIVING)
    if spot.node is not None and is_own_unfinished(work, spot):
        deposit = write.open_deposit(work, dossier, spot.folders, spot.node)
        deposit.receiving_until = until
        return Held(spot.node.id, taken=False)
    if spot.node is not None or verbs.is_side(work, spot):
        return None
    if not write.deposits_here(work, dossier, spot.folders):
        return None
    node = create(work, dossier, spot, EMPTY)
    deposit = write.open_deposit(work, dossier, spot.folders, node)
    deposit.receiving_until = until
    return Held(node.id, taken=True)


def release(work: Work, held: Held) -> None:
    """Undo :func:`reserve` for a body that never came whole, wherever its name is by now."""
    node = work.session.get(Node, held.node_id)
    if node is None:
        return
    dossier = work.session.get_one(Dossier, node.dossier_id)
    if work.hold(dossier) and (node := work.session.get(Node, held.node_id)) is None:
        return
    deposit = write.deposit_of(work, node)
    if deposit is not None:
        deposit.receiving_until = None
    if held.taken and node.state is NodeState.RESERVED:
        write.remove_tree(work, dossier, node)


def store(
    work: Work,
    path: Path,
    content: Content,
    guard: Guard,
    dated: datetime | None = None,
    *,
    was_free: bool = False,
) -> Put:
    """Put whole, durable content under ``path``. ``dated``: the date of the document, if the
    client tells one; ``was_free``: whether the name was free for the actor when the transfer began.

    Judges everything again: what was permitted when the transfer began may be refused now. Raises
    Conflict (no parent; another content came under a name that was free), NotAllowed (a folder has
    the name), Locked, Refused, PreconditionFailed.
    """
    spot = find_held(work, path)
    dossier, _ = spot.place()
    node = spot.node
    if node is not None and _repeats(work, spot, node, content):
        return Put(node, created=False, dated=dated is not None and dated == node.modified)
    _check(work, spot, content.size, guard)
    _inspect_side(work, spot, content)
    kind = verbs.side_kind(work, spot)
    if was_free and node is not None and node.state is not NodeState.SIDE:
        _require_same(node, content)
    created = node is None
    if node is None:
        node = create(work, dossier, spot, content)
    else:
        _replace(work, dossier, spot, node, content)
    if kind is SideKind.TEMPORARY and content.size:
        # It may become a deposit, and then this is when it came.
        _record(work, "temporary.receive", dossier, spot, node)
    return Put(node, created, dated=write.date(work, node, dated))


def adopt(work: Work, dossier: Dossier, spot: Spot, temporary: Node) -> None:
    """Give the content of a side file to the document at ``spot``: how programs save.

    The caller has asked the gate, and removes the side file.
    """
    content = write.content_of(work, temporary)
    node = spot.node
    if node is None:
        node = create(work, dossier, spot, content)
    else:
        _replace(work, dossier, spot, node, content)
    deposit = write.deposit_of(work, node) if node.state is NodeState.RECEIVED else None
    if deposit is not None:
        # What counts is when its last byte came, not when it was given its name.
        deposit.received_at = temporary.written


def _check(work: Work, spot: Spot, size: int | None, guard: Guard) -> None:
    known = spot.as_seen()
    guard(work, known)
    work.gate.require(verbs.put(work, known, size))
    spot.require_free()
    if verbs.is_side(work, spot):
        side_files.require_room(work, size or 0)
    locks.require(work, spot.folders, spot.node, membership=spot.node is None)


def _require_same(node: Node, content: Content) -> None:
    """Two transfers to one free name met, of one account perhaps: the second must not destroy what
    the first has brought, of which its author knows nothing."""
    if node.size and node.sha256 != content.sha256:
        raise Conflict(
            "Un autre fichier vient d'arriver sous ce nom : donnez-en un autre au vôtre.",
            phrase="Nom pris a l'instant",
        )


def _may_repeat(work: Work, spot: Spot, node: Node, size: int | None) -> bool:
    """Whether this may be a PUT that succeeded already, its answer lost on the way."""
    recent = node.written > work.now - timedelta(seconds=work.settings.deposit.replay)
    return (
        node.is_piece
        and spot.seen
        and node.author_id == work.actor.id
        and recent
        and (size is None or size == node.size)
    )


def _repeats(work: Work, spot: Spot, node: Node, content: Content) -> bool:
    return _may_repeat(work, spot, node, content.size) and node.sha256 == content.sha256


def _inspect_side(work: Work, spot: Spot, content: Content) -> None:
    """Litter is absorbed only if it is litter; this is known once its bytes are there."""
    if verbs.is_side(work, spot):
        for action in verbs.put(work, spot, content.size):
            decision = work.gate.inspect(action, content.head)
            if decision is not None:
                raise Refused(decision.reason, phrase=decision.phrase, rule=decision.rule)


def create(
    work: Work, dossier: Dossier, spot: Spot, content: Content, *, side: bool | None = None
) -> Node:
    """A new file at a free ``spot``, in the state that its place and content give it. ``side``:
    whether it is a side file; None: as its name says.

    The caller has asked the gate.
    """
    _, parent = spot.place()
    if side is None:
        side = verbs.is_side(work, spot)
    deposit = not side and write.deposits_here(work, dossier, spot.folders)
    if side:
        state = NodeState.SIDE
    elif content.size == 0:
        state = NodeState.RESERVED
    elif deposit or not publication.permits(work, dossier, spot.folders, spot.name, content):
        state = NodeState.RECEIVED
    else:
        state = NodeState.PUBLISHED
    node = write.new_node(work, dossier, parent, spot.name, NodeKind.FILE, state, content)
    if node.is_open:
        _note_unfinished(work, dossier, spot, node)
    elif state is NodeState.PUBLISHED:
        publish(work, dossier, spot, node)
    return node


def keep_aside(work: Work, dossier: Dossier, spot: Spot, content: Content) -> None:
    """Keep what a document held before it was saved, as the actor's side file at ``spot``."""
    node = create(work, dossier, spot, content, side=True)
    if content.size:
        _record(work, "temporary.receive", dossier, spot, node)


def _replace(work: Work, dossier: Dossier, spot: Spot, node: Node, content: Content) -> None:
    before = node.sha256
    if node.state is NodeState.PUBLISHED:
        # What others have stays as it is until they may have the new content.
        publication.require(work, dossier, spot.folders, node.name, content)
    write.fill(work, dossier, node, content)
    if node.is_open and publishes(work, dossier, spot, content):
        deposit = write.deposit_of(work, node)
        if deposit is not None:
            work.session.delete(deposit)
        publish(work, dossier, spot, node)
    elif node.is_open:
        # Programs that truncate before they write: empty content is a reservation again.
        node.state = NodeState.RECEIVED if content.size else NodeState.RESERVED
        _note_unfinished(work, dossier, spot, node)
    elif node.state is NodeState.PUBLISHED:
        place = write.path_of(spot.folders, node.name)
        write.record(work, "file.replace", dossier, path=place, sha256=node.sha256, before=before)


def _note_unfinished(work: Work, dossier: Dossier, spot: Spot, node: Node) -> None:
    deposit = write.open_deposit(work, dossier, spot.folders, node)
    deposit.received_at = work.now if node.state is NodeState.RECEIVED else None
    deposit.receiving_until = None
    holding.begin_anew(deposit)
    came = node.state is NodeState.RECEIVED
    _record(work, "deposit.receive" if came else "deposit.reserve", dossier, spot, node)


def _record(work: Work, act: str, dossier: Dossier, spot: Spot, node: Node) -> None:
    write.record(
        work,
        act,
        dossier,
        path=write.path_of(spot.folders, node.name),
        size=node.size,
        sha256=node.sha256,
        agent=work.client.agent[:120],
    )


def publishes(work: Work, dossier: Dossier, spot: Spot, content: Content) -> bool:
    """Whether what the actor's own unfinished file has now is shown to others at once."""
    return (
        content.size > 0
        and not write.deposits_here(work, dossier, spot.folders)
        and publication.permits(work, dossier, spot.folders, spot.name, content)
    )


def publish(work: Work, dossier: Dossier, spot: Spot, node: Node) -> None:
    """Show to everybody with the right what its author alone saw, where it is not a deposit."""
    node.state = NodeState.PUBLISHED
    changes.shown(work, dossier, node)
    place = write.path_of(spot.folders, node.name)
    write.record(work, "file.publish", dossier, path=place, size=node.size, sha256=node.sha256)
    outbox.announce(
        work, MessageKind.PUBLICATION, dossier, spot.folders, node, author_id=work.actor.id
    )
