"""``davserver kit``: a ready file by which somebody's computer opens the drive."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from davserver.accounts import people
from davserver.commands.failures import Failure, Misuse
from davserver.commands.options import Config, Data, reading
from davserver.kit import SYSTEMS, BadDrive, Drive, written
from davserver.settings import load


def kit(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help=f"{', '.join(SYSTEMS)}.")],
    user: Annotated[str, typer.Option("--user", metavar="LOGIN", help="Login it is made for.")],
    address: Annotated[
        str | None,
        typer.Option(
            "--address", metavar="URL", help="Address of the site; server.address if not given."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Where to write; standard output if none."),
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Write the file that connects a member of the site to the drive. It holds no password."""
    if system not in SYSTEMS:
        raise Misuse(f"« {system} » : système inconnu. Les systèmes : {', '.join(SYSTEMS)}.")
    address = address or load(config, data=data).server.address
    if not address:
        raise Misuse(
            "Il manque l'adresse du site : donnez --address https://dossiers.exemple, ou le "
            "réglage server.address avec --config."
        )
    file = SYSTEMS[system]
    try:
        # What cannot be a login is told before the site is asked whose it is.
        text = written(file, Drive.of(address, user))
    except BadDrive as error:
        raise Misuse(str(error)) from None
    with reading(config, data) as work:
        account = people.find(work.session, user)
        if account.disabled:
            raise Failure(f"Le compte « {user} » est désactivé : il ne peut rien connecter.")
    if output is None:
        sys.stdout.write(text)
        return
    output.write_bytes(text.encode())
    if file.program:
        output.chmod(0o755)
