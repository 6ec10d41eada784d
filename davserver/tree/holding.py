"""Deposits that are whole and may not be shown: kept for their author, told to him and the expert.

One without verdict waits and is told after a while; one with a bad verdict waits for the expert's
decision, and is told at once.
"""

from datetime import timedelta

from davserver.alerts import outbox
from davserver.model import Deposit, Dossier, Node
from davserver.policy import Decision
from davserver.tree import write
from davserver.work import Work

SOON, LATER = timedelta(seconds=15), timedelta(seconds=600)  # until it is looked at again


def hold(
    work: Work,
    dossier: Dossier,
    folders: list[Node],
    node: Node,
    deposit: Deposit,
    decision: Decision,
) -> None:
    """Keep ``deposit`` from being shown, for the reason of ``decision``."""
    reason = decision.reason[:400]
    if deposit.held_at is None or deposit.reason != reason:
        deposit.held_at = deposit.held_at or work.now
        deposit.reason = reason
        deposit.held_told = False
    patience = work.settings.antivirus.tell_after if decision.passes else 0.0
    tell_at = deposit.held_at + timedelta(seconds=patience)
    if not deposit.held_told and tell_at <= work.now:
        _tell(work, dossier, folders, node, deposit, decision)
        deposit.held_told = True
    deposit.look_at = work.now + LATER
    if decision.passes:
        deposit.look_at = work.now + SOON
        if not deposit.held_told:
            deposit.look_at = min(tell_at, deposit.look_at)


def begin_anew(deposit: Deposit) -> None:
    """Another content has come: what was said of the one before is past."""
    deposit.held_at = None
    deposit.held_told = False
    deposit.reason = ""
    look_again(deposit)


def look_again(deposit: Deposit) -> None:
    """Have the deposit looked at in the next round."""
    deposit.look_at = None


def _tell(
    work: Work,
    dossier: Dossier,
    folders: list[Node],
    node: Node,
    deposit: Deposit,
    decision: Decision,
) -> None:
    write.record(
        work,
        "deposit.hold",
        dossier,
        path=write.path_of(folders, node.name),
        size=node.size,
        sha256=node.sha256,
        received_at=deposit.received_at,
        rule=decision.rule,
        reason=deposit.reason,
    )
    # The hash is the proof of what was sent, whatever becomes of it.
    told = f"{deposit.reason} Empreinte SHA-256 : {node.sha256}."
    outbox.tell_held(work, dossier, folders, node.name, author_id=deposit.author_id, reason=told)
