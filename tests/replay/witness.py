"""What is true of a dossier for everybody but the author of a script: told before and after it."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from davserver.demo.history import BRUMAIRE
from davserver.model import MessageKind
from tests.clients import DOSSIER, box, sha256
from tests.console import Console
from tests.dav import Dav, Names, Reply
from tests.serving import PASSWORD, wait_for

BOX = BRUMAIRE
_OTHER = "cabinet.ortie-lambda"
_COLLECTION = "{DAV:}propstat/{DAV:}prop/{DAV:}resourcetype/{DAV:}collection"


@dataclass(frozen=True)
class Account:
    """All that a second user reads, and all that the site has counted.

    ``tree``: each path of the dossier with the hash of its content (a folder has none). The others
    are counted: deposits by name, state and hash; receipts, which are numbered journal lines;
    alerts by kind and name.
    """

    tree: Mapping[Names, str]
    deposits: Counter[tuple[str, str, str]]
    receipts: Counter[str]
    alerts: Counter[tuple[str, str]]


class Witness:
    """A second lawyer of the dossier, and the administrator's lists."""

    def __init__(self, url: str, data: Path) -> None:
        self.dav = Dav(url, _OTHER, PASSWORD, "witness")
        self._console = Console(data)
        self._known = self._look()

    def sees(self, name: str) -> bool:
        """Whether this file of the box exists for the second user."""
        return self.dav.request("HEAD", (*box(BOX), *name.split("/"))).status == 200

    def awaits(self, name: str) -> None:
        """Wait until this file of the box exists for the second user."""
        wait_for(lambda: self.sees(name), what=f"{name} to be sealed")

    @contextmanager
    def watching(self, pieces: Mapping[str, bytes]) -> Iterator[None]:
        """Fails unless the block makes exactly these pieces of the box, by name: each listed once
        with its content, deposited once, with one receipt and one alert."""
        try:
            yield
        except BaseException:
            self._known = self._look()  # what this script left is not the next one's fault
            raise
        for name in pieces:
            self.awaits(name)
        hashes = {unicodedata.normalize("NFC", name): sha256(of) for name, of in pieces.items()}
        before, now = self._known, self._look()
        self._known = now
        files = {(*box(BOX), *name.split("/")): digest for name, digest in hashes.items()}
        assert now.tree == {**before.tree, **files}
        sealed = Counter((name, "sealed", digest) for name, digest in hashes.items())
        assert now.deposits == before.deposits + sealed
        assert now.receipts == before.receipts + Counter(hashes.keys())
        told = Counter((MessageKind.DEPOSIT.value, name) for name in hashes)
        assert now.alerts == before.alerts + told

    def _look(self) -> Account:
        deposits = self._console.json("deposits", "list", "--dossier", DOSSIER)
        journal = self._console.json("journal", "list", "--dossier", DOSSIER)
        queue = self._console.json("alerts", "queue")
        return Account(
            self._tree((DOSSIER,)),
            Counter((row["name"], row["state"], row["sha256"]) for row in deposits),
            Counter(
                line["facts"]["path"].rpartition("/")[2]
                for line in journal
                if line["act"] == "deposit.seal"
                and line["facts"]["number"]
                and line["facts"]["received_at"]
            ),
            Counter(
                (message["kind"], line["name"]) for message in queue for line in message["lines"]
            ),
        )

    def _tree(self, folder: Names) -> dict[Names, str]:
        """Everything below ``folder``, read and hashed."""
        listing = self.dav.propfind(folder)
        assert listing.status == 207, (folder, listing)
        found: dict[Names, str] = {}
        for name, is_folder in _members(listing):
            path = (*folder, name)
            assert path not in found, f"{name} is listed twice"
            if is_folder:
                found |= {path: "", **self._tree(path)}
            else:
                reply = self.dav.get(path)
                assert reply.status == 200, (path, reply)
                found[path] = sha256(reply.body)
        return found


def _members(listing: Reply) -> list[tuple[str, bool]]:
    """The name of each member of a listed folder, and whether it is a folder."""
    return [
        (
            unquote((response.findtext("{DAV:}href") or "").rstrip("/").rpartition("/")[2]),
            response.find(_COLLECTION) is not None,
        )
        for response in listing.xml.findall("{DAV:}response")[1:]
    ]
