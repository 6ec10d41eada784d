"""A lawyer's mailbox, and the pieces deposited there."""

from davserver.demo.history import ARCHIVES
from tests.clients import DOSSIER, box
from tests.dav import Dav, Names
from tests.serving import wait_for

AUTHOR, OTHER = "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
ARCHIVE: Names = (DOSSIER, ARCHIVES, BOX[-1])
PDF = b"%PDF-1.4\n" + b"x" * 5_000


def at(name: str) -> Names:
    return (*BOX, name)


def sealed(client: Dav, name: str, box: Names = BOX) -> None:
    """Wait until ``client`` sees the piece."""
    wait_for(lambda: client.get((*box, name)).status == 200, 20, f"{name} to be sealed")
