"""The deposits, the places of their pieces, and what the journal tells of their seals."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from davserver.model import (
    Inspection,
    JournalLine,
    NodeKind,
    NodeRole,
    NodeState,
    Verdict,
)
from davserver.verify.rows import OPEN, Rows


def faults(session: Session, rows: Rows) -> Iterator[str]:
    """Every deposit has its number, its piece in its place, and its line in the journal."""
    yield from _deposits(rows)
    yield from _held(session, rows)
    yield from _places(rows)
    yield from _sealed_lines(session, rows)
    yield from _other_lines(session, rows)


def _deposits(rows: Rows) -> Iterator[str]:
    """Numbers without gap, each on its piece; what is unfinished is known as such."""
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
            if node.author_id != deposit.author_id:
                yield f"{where}: its file is another author's"
            if (node.size, node.sha256) != (deposit.size, deposit.sha256):
                yield f"{where}: its size or hash is not that of its file"
        if (deposit.sealed_at is None) != (deposit.number is None):
            yield f"{where}: sealed without a number, or numbered without seal"
        elif deposit.rejected_at is not None:
            if node is not None or deposit.number is not None:
                yield f"{where}: rejected, and yet there"
        elif deposit.number is not None:
            if deposit.received_at is None:
                yield f"{where}: sealed, and never received"
            if node is None and deposit.dossier_id in rows.living:
                yield f"{where}: the piece is gone"
            elif node is not None and node.number != deposit.number:
                yield f"{where}: its file bears the number {node.number}, not {deposit.number}"
        elif node is None or node.state not in OPEN:
            yield f"{where}: unfinished, but its file is not"
    for dossier in rows.dossiers.values():
        if sorted(numbers[dossier.id]) != list(range(1, dossier.next_number)):
            yield f"dossier {dossier.id} ({dossier.title}): its deposits are not numbered 1 to n"
    for node in rows.nodes.values():
        known = node.id in on_nodes
        where = f"node {node.id} ({rows.path(node.id)})"
        if node.number is not None and not (known and node.state == NodeState.PUBLISHED):
            yield f"{where}: numbered, but no sealed deposit"
        if node.kind == NodeKind.FILE and node.state in OPEN and not known:
            yield f"{where}: unfinished, but no deposit: nobody will ever finish it"


def _held(session: Session, rows: Rows) -> Iterator[str]:
    """What is held is not shown, and what the antivirus held was sealed by a decision alone."""
    bad = (Verdict.INFECTED, Verdict.UNSCANNABLE)
    found = select(Inspection.sha256, Inspection.at).where(Inspection.verdict.in_(bad))
    held = dict(session.execute(found).all())
    for deposit in rows.deposits:
        where = f"deposit {deposit.id} ({deposit.name})"
        if deposit.held_at is not None and (deposit.sealed_at or deposit.rejected_at):
            yield f"{where}: held, and yet sealed or rejected"
        if deposit.sealed_at is None or deposit.released_at is not None:
            continue
        # A later inspection may know more than the one before the seal.
        if deposit.sha256 in held and held[deposit.sha256] < deposit.sealed_at:
            yield f"{where}: sealed in spite of the antivirus, and nobody has decided so"


def _places(rows: Rows) -> Iterator[str]:
    """A piece lies in a mailbox or an archive, and all who may see it can get there."""
    for node in rows.nodes.values():
        if node.number is None:
            continue
        above = list(rows.above(node))
        homes = {folder.role for folder in above} & {NodeRole.MAILBOX, NodeRole.ARCHIVE}
        if not homes or {folder.state for folder in above} != {NodeState.PUBLISHED}:
            yield f"node {node.id} ({rows.path(node.id)}): a piece outside of box and archive"


def _sealed_lines(session: Session, rows: Rows) -> Iterator[str]:
    """Every sealed deposit has its line in the journal, and the line has its hash."""
    lines = {}
    for line_id, dossier_id, facts in session.execute(
        select(JournalLine.id, JournalLine.dossier_id, JournalLine.facts).where(
            JournalLine.act == "deposit.seal"
        )
    ):
        try:
            told = json.loads(facts)
            lines[dossier_id, told["number"]] = (line_id, told["size"], told["sha256"])
        except (ValueError, TypeError, KeyError):
            yield f"journal {line_id}: does not tell of the deposit that was sealed"
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


def _other_lines(session: Session, rows: Rows) -> Iterator[str]:
    """The journal tells of content that came, and of content that a policy has rejected."""
    told: dict[bool, set[str]] = {True: set(), False: set()}
    for act, facts in session.execute(select(JournalLine.act, JournalLine.facts)):
        told[act == "deposit.reject"].add(json.loads(facts).get("sha256", ""))
    for deposit in rows.deposits:
        rejected = deposit.rejected_at is not None
        if deposit.number is None and deposit.sha256 and deposit.sha256 not in told[rejected]:
            what = "rejection" if rejected else "content"
            yield f"deposit {deposit.id} ({deposit.name}): the journal does not tell of its {what}"
