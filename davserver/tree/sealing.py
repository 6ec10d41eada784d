"""The background half of a deposit: sealing what is quiet, freeing what was never finished.

Any number of processes may run this; each deposit is dealt with in a transaction of its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import exists, or_, select

from davserver import journal
from davserver.alerts import outbox
from davserver.alerts.letter import french_moment
from davserver.model import (
    LIVE_STATES,
    Blob,
    Deposit,
    Dossier,
    Lock,
    MessageKind,
    Node,
    NodeState,
    User,
)
from davserver.names import name_key
from davserver.policy import HEAD, Act, Decision
from davserver.settings import DepositSettings
from davserver.tree import changes, holding, locks, publication, write
from davserver.tree.lookup import ROOT_ID
from davserver.work import Work


@dataclass(frozen=True)
class Fate:
    """What is to become of an unfinished deposit, and when (UTC)."""

    seal: bool
    at: datetime


def fate(deposit: Deposit, state: NodeState, times: DepositSettings, *, held: bool) -> Fate:
    """When a deposit is sealed or freed if nothing more happens (clients differ in how they write).

    Content: a while after the last word of its author, shorter for programs that lock and unlock;
    while a program still holds its lock, longer after the last content; at once where its author
    may modify it anyway. No content: freed once its lock is gone and the reservation has run out.
    ``held``: a program holds a lock on it.
    """
    if state is NodeState.RECEIVED and deposit.received_at is not None:
        if deposit.direct:
            return Fate(True, deposit.received_at)
        if held:
            return Fate(True, deposit.received_at + timedelta(seconds=times.held_lock))
        quiet = times.quiet_locked if deposit.used_lock else times.quiet_unlocked
        return Fate(True, deposit.touched_at + timedelta(seconds=quiet))
    last = deposit.opened_at + timedelta(seconds=times.reservation_limit)
    if held:
        return Fate(False, last)
    return Fate(False, min(last, deposit.touched_at + timedelta(seconds=times.reservation)))


def due(work: Work) -> list[int]:
    """The ids of the deposits that are to be sealed or freed by now, oldest first."""
    times = work.settings.deposit
    shortest = min(times.quiet_locked, times.quiet_unlocked, times.reservation)
    held = exists().where(
        Lock.node_id == Node.id, Lock.courtesy.is_(False), Lock.expires > work.now
    )
    rows = work.session.execute(
        select(Deposit, Node.state, Dossier, held)
        .join(Node, Node.id == Deposit.node_id)
        .join(Dossier, Dossier.id == Deposit.dossier_id)
        .where(
            Deposit.sealed_at.is_(None),
            Deposit.rejected_at.is_(None),
            or_(Deposit.look_at.is_(None), Deposit.look_at <= work.now),
            or_(
                Deposit.touched_at <= work.now - timedelta(seconds=shortest),
                Deposit.direct,
                Dossier.state.not_in(LIVE_STATES),
            ),
        )
        .order_by(Deposit.touched_at)
    )
    return [
        deposit.id
        for deposit, state, dossier, is_held in rows
        if _fate(work, dossier, deposit, state, held=is_held).at <= work.now
    ]


def _fate(work: Work, dossier: Dossier, deposit: Deposit, state: NodeState, *, held: bool) -> Fate:
    """As :func:`fate`, while content may be on its way, and in a dossier that may be closed: what
    came whole before the closing is a deposit, what was only announced is none."""
    if dossier.state in LIVE_STATES:
        if deposit.receiving_until is not None and deposit.receiving_until > work.now:
            return Fate(False, deposit.receiving_until)
        return fate(deposit, state, work.settings.deposit, held=held)
    in_time = deposit.received_at is not None and deposit.received_at <= dossier.state_since
    return Fate(in_time and state is NodeState.RECEIVED, work.now)


def settle(work: Work, deposit_id: int) -> bool:
    """Seal, hold, reject or free one deposit if it is time, in this transaction. False: it is still
    unfinished, or was dealt with."""
    found = unfinished(work, deposit_id)
    if found is None:
        return False
    deposit, dossier, node = found
    held = any(not lock.courtesy for lock in locks.of(work, [node]))
    what = _fate(work, dossier, deposit, node.state, held=held)
    if what.at > work.now:
        return False
    folders = folders_of(work, node)
    if not what.seal:
        _free(work, dossier, folders, node, deposit)
        return True
    if (first := _repeated(work, dossier, folders, node, deposit)) is not None:
        _drop(work, dossier, folders, node, deposit, first)
        return True
    if (refusal := _inspected(work, dossier, folders, node, deposit)) is not None:
        turn_away(work, dossier, folders, node, deposit, refusal.reason, rule=refusal.rule)
        return True
    content = write.content_of(work, node)
    decision = publication.judged(work, dossier, folders, node.name, content, node=node)
    if not decision.allowed:
        holding.hold(work, dossier, folders, node, deposit, decision)
        return False
    holding.begin_anew(deposit)
    seal(work, dossier, folders, node, deposit)
    return True


def unfinished(work: Work, deposit_id: int) -> tuple[Deposit, Dossier, Node] | None:
    """An unfinished deposit with its dossier, which is held from here on; None for any other."""
    deposit = work.session.get(Deposit, deposit_id)
    if deposit is None:
        return None
    # The dossier before anything in it, as all writers do: no two wait for each other.
    dossier = work.session.get_one(Dossier, deposit.dossier_id)
    if work.hold(dossier):
        deposit = work.session.get(Deposit, deposit_id)
    if deposit is None or deposit.sealed_at or deposit.rejected_at or deposit.node_id is None:
        return None
    return deposit, dossier, work.session.get_one(Node, deposit.node_id)


def folders_of(work: Work, node: Node) -> list[Node]:
    """The folders that lead to ``node``, from the source folder down."""
    folders: list[Node] = []
    parent_id = node.parent_id
    while parent_id is not None and parent_id != ROOT_ID:
        parent = work.session.get_one(Node, parent_id)
        folders.insert(0, parent)
        parent_id = parent.parent_id
    return folders


def _repeated(
    work: Work, dossier: Dossier, folders: list[Node], node: Node, deposit: Deposit
) -> Deposit | None:
    """The deposit that this one would be once more: of the same account, in the same box, by the
    same way and name, with the same content. The expert has filed it, else its name were taken.

    Programs that copy a folder send again whatever they do not find there.
    """
    if deposit.box_id is None or not node.size:
        return None
    way = name_key(write.path_of(folders, node.name))
    # The journal is asked of the pieces of this name alone: one content may have come many times.
    for first in work.session.scalars(
        select(Deposit).where(
            Deposit.dossier_id == dossier.id,
            Deposit.box_id == deposit.box_id,
            Deposit.author_id == deposit.author_id,
            Deposit.sha256 == node.sha256,
            Deposit.number.is_not(None),
        )
    ):
        if first.sealed_at is not None and name_key(first.name) == node.name_key:
            # Where it lay then the journal alone knows: it lies elsewhere now.
            lines = journal.told(work.session, "deposit.seal", dossier.id, first.sealed_at)
            if any((f["number"], name_key(f["path"])) == (first.number, way) for f in lines):
                return first
    return None


def _drop(
    work: Work,
    dossier: Dossier,
    folders: list[Node],
    node: Node,
    deposit: Deposit,
    first: Deposit,
) -> None:
    """Remove what would be a second deposit of one piece; its author is told of the first."""
    sealed = french_moment(first.sealed_at) if first.sealed_at is not None else ""
    reason = f"déposée {sealed} sous le numéro D-{first.number:06}"
    _tell(work, MessageKind.REPEATED, dossier, folders, node, deposit, reason)
    write.record(
        work,
        "deposit.repeat",
        dossier,
        path=write.path_of(folders, node.name),
        number=first.number,
        sha256=node.sha256,
    )
    write.remove_tree(work, dossier, node)


def seal(work: Work, dossier: Dossier, folders: list[Node], node: Node, deposit: Deposit) -> None:
    """Publish the piece, number it, write its line and queue its alert: one transaction.

    Size, hash and date of the file do not change: clients compare them.
    """
    node.state = NodeState.PUBLISHED
    fresh = [folder for folder in folders if folder.state is NodeState.RESERVED]
    for folder in fresh:
        folder.state = NodeState.PUBLISHED
    for published in (*fresh, node):
        changes.shown(work, dossier, published)
    # A lock that its author never gave back must not keep the expert from filing the piece.
    locks.drop_on(work, [node, *fresh])
    mention = deposit.reason
    if deposit.box_id is None:
        # Not in a mailbox: an ordinary file that was not shown while it was unfinished.
        work.session.delete(deposit)
        write.record(
            work, "file.publish", dossier, path=write.path_of(folders, node.name),
            size=node.size, sha256=node.sha256,
        )  # fmt: skip
        outbox.announce(
            work, MessageKind.PUBLICATION, dossier, folders, node, author_id=deposit.author_id,
            reason=mention,
        )  # fmt: skip
        return
    node.number = deposit.number = dossier.next_number
    dossier.next_number += 1
    deposit.sealed_at = work.now
    deposit.name, deposit.size, deposit.sha256 = node.name, node.size, node.sha256
    if dossier.deadline is not None and deposit.received_at is not None:
        late = (deposit.received_at - dossier.deadline).total_seconds()
        deposit.late_seconds = max(0, ceil(late))  # the first millisecond is late
    write.record(
        work,
        "deposit.seal",
        dossier,
        number=deposit.number,
        path=write.path_of(folders, node.name),
        author=work.session.get_one(User, deposit.author_id).login,
        size=node.size,
        sha256=node.sha256,
        received_at=deposit.received_at,
        late_seconds=deposit.late_seconds,
    )
    outbox.announce(
        work,
        MessageKind.DEPOSIT,
        dossier,
        folders,
        node,
        author_id=deposit.author_id,
        late_seconds=deposit.late_seconds,
        reason=mention,
    )


def _inspected(
    work: Work, dossier: Dossier, folders: list[Node], node: Node, deposit: Deposit
) -> Decision | None:
    """What the policies that inspect content have against a deposit. What somebody may modify is
    his own to publish."""
    if deposit.direct:
        return None
    blob = work.session.get(Blob, node.blob_id) if node.blob_id is not None else None
    head = next(work.blobs.read(blob.key, 0, HEAD), b"") if blob is not None else b""
    action = work.action(Act.COMPLETE, dossier, folders, node, size=node.size)
    return work.gate.inspect(action, head)


def turn_away(
    work: Work,
    dossier: Dossier,
    folders: list[Node],
    node: Node,
    deposit: Deposit,
    reason: str,
    *,
    rule: str,
) -> None:
    """Remove the file, keep the proof that it came, and tell its author."""
    holding.begin_anew(deposit)
    deposit.rejected_at = work.now
    deposit.reason = reason[:400]
    deposit.size, deposit.sha256 = node.size, node.sha256
    _tell(work, MessageKind.REJECTED, dossier, folders, node, deposit, deposit.reason)
    write.record(
        work,
        "deposit.reject",
        dossier,
        path=write.path_of(folders, node.name),
        sha256=node.sha256,
        rule=rule,
        reason=deposit.reason,
    )
    deposit.node_id = None
    work.session.flush()
    write.remove_tree(work, dossier, node)


def _free(work: Work, dossier: Dossier, folders: list[Node], node: Node, deposit: Deposit) -> None:
    """Free a name under which nothing came; its author is told."""
    if deposit.box_id is None and dossier.state in LIVE_STATES:
        # An empty file in an ordinary folder may be meant so: it is shown as it is.
        seal(work, dossier, folders, node, deposit)
        return
    _tell(work, MessageKind.UNFINISHED, dossier, folders, node, deposit, "")
    write.record(work, "deposit.expire", dossier, path=write.path_of(folders, node.name))
    write.remove_tree(work, dossier, node)


def _tell(
    work: Work,
    kind: MessageKind,
    dossier: Dossier,
    folders: list[Node],
    node: Node,
    deposit: Deposit,
    reason: str,
) -> None:
    outbox.tell(work, kind, dossier, folders, node.name, author_id=deposit.author_id, reason=reason)
