"""The data folder of a machine: a marker tells whose it is, and of which layout.

With SQLite and a local store it holds the whole site; with PostgreSQL and S3 only what is on its
way in. Either way a machine without one, or with another site's, serves nothing.
"""

import json
import secrets
from pathlib import Path

from davserver.durable import flush_directory, write_durably
from davserver.settings import BadSettings

MARKER = "davserver.json"
LAYOUT = 1  # of the data folder; the schema of the database has its own revision


class DataFolder:
    """The folder at ``path``, and what its marker says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._marker = path / MARKER

    def prepare(self) -> None:
        """Make the folder if need be. Raises BadSettings for one of another program or version,
        and for one that cannot be written."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._marker.exists() and any(self.path.iterdir()):
                raise BadSettings(
                    f"{self.path} : ce dossier n'est pas vide et n'est pas de davserver."
                )
        except OSError as error:
            raise BadSettings(f"{self.path} : dossier inutilisable ({error.strerror}).") from None
        if self._marker.exists():
            self._read()

    def require(self) -> None:
        """Raise BadSettings where there is no site, or none of this program and version."""
        if not self._marker.exists():
            raise BadSettings(
                f"{self.path} : pas de site ici (lancez « davserver init » ; un disque est-il "
                "démonté ?)."
            )
        self._read()

    def require_identity(self) -> str:
        """The identity of the site. Raises BadSettings for one that was never made to its end."""
        identity = self.identity()
        if not identity or not self.is_complete:
            raise BadSettings(
                f"{self.path} : ce site n'est pas achevé : lancez « davserver init »."
            )
        return identity

    def identity(self) -> str:
        """The identity of the site; empty for a folder that has none yet."""
        return str(self._read().get("site", "")) if self._marker.exists() else ""

    @property
    def is_complete(self) -> bool:
        """Whether the site was once made to its end."""
        return bool(self._marker.exists() and self._read().get("complete", True))

    def choose(self) -> str:
        """A new identity, written down before anything bears it."""
        identity = secrets.token_hex(16)
        self._write(identity, complete=False)
        return identity

    def complete(self, identity: str) -> None:
        """Note that the site is whole."""
        if self.identity() != identity or not self.is_complete:
            self._write(identity, complete=True)

    def _write(self, identity: str, *, complete: bool) -> None:
        facts = {"program": "davserver", "layout": LAYOUT, "site": identity, "complete": complete}
        # A site that was said to be there must be known again after a power cut.
        write_durably(self._marker, json.dumps(facts) + "\n")
        flush_directory(self.path.absolute().parent)

    def _read(self) -> dict[str, object]:
        """What the marker says. Raises BadSettings for one that is not ours, or newer."""
        try:
            found: dict[str, object] = json.loads(self._marker.read_text())
            layout = found["layout"] if found["program"] == "davserver" else None
        except (OSError, ValueError, KeyError, TypeError):
            raise BadSettings(f"{self._marker} : illisible.") from None
        if layout != LAYOUT:
            raise BadSettings(
                f"{self.path} : données de la version {layout}, ce programme attend la version "
                f"{LAYOUT}."
            )
        return found
