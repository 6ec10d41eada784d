"""``davserver demo``: three fictitious dossiers, ready to be tried with real clients."""

from pathlib import Path
from typing import Annotated

import typer

from davserver.accounts import passwords
from davserver.commands.apart import apart
from davserver.commands.options import opened
from davserver.commands.serve import run, sole_server
from davserver.demo import seed
from davserver.settings import AntivirusSettings, Settings, load
from davserver.site import create_site

DATA = Path("davserver-demo")
_LOGINS = (
    ("apolline.testard", "l'experte des dossiers 2024-01 et 2024-02"),
    ("barnabe.essai", "l'expert du dossier 2023-07, clos"),
    ("cabinet.brumaire-kalve", "un cabinet d'avocats"),
    ("cabinet.ortie-lambda", "un autre cabinet"),
    ("ulysse.personne-lambda", "une partie sans avocat"),
    ("come.prototype", "le sapiteur"),
    ("theo.gabarit", "un conseil technique, qui lit sans déposer"),
)


def demo(
    data: Annotated[Path, typer.Option(help="Data folder; seeded if empty.")] = DATA,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8080,
    password: Annotated[
        str, typer.Option(help="Password of all demo accounts; random if not given.")
    ] = "",
) -> None:
    """Seed an empty data folder with three fictitious dossiers, and serve it."""
    settings = load(None, data=data)
    server = settings.server.model_copy(update={"host": host, "port": port})
    settings = settings.model_copy(update={"server": server})
    chosen = password or passwords.generated()
    apart(lambda: create_site(settings))
    with sole_server(settings):
        apart(lambda: _prepare(settings, chosen))
        typer.echo(_welcome(host, port, chosen))
        raise typer.Exit(run(settings, lambda: settings))


def _prepare(settings: Settings, password: str) -> None:
    # What the program brings itself needs no scanner.
    with opened(settings.model_copy(update={"antivirus": AntivirusSettings()})) as site:
        if seed.is_empty(site):
            typer.echo("Préparation des trois dossiers fictifs…")
            seed.seed(site, password)
        else:
            seed.set_passwords(site, password)


def _welcome(host: str, port: int, password: str) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else host
    address = f"http://{shown}:{port}/dav/"
    width = max(len(login) for login, _ in _LOGINS)
    logins = "\n".join(f"  {login.ljust(width)}  {who}" for login, who in _LOGINS)
    return f"""
davserver – démonstration (dossiers et personnes fictifs)

Adresse du lecteur : {address}
Mot de passe de tous les comptes : {password}

{logins}

Connecter le lecteur
  Windows  Explorateur > Ce PC > Connecter un lecteur réseau > {address}
           (en http et non en https, Windows demande BasicAuthLevel = 2 dans le registre)
  macOS    Finder > Aller > Se connecter au serveur > {address}
  Linux    Fichiers > Autres emplacements > dav://{shown}:{port}/dav/
           ou : mount -t davfs {address} /mnt
  rclone   rclone lsd --webdav-url {address} --webdav-user LOGIN \\
             --webdav-pass "$(rclone obscure MOT_DE_PASSE)" :webdav:

Arrêt : Ctrl+C
"""
