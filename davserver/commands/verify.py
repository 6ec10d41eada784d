"""``davserver verify``: nothing is missing, nothing was changed."""

from typing import Annotated

import typer

from davserver import verify as verifying
from davserver.commands.options import Config, Data, Json, opened
from davserver.commands.output import print_json
from davserver.settings import load


def verify(
    quick: Annotated[
        bool, typer.Option("--quick", help="Look at the sizes of the pieces, not at their bytes.")
    ] = False,
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Prove that rows, bytes, hashes, journal and quotas agree; exit code 1 at any difference.

    Changes nothing; may run while the site is served.
    """
    with opened(load(config, data=data)) as site:
        report = verifying.verify(site, quick=quick)
    if as_json:
        print_json(
            {
                "ok": not report.differences,
                "quick": quick,
                "checked": report.checked,
                "differences": report.differences,
                "notes": report.notes,
            }
        )
    else:
        for line in (*report.differences, *report.notes):
            typer.echo(line)
        counts = ", ".join(f"{count} {what}" for what, count in report.checked.items())
        typer.echo(f"{len(report.differences)} differences; checked: {counts}")
    if report.differences:
        raise typer.Exit(1)
