"""``davserver journal``: who did what, and that nobody changed it since."""

import json
from typing import Annotated

import typer
from sqlalchemy import func, select

from davserver import journal
from davserver.commands.failures import Misuse
from davserver.commands.options import AnyDossier, Config, Data, Json, reading
from davserver.commands.output import print_json, print_table
from davserver.dossiers import lifecycle
from davserver.dossiers.export import journal_line
from davserver.journal import Head
from davserver.model import JournalLine

group = typer.Typer()


@group.command("list")
def list_(
    dossier: AnyDossier = None,
    last: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the last N lines.")
    ] = None,
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """List the lines of the journal, oldest first."""
    with reading(config, data) as work:
        wanted = select(JournalLine).order_by(JournalLine.id.desc()).limit(last)
        if dossier is not None:
            wanted = wanted.where(
                JournalLine.dossier_id == lifecycle.find(work.session, dossier).id
            )
        lines = work.session.scalars(wanted).all()[::-1]
    if as_json:
        print_json([journal_line(line) for line in lines])
        return
    print_table(
        ("id", "at", "actor", "channel", "act", "facts"),
        (
            (line.id, line.at, line.actor, line.channel, line.act, _facts(line.facts))
            for line in lines
        ),
    )


@group.command()
def head(as_json: Json = False, data: Data = None, config: Config = None) -> None:
    """Print the last line's number and hash, to be kept elsewhere: by mail, on paper."""
    with reading(config, data) as work:
        last = journal.head(work.session)
    if as_json:
        print_json({"id": last.id, "hash": last.hash})
    else:
        typer.echo(str(last))


@group.command()
def verify(
    known: Annotated[
        str | None,
        typer.Option("--head", metavar="ID:HASH", help="What « journal head » once printed."),
    ] = None,
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Prove that no line was changed, removed or put in between; exit code 1 if one was.

    With --head also that nothing was cut off or made anew since that head was kept.
    """
    kept = None if known is None else _head(known)
    with reading(config, data) as work:
        lines = work.session.scalar(select(func.count(JournalLine.id)))
        found = list(journal.faults(work.session, kept))
    if as_json:
        print_json({"ok": not found, "lines": lines, "faults": found})
    else:
        typer.echo("\n".join(found) or f"{lines} lines, none was changed")
    if found:
        raise typer.Exit(1)


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except ValueError:
        raise Misuse(f"« {text} » n'est pas une tête de journal : ID:HASH.") from None


def _facts(text: str) -> str:
    return ", ".join(f"{key}={value}" for key, value in json.loads(text).items() if value != "")
