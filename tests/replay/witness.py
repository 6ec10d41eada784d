"""What is true of a dossier for everybody but the author of a script: told before and after it."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from davserver.demo.history import BRUMAIRE
from davserver.model import MessageKind
from tests.clients import DOSSIER, box, sha256
from tests.console import Console
from tests.dav import Dav, Names, Reply
from tests.serving import PASSWORD, wait_for

BOX = BRUMAIRE
_OTHER = "cabinet.ortie-lambda"
_AT_ONCE = 8
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

    def __init__(self, url: str, data: Path, *, kind: type[Dav] = Dav) -> None:
        self.dav = kind(url, _OTHER, PASSWORD, "witness")
        self._console = Console(data)
        self._known = self._look()

    def sees(self, name: str) -> bool:
        """Whether this file of the box exists for the second user."""
        return self.dav.request("HEAD", (*box(BOX), *name.split("/"))).status == 200

    def awaits(self, name: str) -> None:
        """Wait until this file of the box exists for the second user."""
        wait_for(lambda: self.sees(name), what=f"{name} to be sealed")

    @contextmanager
    def watching(self, pieces: Mapping[str, bytes], refused: Collection[str]) -> Iterator[None]:
        """Fails unless the block makes exactly these pieces of the box, by name: each listed once
        with its content, deposited once, with one receipt and one alert; and unless its author is
        told by mail of what was ``refused`` without his program showing it, of each once."""
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
        sealed = Counter((name, "sealed", digest) for name, digest in hashes.items())
        told = Counter((MessageKind.DEPOSIT.value, name) for name in hashes)
        told += Counter((MessageKind.REFUSED.value, name) for name in refused)
        _require_same("files", now.tree, {**before.tree, **files})
        _require_same("deposits", now.deposits, before.deposits + sealed)
        _require_same("receipts", now.receipts, before.receipts + Counter(hashes.keys()))
        _require_same("alerts", now.alerts, before.alerts + told)

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

    def _tree(self, source: Names) -> dict[Names, str]:
        """Everything below ``source``, read and hashed; several requests at once save time."""
        found: dict[Names, str] = {}
        files: list[Names] = []
        level = [source]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while level:
                deeper: list[Names] = []
                for folder, listing in zip(level, pool.map(self.dav.propfind, level), strict=True):
                    for name, is_folder in _members(listing):
                        path = (*folder, name)
                        assert path not in found, f"{name} is listed twice"
                        found[path] = ""
                        (deeper if is_folder else files).append(path)
                level = deeper
            return found | dict(zip(files, pool.map(self._hash, files), strict=True))

    def _hash(self, file: Names) -> str:
        reply = self.dav.get(file)
        assert reply.status == 200, (file, reply)
        return sha256(reply.body)


def _require_same(what: str, found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> None:
    """Fails with what is there and should not be, and what is missing."""
    more, less = set(found.items()) - set(wanted.items()), set(wanted.items()) - set(found.items())
    assert not more | less, f"{what}: there is {sorted(more)} instead of {sorted(less)}"


def _members(listing: Reply) -> list[tuple[str, bool]]:
    """The name of each member of a listed folder, and whether it is a folder."""
    assert listing.status == 207, listing
    return [
        (
            unquote((response.findtext("{DAV:}href") or "").rstrip("/").rpartition("/")[2]),
            response.find(_COLLECTION) is not None,
        )
        for response in listing.xml.findall("{DAV:}response")[1:]
    ]
