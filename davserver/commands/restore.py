"""``davserver restore``: a site from its backup."""

from pathlib import Path
from typing import Annotated

import typer

from davserver.backup.restore import restore as restored
from davserver.commands.options import Config, Data, known_database, opened
from davserver.settings import load
from davserver.verify import verify


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backup.")],
    generation: Annotated[
        str | None, typer.Option(metavar="NAME", help="The newest one if not given.")
    ] = None,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Also if pieces are missing: they stay missing.")
    ] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make an empty site what it was, on the database and the store of the settings.

    The backup may be of another database, another store or an older version. Ends with a look at
    everything: exit code 1 at any difference.
    """
    settings = load(config, data=data)
    with known_database():
        made = restored(settings, folder, generation, incomplete=incomplete)
    with opened(settings) as site:
        report = verify(site, quick=True)
    for difference in report.differences:
        typer.echo(difference)
    typer.echo(
        f"Restored {made.generation} to {settings.storage.data}: {report.checked['blobs']} pieces, "
        f"{report.checked['deposits']} deposits; {len(report.differences)} differences"
    )
    if report.differences:
        raise typer.Exit(1)
