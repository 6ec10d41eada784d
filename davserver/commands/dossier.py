"""``davserver dossier``: made in one act, listed, closed, exported, purged."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from davserver.commands import overview
from davserver.commands.failures import Failure, Misuse
from davserver.commands.options import (
    CLIENT,
    Config,
    Data,
    Json,
    opened,
    reading,
    writing,
)
from davserver.commands.output import instant, megabytes, print_facts, print_json, print_table
from davserver.dossiers import create as creation
from davserver.dossiers import export as exporting
from davserver.dossiers import lifecycle
from davserver.dossiers.plan import PARIS, parse_state, read_plan
from davserver.settings import load
from davserver.site import CONSOLE

group = typer.Typer()

Title = Annotated[
    str, typer.Argument(metavar="DOSSIER", help="Title of the dossier, or how it begins.")
]
_NONE = "none"


@group.command()
def create(
    file: Annotated[Path, typer.Option("--from", metavar="FILE", help="The plan (TOML).")],
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a dossier with its group, tree, mailboxes, archives, rights and alerts: all or nothing.

    Accounts that are not there are made; their passwords are printed once.
    """
    plan = read_plan(file)
    with writing(config, data) as work:
        created = creation.create(work, plan)
        title, passwords = created.dossier.title, created.passwords
    if as_json:
        accounts = [{"login": login, "password": word} for login, word in passwords.items()]
        print_json({"title": title, "expert": plan.expert, "accounts": accounts})
        return
    typer.echo(f"Made the dossier {title}")
    for login, word in passwords.items():
        typer.echo(f"  new account {login}, password: {word}")


@group.command("list")
def list_(as_json: Json = False, data: Data = None, config: Config = None) -> None:
    """List the dossiers, purged ones included."""
    with reading(config, data) as work:
        rows = [_shown(row) for row in overview.dossiers(work)]
    if as_json:
        print_json(rows)
        return
    keys = ("title", "reference", "state", "expert", "deadline", "pieces")
    print_table(
        (*keys, "used", "quota"),
        (
            [*(row[key] for key in keys), megabytes(row["used"]), megabytes(row["quota"])]
            for row in rows
        ),
    )


@group.command()
def show(dossier: Title, as_json: Json = False, data: Data = None, config: Config = None) -> None:
    """Show a dossier: parties and their boxes, members and roles, groups, folders."""
    with reading(config, data) as work:
        found = lifecycle.find(work.session, dossier)
        facts = _shown(overview.dossiers(work, found)[0])
        details = overview.details(work, found)
    if as_json:
        print_json(facts | details)
        return
    print_facts(facts.items())
    print()
    print_table(
        ("box", "account", "parties"),
        ((r["box"], r["login"], ", ".join(r["parties"])) for r in details["representations"]),
    )
    print()
    keys = ("login", "name", "role", "kind")
    print_table(keys, ([row[key] for key in keys] for row in details["members"]))
    print()
    print_table(
        ("folder", "files", "size"),
        ((r["path"], r["files"], megabytes(r["size"])) for r in details["folders"]),
    )


@group.command()
def state(
    dossier: Title,
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="NEW", help="ouvert, en cours, délai de dires, suspendu, clos or archivé."
        ),
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(metavar="ISO", help="End of the time for dires; Paris time. none: no end."),
    ] = None,
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Show the state of a dossier, or change it; closed, it is only read."""
    end = _deadline(deadline) if deadline is not None else None
    try:
        wanted = parse_state(new) if new is not None else None
    except ValueError as error:
        raise Misuse(f"{error}.") from None
    with writing(config, data) as work:
        found = lifecycle.find(work.session, dossier)
        if wanted is not None:
            lifecycle.set_state(work, found, wanted)
        if deadline is not None:
            lifecycle.set_deadline(work, found, end)
        facts = {
            "title": found.title,
            "state": found.state.value,
            "state_since": instant(found.state_since),
            "deadline": instant(found.deadline),
        }
    if as_json:
        print_json(facts)
    else:
        print_facts(facts.items())


@group.command()
def export(
    dossier: Title,
    target: Annotated[
        Path, typer.Argument(metavar="DIR_OR_ZIP", help="A new or empty folder, or a new .zip.")
    ],
    data: Data = None,
    config: Config = None,
) -> None:
    """Write a dossier as ordinary files, with a manifest of hashes and its journal."""
    with opened(load(config, data=data)) as site:
        with site.reading(CONSOLE, CLIENT) as work:
            found = lifecycle.find(work.session, dossier)
            listed = exporting.manifest(work, found)
            lines = exporting.journal_of(work, found)
        exporting.export(listed, lines, site.blobs, target)
        with site.writing(CONSOLE, CLIENT) as work:
            exporting.note(work, found, listed)
    typer.echo(f"Exported {len(listed.files)} files to {target}")
    typer.echo(f"SHA-256 of {exporting.MANIFEST}: {listed.sha256}")


@group.command()
def purge(
    dossier: Title,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, erase it.")] = False,
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Erase a dossier for good: content, boxes, group, rights, alerts, private accounts.

    Public accounts stay, so does a certificate in the journal. Export it before.
    """
    with writing(config, data) as work:
        found = lifecycle.find(work.session, dossier)
        if not yes:
            raise Failure(
                f"« {found.title} » serait effacé définitivement : exportez-le d'abord, puis "
                "ajoutez --yes."
            )
        certificate = lifecycle.purge(work, found)
    if as_json:
        print_json(dict(certificate))
        return
    typer.echo(f"Purged {found.title}")
    print_facts(certificate.items())


def _shown(row: overview.Row) -> dict[str, Any]:
    dossier = row.dossier
    return {
        "title": dossier.title,
        "reference": dossier.reference,
        "state": dossier.state.value,
        "state_since": instant(dossier.state_since),
        "expert": row.expert,
        "deadline": instant(dossier.deadline),
        "used": dossier.used,
        "quota": dossier.quota,
        "pieces": row.pieces,
        "created": instant(dossier.created),
    }


def _deadline(text: str) -> datetime | None:
    if text == _NONE:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or "T" not in text.upper().replace(" ", "T"):
        raise Misuse(
            f"« {text} » n'est pas une date avec son heure, comme 2024-06-14T23:59 (heure de "
            f"Paris), ni « {_NONE} »."
        )
    return (found if found.tzinfo else found.replace(tzinfo=PARIS)).astimezone(UTC)
