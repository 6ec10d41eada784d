"""The command line: another door to the same operations. One module per command or group of them.

A listing takes ``--json``: its keys stay as they are, its times are ISO 8601 in UTC. What cannot be
done is one French sentence on standard error and exit code 1; 2 for a command that makes no sense.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from davserver import __version__

_COMMANDS = ("demo", "serve", "init", "kit", "verify")
_GROUPS = {
    "user": "Accounts.",
    "device": "Passwords of devices: one per device, revocable, limited if wanted.",
    "group": "Groups of a dossier.",
    "dossier": "Dossiers: made, listed, closed, exported, purged.",
    "rights": "Rights on folders: shown, given, taken back, explained.",
    "alerts": "Who is told of deposits, and the queue of mails.",
    "deposits": "Deposits and their states.",
    "journal": "The journal of all acts.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command of ``arguments`` (those of the process if None) and return its exit code.

    What goes wrong in a known way is said in one sentence; anything else is a fault of the program
    and keeps its traceback.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    _speak_utf8()
    from davserver.commands.failures import FAILURES, sentence

    try:
        _program(given[:1])(args=given, prog_name="davserver")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except FAILURES as failure:
        text, code = sentence(failure)
        print(text, file=sys.stderr)
        return code
    return 0


def _program(wanted: Sequence[str]) -> typer.Typer:
    """The commands; only the wanted one if it is one of them, since each imports what it needs."""
    program = typer.Typer(
        help="Shared dossiers of court experts, served as network drives over WebDAV.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    program.callback()(_davserver)
    known = [name for name in (*_COMMANDS, *_GROUPS) if name in wanted]
    for name in known or (*_COMMANDS, *_GROUPS):
        module = import_module(f"davserver.commands.{name}")
        if name in _GROUPS:
            program.add_typer(module.group, name=name, help=_GROUPS[name], no_args_is_help=True)
        else:
            program.command(name)(getattr(module, name))
    return program


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _davserver(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """The options of the program itself."""


def _speak_utf8() -> None:
    """File names are French: they must come out whole, whatever the terminal says it can show."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
