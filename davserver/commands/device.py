"""``davserver device``: the passwords of devices."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from davserver.accounts import administration, devices, people
from davserver.commands.options import AnyDossier, Config, Data, Json, reading, writing
from davserver.commands.output import instant, print_json, print_table
from davserver.dossiers import lifecycle
from davserver.model import DevicePassword, Dossier
from davserver.policy.rights import french
from davserver.work import Work

group = typer.Typer()

Login = Annotated[str, typer.Argument(metavar="LOGIN")]


class Limit(StrEnum):
    """What a device may do at most: see :data:`davserver.accounts.devices.RIGHTS`."""

    READ = "read"
    DEPOSIT = "deposit"
    ALL = "all"


@group.command()
def add(
    login: Login,
    name: Annotated[str, typer.Option(help="What its user calls it: « Portable de Me X ».")],
    dossier: AnyDossier = None,
    rights: Annotated[
        Limit, typer.Option(help="Read only; deposit and read; all that its user may do.")
    ] = Limit.ALL,
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a password for one device; it is printed once. It is used with the person's login."""
    with writing(config, data) as work:
        user = people.find(work.session, login)
        only = None if dossier is None else lifecycle.find(work.session, dossier)
        device, password = administration.add_device(
            work, user, name, dossier=only, rights=devices.RIGHTS[rights.value]
        )
        shown = _shown(work, device)
    if as_json:
        print_json(shown | {"password": password})
    else:
        typer.echo(f"Added the device {device.name} of {user.login}, password: {password}")


@group.command("list")
def list_(login: Login, as_json: Json = False, data: Data = None, config: Config = None) -> None:
    """List the devices of an account, with the day of their last use."""
    with reading(config, data) as work:
        found = devices.of(work.session, people.find(work.session, login))
        rows = [_shown(work, device) for device in found]
    if as_json:
        print_json(rows)
        return
    keys = ("name", "rights", "dossier", "created", "used_on", "used_by")
    print_table(keys, ([row[key] for key in keys] for row in rows))


@group.command()
def revoke(
    login: Login,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    data: Data = None,
    config: Config = None,
) -> None:
    """Refuse a device from its next request on."""
    with writing(config, data) as work:
        administration.revoke_device(work, people.find(work.session, login), name)
    typer.echo(f"Revoked {name}")


def _shown(work: Work, device: DevicePassword) -> dict[str, Any]:
    facts = devices.facts(device)
    dossier = work.session.get(Dossier, device.dossier_id) if device.dossier_id else None
    return {
        "name": device.name,
        "rights": french(facts.rights),
        "dossier": dossier.title if dossier else None,
        "created": instant(device.created),
        "used_on": device.used_on.isoformat() if device.used_on else None,
        "used_by": device.used_by or None,
    }
