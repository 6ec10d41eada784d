"""``davserver group``: the groups of a dossier, which rights and alerts usually name."""

from typing import Annotated

import typer
from sqlalchemy import func, select

from davserver.accounts import administration, groups, people
from davserver.commands.failures import Failure
from davserver.commands.options import (
    AnyDossier,
    Config,
    Data,
    DossierOption,
    Json,
    reading,
    writing,
)
from davserver.commands.output import print_json, print_table
from davserver.dossiers import lifecycle
from davserver.model import Dossier, Group, Membership

group = typer.Typer()

Name = Annotated[str, typer.Argument(metavar="GROUP")]
Logins = Annotated[list[str], typer.Argument(metavar="LOGIN...")]


@group.command()
def add(name: Name, dossier: DossierOption, data: Data = None, config: Config = None) -> None:
    """Make a group; the dossier's expert is its first member."""
    with writing(config, data) as work:
        made = administration.add_group(work, lifecycle.find(work.session, dossier), name)
    typer.echo(f"Added the group {made.name}")


@group.command("list")
def list_(
    dossier: AnyDossier = None, as_json: Json = False, data: Data = None, config: Config = None
) -> None:
    """List the groups."""
    with reading(config, data) as work:
        wanted = (
            select(Group.name, Dossier.title, func.count(Membership.user_id))
            .join(Dossier, Dossier.id == Group.dossier_id)
            .outerjoin(Membership, Membership.group_id == Group.id)
            .group_by(Group.id, Group.name, Dossier.title)
            .order_by(Dossier.title, Group.name)
        )
        if dossier is not None:
            wanted = wanted.where(Group.dossier_id == lifecycle.find(work.session, dossier).id)
        rows = work.session.execute(wanted).all()
    if as_json:
        print_json(
            [{"group": name, "dossier": title, "members": count} for name, title, count in rows]
        )
    else:
        print_table(("group", "dossier", "members"), rows)


@group.command()
def members(
    name: Name,
    dossier: DossierOption,
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """List the members of a group."""
    with reading(config, data) as work:
        found = groups.find(work.session, lifecycle.find(work.session, dossier), name)
        rows = [
            (user.login, user.display_name, user.kind.value, user.email)
            for user in groups.members(work.session, found)
        ]
    keys = ("login", "name", "kind", "email")
    if as_json:
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        print_table(keys, rows)


@group.command()
def join(
    name: Name, logins: Logins, dossier: DossierOption, data: Data = None, config: Config = None
) -> None:
    """Put people into a group: from now on they have its rights and its alerts."""
    with writing(config, data) as work:
        where = lifecycle.find(work.session, dossier)
        found = groups.find(work.session, where, name)
        for login in logins:
            administration.join(work, where, found, people.find(work.session, login))
    typer.echo(f"Now in {name}: {', '.join(logins)}")


@group.command()
def leave(
    name: Name,
    logins: Logins,
    dossier: DossierOption,
    yes: Annotated[bool, typer.Option("--yes", help="Also the dossier's own expert.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Take people out of a group: its rights and alerts are theirs no more."""
    with writing(config, data) as work:
        where = lifecycle.find(work.session, dossier)
        found = groups.find(work.session, where, name)
        expert = administration.expert_of(work, where)
        for login in logins:
            user = people.find(work.session, login)
            if user.id == expert.id and not yes:
                raise Failure(
                    f"« {login} » est l'expert du dossier : hors du groupe, il ne verrait plus si "
                    "les alertes arrivent. Ajoutez --yes pour confirmer."
                )
            if not administration.leave(work, where, found, user):
                raise Failure(f"« {login} » n'est pas membre du groupe « {name} ».")
    typer.echo(f"No longer in {name}: {', '.join(logins)}")
