"""``davserver init``: a new site, or an older one brought up to date."""

from typing import Annotated

import typer
from sqlalchemy import select

from davserver.accounts import administration
from davserver.commands.options import (
    CLIENT,
    Config,
    Data,
    Password,
    known_database,
    opened,
    password_of,
    stated,
)
from davserver.data_folder import MARKER
from davserver.model import User
from davserver.settings import Settings, load
from davserver.site import CONSOLE, create_site


def init(
    login: Annotated[str, typer.Option(help="Login of the first administrator.")] = "admin",
    email: Annotated[str, typer.Option(help="His e-mail address.")] = "admin@localhost",
    password: Password = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make the data folder, the tables and the first administrator.

    On a site that exists, only bring its tables up to date.
    """
    settings = load(config, data=data)
    known = (settings.storage.data / MARKER).exists()
    with known_database():
        before = create_site(settings)
    with opened(settings) as site:
        with site.writing(CONSOLE, CLIENT) as work:
            after = site.database.schema()
            if work.session.scalar(select(User.id).limit(1)) is not None:
                typer.echo(_told(settings, before, after, known=known))
                return
            chosen = password_of(password)
            user = administration.add_user(
                work,
                login=login,
                first_name="Administration",
                last_name="du site",
                email=email,
                password=chosen,
                administrator=True,
            )
        typer.echo(f"New site in {settings.storage.data}.")
        typer.echo(f"Administrator: {user.login}{stated(password, chosen)}")


def _told(settings: Settings, before: str | None, after: str | None, *, known: bool) -> str:
    """What was done to a site that was there; ``known``: by this machine, too."""
    if before != after:
        return f"The site was there: brought from version {before} to {after}."
    if known:
        return f"The site is there and up to date (version {after})."
    return (
        f"This machine is one of the site now: data folder {settings.storage.data}, tables up to "
        f"date (version {after})."
    )
