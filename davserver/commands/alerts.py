"""``davserver alerts``: who is told of what, and the queue of mails."""

import typer
from sqlalchemy import select

from davserver.alerts import sending
from davserver.commands.failures import Failure
from davserver.commands.options import (
    AnyDossier,
    Config,
    Data,
    Json,
    OnlyHere,
    PathArgument,
    PrincipalArgument,
    address_of,
    opened,
    principal_of,
    reading,
    writing,
)
from davserver.commands.output import print_json, print_table
from davserver.dossiers import lifecycle
from davserver.model import Dossier, DossierState
from davserver.settings import load
from davserver.tree import grants
from davserver.tree.sealing import folders_of

group = typer.Typer()


@group.command()
def rules(
    dossier: AnyDossier = None, as_json: Json = False, data: Data = None, config: Config = None
) -> None:
    """List who is told of what arrives in which folder."""
    with reading(config, data) as work:
        if dossier is not None:
            dossiers = [lifecycle.find(work.session, dossier)]
        else:
            living = select(Dossier).where(Dossier.state != DossierState.PURGED)
            dossiers = list(work.session.scalars(living.order_by(Dossier.title)))
        rows = [
            {
                "dossier": found.title,
                "path": "/" + "/".join(f.name for f in [*folders_of(work, node), node]),
                "principal": grants.word(grants.principal_of(work, rule)),
                "recursive": rule.recursive,
            }
            for found in dossiers
            for rule, node in grants.alert_rules(work, found)
        ]
    if as_json:
        print_json(rows)
    else:
        keys = ("path", "principal", "recursive")
        print_table(keys, ([row[key] for key in keys] for row in rows))


@group.command()
def add(
    path: PathArgument,
    principal: PrincipalArgument,
    only_here: OnlyHere = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Tell a user or a group of what arrives in a folder."""
    with writing(config, data) as work:
        spot = grants.place(work, address_of(path).path)
        who = principal_of(work, spot, principal)
        grants.alert(work, spot, who, told=True, recursive=not only_here)
    typer.echo(f"{principal} is told of what arrives in /{'/'.join(spot.path)}")


@group.command()
def remove(
    path: PathArgument, principal: PrincipalArgument, data: Data = None, config: Config = None
) -> None:
    """Tell a user or a group no longer. A rule on a folder above, or of his group, stays."""
    with writing(config, data) as work:
        spot = grants.place(work, address_of(path).path)
        who = principal_of(work, spot, principal)
        if not grants.alert(work, spot, who, told=False):
            raise Failure(f"Aucune alerte pour « {principal} » sur ce dossier même.")
    typer.echo(f"{principal} is no longer told of what arrives in /{'/'.join(spot.path)}")


@group.command()
def queue(as_json: Json = False, data: Data = None, config: Config = None) -> None:
    """List the mails: waiting, sent, failed, with their recipients."""
    with reading(config, data) as work:
        messages = sending.queue(work.session)
    if as_json:
        print_json(messages)
        return
    print_table(
        ("id", "kind", "dossier", "depositor", "due_at", "lines", "recipient", "state", "outcome"),
        (
            (
                message["id"],
                message["kind"],
                message["dossier"],
                message["depositor"],
                message["due_at"],
                len(message["lines"]),
                recipient["email"],
                recipient["state"],
                recipient["outcome"],
            )
            for message in messages
            for recipient in message["recipients"]
        ),
    )


@group.command("run-once")
def run_once(data: Data = None, config: Config = None) -> None:
    """Send the mails that are due now."""
    settings = load(config, data=data)
    with opened(settings) as site:
        count = sending.send_due(site.database, settings, site.clock)
    typer.echo(f"{count} mails tried" + ("" if settings.mail.host else ": mail.host is not set"))
