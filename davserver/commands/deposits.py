"""``davserver deposits``: what was deposited, in which state it is, and what is to be decided."""

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import aliased

from davserver.commands.options import AnyDossier, Config, Data, Json, reading, writing
from davserver.commands.output import instant, print_json, print_table
from davserver.dossiers import lifecycle
from davserver.dossiers.export import deposit_number
from davserver.model import Deposit, Dossier, Node, NodeState, User
from davserver.tree import deciding
from davserver.tree.sealing import folders_of
from davserver.tree.write import path_of
from davserver.work import Work

group = typer.Typer()

Id = Annotated[int, typer.Argument(metavar="ID", help="As « deposits held » lists it.")]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; people and the journal are told.")
]


@group.command("list")
def list_(
    dossier: AnyDossier = None, as_json: Json = False, data: Data = None, config: Config = None
) -> None:
    """List the deposits: unfinished, held, sealed and rejected ones."""
    rows = _rows(config, data, dossier)
    if as_json:
        print_json(rows)
        return
    keys = ("number", "state", "author", "name", "size", "received_at", "sealed_at", "box")
    print_table(keys, ([row[key] for key in keys] for row in rows))


@group.command()
def held(
    dossier: AnyDossier = None, as_json: Json = False, data: Data = None, config: Config = None
) -> None:
    """List what is whole and not shown to others: unchecked, infected, not to be checked."""
    rows = [row for row in _rows(config, data, dossier) if row["state"] == "held"]
    if as_json:
        print_json(rows)
        return
    keys = ("id", "author", "path", "size", "received_at", "held_at", "reason")
    print_table(keys, ([row[key] for key in keys] for row in rows))


@group.command()
def release(number: Id, reason: Reason, data: Data = None, config: Config = None) -> None:
    """Publish a held deposit all the same, by the expert's decision; the seal mentions it."""
    with writing(config, data) as work:
        deciding.release(work, number, reason)
    typer.echo(f"Released deposit {number}")


@group.command()
def reject(number: Id, reason: Reason, data: Data = None, config: Config = None) -> None:
    """Remove a held deposit, by the expert's decision; its author is told why."""
    with writing(config, data) as work:
        deciding.reject(work, number, reason)
    typer.echo(f"Rejected deposit {number}")


def _rows(config: Path | None, data: Path | None, dossier: str | None) -> list[dict[str, Any]]:
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
        return [_shown(work, *row) for row in work.session.execute(wanted)]


def _shown(
    work: Work,
    deposit: Deposit,
    title: str,
    author: str | None,
    node: Node | None,
    box: Node | None,
) -> dict[str, Any]:
    return {
        "id": deposit.id,
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
        "held_at": instant(deposit.held_at),
        "released_at": instant(deposit.released_at),
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
    if deposit.held_at is not None:
        return "held"
    return "reserved" if node is None else NodeState(node.state).value
