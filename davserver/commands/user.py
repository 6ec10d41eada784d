"""``davserver user``: accounts."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from sqlalchemy import select

from davserver.accounts import administration, people, second_factor
from davserver.commands.options import (
    Config,
    Data,
    Json,
    Password,
    password_of,
    reading,
    stated,
    writing,
)
from davserver.commands.output import instant, print_facts, print_json, print_table
from davserver.dossiers import lifecycle
from davserver.model import Dossier, Group, Membership, Participant, Platform, User
from davserver.work import Work

group = typer.Typer()

Login = Annotated[str, typer.Argument(metavar="LOGIN")]


class Switch(StrEnum):
    """What can be turned on and off."""

    ENABLE = "enable"
    DISABLE = "disable"


@group.command()
def add(
    last_name: Annotated[str, typer.Option(help="For a firm: its name, « BRUMAIRE-KALVÉ ».")],
    email: Annotated[str, typer.Option()],
    login: Annotated[
        str, typer.Argument(metavar="LOGIN", help="Made from the names if not given.")
    ] = "",
    first_name: Annotated[str, typer.Option(help="For a firm: Cabinet.")] = "",
    password: Password = None,
    dossier: Annotated[
        str | None,
        typer.Option(metavar="TITLE", help="Make a private account, of this dossier only."),
    ] = None,
    administrator: Annotated[bool, typer.Option("--administrator")] = False,
    expert: Annotated[
        bool, typer.Option("--expert", help="Make his platform and his private space, too.")
    ] = False,
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Add an account: public, or private to one dossier."""
    chosen = password_of(password)
    with writing(config, data) as work:
        user = administration.add_user(
            work,
            dossier=None if dossier is None else lifecycle.find(work.session, dossier),
            login=login,
            first_name=first_name,
            last_name=last_name,
            email=email,
            password=chosen,
            administrator=administrator,
        )
        if expert:
            lifecycle.make_expert(work, user)
        shown = _shown(work, user)
    if as_json:
        print_json(shown | ({"password": chosen} if password is None else {}))
    else:
        typer.echo(f"Added {user.login} ({user.display_name}){stated(password, chosen)}")


@group.command("list")
def list_(as_json: Json = False, data: Data = None, config: Config = None) -> None:
    """List the accounts."""
    with reading(config, data) as work:
        users = work.session.scalars(
            select(User).where(User.login.is_not(None)).order_by(User.login)
        ).all()
        rows = [_shown(work, user) for user in users]
    if as_json:
        print_json(rows)
        return
    keys = ("login", "name", "email", "kind", "dossier", "administrator", "expert", "disabled")
    print_table(keys, ([row[key] for key in keys] for row in rows))


@group.command()
def show(login: Login, as_json: Json = False, data: Data = None, config: Config = None) -> None:
    """Show an account: its groups, dossiers, roles, platform."""
    with reading(config, data) as work:
        user = people.find(work.session, login)
        facts = _shown(work, user) | _belonging(work, user)
    if as_json:
        print_json(facts)
        return
    lines: list[tuple[str, Any]] = [
        (key, value) for key, value in facts.items() if not isinstance(value, (list, dict))
    ]
    lines += [("role", f"{row['role']} · {row['title']}") for row in facts["dossiers"]]
    lines += [("group", f"{row['group']} · {row['dossier']}") for row in facts["groups"]]
    if facts["platform"]:
        lines.append(("platform", facts["platform"]["name"]))
    print_facts(lines)


@group.command()
def password(
    login: Login,
    password: Password = None,
    devices: Annotated[
        bool, typer.Option("--devices", help="Revoke the passwords of all his devices, too.")
    ] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Give an account a new password; the old one is refused at once."""
    chosen = password_of(password)
    with writing(config, data) as work:
        user = people.find(work.session, login)
        administration.set_password(work, user, chosen, devices_too=devices)
    typer.echo(f"New password of {user.login}{stated(password, chosen) or ' set'}")


@group.command()
def totp(
    login: Login,
    state: Annotated[Switch, typer.Argument()],
    data: Data = None,
    config: Config = None,
) -> None:
    """Ask an account for a code at the web door (TOTP). The drive then takes only the passwords of
    devices. The secret is printed once, as an otpauth: address."""
    with writing(config, data) as work:
        user = people.find(work.session, login)
        if state is Switch.ENABLE:
            uri = administration.enable_second_factor(work, user)
            told = f"Two steps for {user.login}: {uri}"
        else:
            administration.disable_second_factor(work, user)
            told = f"One step for {user.login}"
    typer.echo(told)


@group.command()
def disable(login: Login, data: Data = None, config: Config = None) -> None:
    """Shut an account out, from its next request on."""
    with writing(config, data) as work:
        user = people.find(work.session, login)
        administration.disable(work, user, disabled=True)
    typer.echo(f"Disabled {user.login}")


@group.command()
def enable(login: Login, data: Data = None, config: Config = None) -> None:
    """Let an account in again."""
    with writing(config, data) as work:
        user = people.find(work.session, login)
        administration.disable(work, user, disabled=False)
    typer.echo(f"Enabled {user.login}")


@group.command()
def remove(login: Login, data: Data = None, config: Config = None) -> None:
    """End an account: no login, no rights, no groups. What it deposited stays."""
    with writing(config, data) as work:
        administration.remove(work, people.find(work.session, login))
    typer.echo(f"Removed {login}")


@group.command("move-to-public")
def move_to_public(login: Login, data: Data = None, config: Config = None) -> None:
    """Make a private account a public one, with the same login, password and rights."""
    with writing(config, data) as work:
        user = people.find(work.session, login)
        administration.move_to_public(work, user)
    typer.echo(f"Public: {user.login}")


def _shown(work: Work, user: User) -> dict[str, Any]:
    dossier = work.session.get(Dossier, user.dossier_id) if user.dossier_id else None
    expert = select(Platform.id).where(Platform.expert_id == user.id)
    return {
        "login": user.login,
        "name": user.display_name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "kind": user.kind.value,
        "dossier": dossier.title if dossier else None,
        "administrator": user.administrator,
        "expert": work.session.scalar(expert) is not None,
        "disabled": user.disabled,
        "two_steps": second_factor.is_enabled(work.session, user),
        "created": instant(user.created),
    }


def _belonging(work: Work, user: User) -> dict[str, Any]:
    """Where somebody has a place: roles, groups, a platform of his own."""
    roles = work.session.execute(
        select(Dossier, Participant.role)
        .join(Participant, Participant.dossier_id == Dossier.id)
        .where(Participant.user_id == user.id)
        .order_by(Dossier.title)
    )
    groups = work.session.execute(
        select(Dossier.title, Group.name)
        .join(Group, Group.dossier_id == Dossier.id)
        .join(Membership, Membership.group_id == Group.id)
        .where(Membership.user_id == user.id)
        .order_by(Dossier.title, Group.name)
    )
    platform = work.session.scalars(select(Platform).where(Platform.expert_id == user.id)).first()
    return {
        "dossiers": [
            {"title": dossier.title, "role": role.value, "state": dossier.state.value}
            for dossier, role in roles
        ],
        "groups": [{"dossier": title, "group": name} for title, name in groups],
        "platform": {"name": platform.name, "quota": platform.quota} if platform else None,
    }
