"""The schema of the database, and what brings an older one up to date (Alembic).

The scripts lie in ``migrations/versions``; each file's name begins with its revision.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent / "migrations"


class WrongSchema(Exception):
    """The database was made by another version of the program; the text is a French sentence."""


def latest() -> str:
    """The revision that this program's tables have."""
    return max(file.stem.partition("_")[0] for file in _FOLDER.glob("versions/[0-9]*.py"))


def current(connection: Connection) -> str | None:
    """The revision of a database; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def require(connection: Connection) -> None:
    """Raise WrongSchema unless the database is of this program's revision."""
    found, wanted = _not_newer(connection), latest()
    if found != wanted:
        raise WrongSchema(
            f"les données sont de la version « {found or 'aucune'} », ce programme attend "
            f"« {wanted} » : lancez « davserver init » pour les mettre à jour."
        )


def upgrade(connection: Connection) -> None:
    """Bring a database to this program's revision; an empty one gets all of it. Raises WrongSchema
    for one of a newer program."""
    # Only this needs Alembic, which takes a tenth of a second to import.
    from alembic import command

    _not_newer(connection)
    config = migrations()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _not_newer(connection: Connection) -> str | None:
    found = current(connection)
    if found is not None and found > latest():
        raise WrongSchema(
            f"les données sont de la version « {found} », plus récente que ce programme "
            f"(« {latest()} ») : mettez le programme à jour."
        )
    return found


def migrations() -> "Config":
    """Alembic's configuration."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config
