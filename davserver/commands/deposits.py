"""``davserver deposits``: what was deposited, and in which state it is."""

from typing import Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import aliased

from davserver.commands.options import AnyDossier, Config, Data, Json, reading
from davserver.commands.output import instant, print_json, print_table
from davserver.dossiers import lifecycle
from davserver.dossiers.export import deposit_number
from davserver.model import Deposit, Dossier, Node, NodeState, User
from davserver.tree.sealing import folders_of
from davserver.tree.write import path_of
from davserver.work import Work

group = typer.Typer()


@group.command("list")
def list_(
    dossier: AnyDossier = None, as_json: Json = False, data: Data = None, config: Config = None
) -> None:
    """List the deposits: unfinished, sealed and rejected ones."""
    with reading(config, data) as work:
        box = aliased(Node)
        wanted = (
            select(Deposit, Dossier.title, User.login, Node, box)
            .join(Dossier, Dossier.id == Deposit.dossier_id)
            .join(User, User.id == Deposit.author_id)
            .outerjoin(Node, Node.id == Deposit.node_id)
            .outerjoin(box, box.id == Deposit.box_id)
            .order_by(Deposit.id)
        )
        if dossier is not None:
            wanted = wanted.where(Deposit.dossier_id == lifecycle.find(work.session, dossier).id)
        rows = [_shown(work, *row) for row in work.session.execute(wanted)]
    if as_json:
        print_json(rows)
        return
    keys = ("number", "state", "author", "name", "size", "received_at", "sealed_at", "box")
    print_table(keys, ([row[key] for key in keys] for row in rows))


def _shown(
    work: Work,
    deposit: Deposit,
    title: str,
    author: str | None,
    node: Node | None,
    box: Node | None,
) -> dict[str, Any]:
    return {
        "number": None if deposit.number is None else deposit_number(deposit.number),
        "name": deposit.name,
        "author": author,
        "state": _state(deposit, node),
        "size": deposit.size,
        "sha256": deposit.sha256,
        "opened_at": instant(deposit.opened_at),
        "received_at": instant(deposit.received_at),
        "sealed_at": instant(deposit.sealed_at),
        "published_at": instant(deposit.sealed_at),
        "rejected_at": instant(deposit.rejected_at),
        "reason": deposit.reason,
        "late_seconds": deposit.late_seconds,
        "dossier": title,
        "box": box.name if box else None,
        "path": f"/{title}/{path_of(folders_of(work, node), node.name)}" if node else None,
        "channel": deposit.channel,
    }


def _state(deposit: Deposit, node: Node | None) -> str:
    if deposit.rejected_at is not None:
        return "rejected"
    if deposit.sealed_at is not None:
        return "sealed"
    return "reserved" if node is None else NodeState(node.state).value
