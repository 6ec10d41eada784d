"""What the tests of the catalogue share: requests to the letter, proof that nothing happened."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from davserver.model import MessageKind
from tests.console import Console
from tests.dav import Dav, Names, Reply, address
from tests.replay.wire import Body, Header, Wire
from tests.serving import Server

DOSSIER = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
PLANS: Names = (DOSSIER, "08 Plans")  # the expert writes there, the others read
SPACE: Names = ("Espace de l'expert",)
BOX: Names = (DOSSIER, "04 Boîtes aux lettres", "Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
ARCHIVE: Names = (DOSSIER, "05 Archives", BOX[-1], "Pièces")
EXPERT, ASSISTANT = "apolline.testard", "theo.gabarit"
AUTHOR, OTHER = "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
PDF = b"%PDF-1.4\n" + b"x" * 2_000
_EVERYTHING = b'<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'
_USED = b'<D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/></D:prop></D:propfind>'


def ask(person: Dav, method: str, target: str, *headers: Header, body: Body = b"") -> Reply:
    """One request whose target and headers go out as they are; a header may come twice."""
    wire = Wire(person.url)
    try:
        reply = wire.ask(method, target, [*person.authorization().items(), *headers], body)
    finally:
        wire.close()
    assert reply is not None
    return reply


def to(person: Dav, target: str, *names: str) -> Header:
    """A Destination: ``target`` behind the address of ``names``."""
    return ("Destination", person.url + address(*names) + target)


@contextmanager
def nothing_happens(server: Server, folder: Names, *people: Dav) -> Iterator[None]:
    """Fails where the block leaves a name, byte, lock, property, deposit, alert or line of success,
    anywhere below ``folder`` as ``people`` see it. Lines that tell of refusals are due."""
    before = _account(server, folder, people)
    yield
    for what, found in _account(server, folder, people).items():
        assert found == before[what], what


def _account(server: Server, folder: Names, people: Collection[Dav]) -> dict[str, Any]:
    console = Console(server.data)
    lines = console.json("journal", "list")
    queue = console.json("alerts", "queue")
    account: dict[str, Any] = {
        "deposits": console.json("deposits", "list"),
        "journal": [(line["act"], line["facts"]) for line in lines if line["act"] != "refused"],
        "alerts": [
            (mail["kind"], [line["name"] for line in mail["lines"]])
            for mail in queue
            if mail["kind"] != MessageKind.REFUSED.value
        ],
    }
    for person in people:
        account[f"what {person.login} sees"] = dict(seen(person, folder))
    return account


def seen(person: Dav, folder: Names) -> Iterator[tuple[Names, bytes]]:
    """All below ``folder``: each folder with its listing and locks, each file with its bytes."""
    listing = person.propfind(folder, "1", _EVERYTHING)
    assert listing.status == 207, (folder, listing)
    used = person.propfind(folder, "0", _USED).body
    yield folder, re.sub(rb"Second-\d+", b"", listing.body) + used
    for response in listing.xml.findall("{DAV:}response")[1:]:
        name = unquote((response.findtext("{DAV:}href") or "").rstrip("/").rpartition("/")[2])
        if response.find("{DAV:}propstat/{DAV:}prop/{DAV:}resourcetype/{DAV:}collection") is None:
            yield (*folder, name), person.get((*folder, name)).body
        else:
            yield from seen(person, (*folder, name))
