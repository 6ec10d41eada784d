"""What is asked of every server: the rows of the table."""

import gzip
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

from bench import day, files
from bench.load import Ask, Wrong, many, once
from bench.peers import Peer

OK, MULTISTATUS, CREATED = frozenset({200}), frozenset({207}), frozenset({201})
WRITTEN = frozenset({200, 201, 204})
USERS = 50
_LOGINS = 8  # of each person: every process of a server is likely to have met him then
_turns = itertools.count(1)  # no name is used twice


@dataclass(frozen=True)
class Workload:
    """One row: ``run`` does it once on a server and returns its figure, the more the better.

    ``goal``: what is wanted of davserver, as factors of peers. ``tls``: over TLS.
    """

    name: str
    title: str
    unit: str
    run: Callable[[Peer, "Terms"], float]
    goal: Mapping[str, float]
    tls: bool = False


@dataclass(frozen=True)
class Terms:
    """How long and with what: ``seconds`` of a turn; the files to send are made in ``folder`` when
    they are first asked for."""

    seconds: float
    folder: Path

    @cached_property
    def small(self) -> Path:
        """A document to send often."""
        path = self.folder / "small.pdf"
        path.write_bytes(files.content(files.UPLOAD_SIZE))
        return path

    @cached_property
    def large(self) -> Path:
        """A large one."""
        return files.large(self.folder / "large.zip", seed=10_000)

    @cached_property
    def pieces(self) -> list[Path]:
        """Folders of pieces, one for each who deposits."""
        return day.written(self.folder / "pieces")


def listing(depth: str, *, packed: bool = False, connections: int = 4) -> Callable[..., float]:
    """PROPFIND of the folder that is listed, with an empty body; answers a second."""

    def run(peer: Peer, terms: Terms) -> float:
        url = peer.url(files.LISTING, "")
        headers = {"Depth": depth} | ({"Accept-Encoding": "gzip"} if packed else {})
        members = 1 + files.LISTED if depth == "1" else 1
        least = _listed(peer, url, headers, members)
        ask = Ask("PROPFIND", url, MULTISTATUS, least, headers)
        return many(ask, seconds=terms.seconds, connections=connections)

    return run


def users(peer: Peer, terms: Terms) -> float:
    """The same by USERS people at once, each with a connection and a password of his own; answers a
    second. All have logged in before, at each process of the server."""
    url, headers = peer.url(files.LISTING, ""), {"Depth": "1"}
    people = peer.readers(USERS)
    least = min(
        _listed(peer, url, headers, 1 + files.LISTED, person)
        for person in set(people)
        for _ in range(_LOGINS)
    )
    ask = Ask("PROPFIND", url, MULTISTATUS, least, headers, people=people)
    return many(ask, seconds=terms.seconds, connections=USERS)


def _listed(
    peer: Peer,
    url: str,
    headers: Mapping[str, str],
    members: int,
    person: files.Person = files.OWNER,
) -> int:
    """The size of a listing's body as it comes, once its members have been counted."""
    door = peer.door()
    door.request("PROPFIND", urlsplit(url).path, headers={**person.authorization, **headers})
    reply = door.getresponse()
    body = reply.read()
    door.close()
    packed = reply.headers.get("Content-Encoding") == "gzip"
    text = gzip.decompress(body) if packed else body
    found = len(etree.fromstring(text).findall("{DAV:}response"))
    if reply.status != 207 or found != members:
        raise Wrong(f"PROPFIND {url}: {reply.status}, {found} members")
    return len(body)


def get_small(peer: Peer, terms: Terms) -> float:
    """GET of each listed file in turn; answers a second."""
    url = peer.url(files.LISTING, files.listed_name(7777)).replace("7777", "%n")
    ask = Ask("GET", url, OK, files.LISTED_SIZE)
    return many(ask, seconds=terms.seconds)


def put_small(peer: Peer, terms: Terms) -> float:
    """PUT of 100 KiB under ever new names; answers a second."""
    url = peer.url(files.UPLOADS, "") + "%d.pdf"
    ask = Ask("PUT", url, CREATED, body=terms.small)
    return many(ask, seconds=terms.seconds, first=next(_turns) * 100_000_000)


def get_large(peer: Peer, terms: Terms) -> float:
    """GET of a large file; bytes a second."""
    ask = Ask("GET", peer.url(files.LARGE, files.LARGE_NAME), OK)
    return once(ask, size=files.LARGE_SIZE, authority=_authority(peer))


def put_large(peer: Peer, terms: Terms) -> float:
    """PUT of as much, over the same document each time; bytes a second."""
    ask = Ask("PUT", peer.url(files.UPLOADS, "large.zip"), WRITTEN, body=terms.large)
    return once(ask, size=files.LARGE_SIZE, authority=_authority(peer))


def moving(*path: str, to: tuple[str, ...]) -> Callable[[Peer, Terms], float]:
    """MOVE of the folder at ``path``, there and back; moves a second."""

    def run(peer: Peer, terms: Terms) -> float:
        return _moved(peer, terms, peer.url(*path, ""), peer.url(*to, ""))

    return run


def _moved(peer: Peer, terms: Terms, here: str, there: str) -> float:
    door = peer.door()
    count, begun = 0, time.monotonic()
    while time.monotonic() < begun + terms.seconds / 2 or count % 2:
        source, goal = (there, here) if count % 2 else (here, there)
        headers = {**files.OWNER.authorization, "Destination": goal, "Overwrite": "F"}
        door.request("MOVE", urlsplit(source).path, headers=headers)
        reply = door.getresponse()
        reply.read()
        if reply.status not in (201, 204):
            raise Wrong(f"MOVE {source}: {reply.status}")
        count += 1
    door.close()
    return count / (time.monotonic() - begun)


def _authority(peer: Peer) -> Path | None:
    return peer.tls.authority if peer.tls else None


_NGINX, _APACHE = "nginx dav-ext", "Apache mod_dav"
WORKLOADS = (
    Workload("propfind-1", "PROPFIND Depth 1 of 1,000 members", "/s", listing("1"),
             {_NGINX: 3, _APACHE: 10}),
    Workload("propfind-1-gzip", "the same, `Accept-Encoding: gzip`", "/s",
             listing("1", packed=True), {_NGINX: 3, _APACHE: 10}),
    Workload("propfind-0", "PROPFIND Depth 0", "/s", listing("0"), {_APACHE: 1}),
    Workload("get-4k", "GET 4 KiB", "/s", get_small, {_APACHE: 1}),
    Workload("put-100k", "PUT 100 KiB", "/s", put_small, {_APACHE: 1}),
    Workload("get-512m", f"GET {files.LARGE_MIB} MiB", "B/s", get_large, {_APACHE: 0.9}),
    Workload("put-512m", f"PUT {files.LARGE_MIB} MiB", "B/s", put_large, {_APACHE: 1}),
    Workload("move", "MOVE of a folder of 1,000 pieces", "/s",
             moving(files.LISTING, to=(f"{files.LISTING} moved",)), {}),
    Workload("eve", "eve of a meeting: 6 lawyers, 210 files, 900 MB by rclone", "B/s",
             lambda peer, terms: day.eve(peer, terms.pieces), {_APACHE: 1}),
    Workload("morning", "the morning after: 12 people read 300 MB each by rclone", "B/s",
             lambda peer, terms: day.morning(peer, terms.pieces), {}),
    Workload("crowd", "PROPFIND Depth 1 on 50 connections", "/s",
             listing("1", connections=50), {}),
    Workload("users", f"PROPFIND Depth 1 by {USERS} people at once", "/s", users, {}),
    Workload("tls-propfind-1", "PROPFIND Depth 1 over TLS", "/s", listing("1"), {}, tls=True),
    Workload("tls-get-4k", "GET 4 KiB over TLS", "/s", get_small, {}, tls=True),
    Workload("tls-get-512m", f"GET {files.LARGE_MIB} MiB over TLS", "B/s", get_large,
             {_NGINX: 1}, tls=True),
)  # fmt: skip
