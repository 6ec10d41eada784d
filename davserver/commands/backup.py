"""``davserver backup``: a copy of everything, taken while the site is served."""

from pathlib import Path
from typing import Annotated

import typer

from davserver.backup.check import check as checked
from davserver.backup.take import forget, take
from davserver.commands.failures import Misuse
from davserver.commands.options import Config, Data, Json, opened
from davserver.commands.output import megabytes, print_json
from davserver.settings import load

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder of the backup; it must be there already.")
]


def backup(
    folder: Folder,
    keep: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Drop all but the newest N of this site."),
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="Also where the last generation is another site's.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Take nothing: prove that what is in DIR is whole.")
    ] = False,
    generation: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --check: only this one.")
    ] = None,
    as_json: Json = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Add a generation to the backup in DIR: all rows, and the pieces that it lacks.

    Exit code 1 if a piece could not be read, or if --check finds a fault: each is named.
    """
    if (check and (shared or keep is not None)) or (generation is not None and not check):
        raise Misuse("--check va sans --keep ni --shared ; --generation va avec --check.")
    if check:
        _check(folder, generation, as_json=as_json)
        return
    with opened(load(config, data=data)) as site:
        taken = take(site, folder, shared=shared)
    manifest = taken.manifest
    # What is incomplete must push nothing whole out.
    dropped = (
        forget(folder, keep, manifest.sites) if keep is not None and not manifest.missing else []
    )
    if as_json:
        print_json(
            {
                "ok": not manifest.missing,
                "generation": taken.generation,
                "pieces": manifest.blobs,
                "bytes": manifest.bytes,
                "copied": taken.copied,
                "copied_bytes": taken.copied_bytes,
                "dropped": dropped,
                "missing": manifest.missing,
            }
        )
    else:
        for place in manifest.missing:
            typer.echo(f"{place}: its bytes cannot be read")
        typer.echo(
            f"{taken.generation}: {manifest.blobs} pieces ({megabytes(manifest.bytes)}), "
            f"{taken.copied} copied ({megabytes(taken.copied_bytes)}), "
            f"{len(manifest.missing)} missing"
        )
        for name in dropped:
            typer.echo(f"{name}: dropped")
    if manifest.missing:
        raise typer.Exit(1)


def _check(folder: Path, generation: str | None, *, as_json: bool) -> None:
    found = checked(folder, generation)
    if as_json:
        print_json(
            {
                "ok": not found.faults,
                "generations": found.generations,
                "pieces": found.files,
                "faults": found.faults,
                "advice": found.advice,
            }
        )
    else:
        for line in (*found.faults, *found.advice):
            typer.echo(line)
        typer.echo(
            f"{len(found.faults)} faults; checked: {len(found.generations)} generations, "
            f"{found.files} pieces"
        )
    if found.faults:
        raise typer.Exit(1)
