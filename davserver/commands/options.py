"""Options that commands share, and what they lead to: a site, a password, a principal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from sqlalchemy.exc import ArgumentError

from davserver.accounts import groups, passwords, people
from davserver.commands.failures import Misuse
from davserver.providers.address import ROOT, Address, parse
from davserver.settings import BadSettings, Settings, load
from davserver.site import CONSOLE, Site, open_site
from davserver.tree.grants import GROUP, Principal
from davserver.tree.lookup import Spot
from davserver.work import Client, Work

Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Data folder; ./data if not given.")
]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings (TOML).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DossierOption = Annotated[
    str, typer.Option("--dossier", metavar="TITLE", help="Title of the dossier, or how it begins.")
]
AnyDossier = Annotated[
    str | None,
    typer.Option("--dossier", metavar="TITLE", help="Only of this dossier (or how it begins)."),
]
Password = Annotated[
    str | None,
    typer.Option(
        "--password",
        metavar="PW",
        help="The password; - reads it from standard input. Random, and printed, if not given.",
    ),
]
PathArgument = Annotated[
    str, typer.Argument(metavar="PATH", help="Path in the drive, with or without /dav.")
]
PrincipalArgument = Annotated[
    str, typer.Argument(metavar="PRINCIPAL", help="A login, or group:NAME.")
]
OnlyHere = Annotated[bool, typer.Option("--only-here", help="Not in the folders below.")]

CLIENT = Client("command")


@contextmanager
def known_database() -> Iterator[None]:
    """Raises BadSettings for a database or an S3 store whose module is not installed, and for a
    database URL with options that there are not."""
    try:
        yield
    except ModuleNotFoundError as error:
        key = "s3.bucket" if error.name == "obstore" else "storage.database"
        raise BadSettings(
            f"{key} : le module « {error.name} » n'est pas installé (lancez "
            "« pip install 'davserver[scale]' »)."
        ) from None
    except ArgumentError:
        raise BadSettings("storage.database : cette adresse ne convient pas.") from None


@contextmanager
def opened(settings: Settings) -> Iterator[Site]:
    """The site of ``settings``. Raises BadSettings."""
    with known_database():
        site = open_site(settings)
    try:
        yield site
    finally:
        site.close()


@contextmanager
def reading(config: Path | None, data: Path | None) -> Iterator[Work]:
    """A unit of work of the console that changes nothing."""
    with opened(load(config, data=data)) as site, site.reading(CONSOLE, CLIENT) as work:
        yield work


@contextmanager
def writing(config: Path | None, data: Path | None) -> Iterator[Work]:
    """A unit of work of the console: done whole when the block ends."""
    with opened(load(config, data=data)) as site, site.writing(CONSOLE, CLIENT) as work:
        yield work


def password_of(option: str | None) -> str:
    """The password that ``--password`` stands for."""
    if option == "-":
        return sys.stdin.readline().rstrip("\r\n")
    return passwords.generated() if option is None else option


def address_of(path: str) -> Address:
    """The address of a PATH argument, by the rules of the WebDAV door. Raises BadRequest."""
    inside = path if path.lstrip("/").split("/")[0] == ROOT else f"{ROOT}/{path.lstrip('/')}"
    return parse("/" + quote(inside.lstrip("/")))


def principal_of(work: Work, spot: Spot, text: str) -> Principal:
    """The user, or the group of the dossier of ``spot``, that a PRINCIPAL argument names."""
    if text.startswith(GROUP) and spot.dossier is not None:
        return groups.find(work.session, spot.dossier, text.removeprefix(GROUP))
    if not text:
        raise Misuse(f"Il manque un identifiant ou « {GROUP}NOM ».")
    return people.find(work.session, text)


def stated(option: str | None, chosen: str) -> str:
    """What is printed, once, of a password that nobody gave."""
    return f", password: {chosen}" if option is None else ""
