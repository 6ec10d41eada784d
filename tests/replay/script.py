"""A script is a table: what a client sends, and what it must get. The player plays it.

``B`` is the mailbox, ``D`` its dossier, ``<T>`` the token of the last LOCK of the row's path,
``<url>`` its whole address, ``{etag}`` the last entity tag that the client was told for it.
"""

import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tests.clients import DOSSIER, box
from tests.dav import Reply, address
from tests.replay.seconds import pause
from tests.replay.wire import Body, Cut, Header, Unanswered, Wire
from tests.replay.witness import BOX, Witness
from tests.serving import PASSWORD

AUTHOR = "cabinet.brumaire-kalve"
_PLACES = {"B": address(*box(BOX)), "D": address(DOSSIER)}
_NO_TOKEN = "<opaquelocktoken:00000000-0000-0000-0000-000000000000>"


@dataclass(frozen=True)
class Row:
    """One request. ``headers`` are parted by `` | ``; ``status``: the one answer, or those that do;
    ``holds``: what else must be true of the answer; ``by``: somebody else who sends it; ``within``:
    seconds that the answer may take."""

    method: str
    path: str
    headers: str = ""
    body: Body = field(default=None, repr=False)
    status: int | tuple[int, ...] = 200
    holds: Callable[[Reply], bool] | None = None
    by: str = ""
    within: float = 60.0


@dataclass(frozen=True)
class Wait:
    """The client, or its user, does nothing for so many real seconds, or a part of them."""

    seconds: int
    parts: int = 1


@dataclass(frozen=True)
class NewConnection:
    """The client goes on over another TCP connection."""


@dataclass(frozen=True)
class Sealed:
    """Nothing more is done until everybody sees this file of the box."""

    name: str


@dataclass(frozen=True)
class Unseen:
    """At this moment this file of the box does not exist for anybody but its author."""

    name: str


@dataclass(frozen=True)
class Meanwhile:
    """Something happens that is none of the client's doing."""

    event: Callable[[], None]


Step = Row | Wait | NewConnection | Sealed | Unseen | Meanwhile


@dataclass(frozen=True)
class Client:
    """How a program speaks: its agent, what it always sends, and when it tells who it is only
    after a 401: on each new connection, for each request (each on a connection of its own), or
    never."""

    agent: str
    always: str = ""
    asks_first: Literal["never", "connection", "request"] = "never"


class Reachable(Protocol):
    """A server, or what stands before it."""

    @property
    def url(self) -> str: ...


@dataclass
class Player:
    """A program of one person, at one server. What it does is told to nobody but the witness."""

    server: Reachable
    witness: Witness
    client: Client
    trust: ssl.SSLContext | None = None
    _tokens: dict[str, str] = field(default_factory=dict)
    _etags: dict[str, str] = field(default_factory=dict)

    def play(
        self,
        *steps: Step,
        becomes: Mapping[str, bytes] | None = None,
        refused: Collection[str] = (),
    ) -> None:
        """Play the script, once without credentials, once with them.

        ``becomes``: the pieces of the box, by name, that the script makes, each of them one
        deposit with one receipt and one alert; all else in the dossier must be as it was.
        ``refused``: the names of which a mail tells that something was refused.
        """
        with self.witness.watching(becomes or {}, refused), ExitStack() as open_wires:
            wires: dict[str, Wire] = {}
            self._without_credentials(steps)
            for step in steps:
                if isinstance(step, Row) and step.by not in wires:
                    wires[step.by] = open_wires.enter_context(closing(self._wire()))
                self._do(step, wires)

    def _wire(self) -> Wire:
        return Wire(self.server.url, self.trust)

    def _do(self, step: Step, wires: Mapping[str, Wire]) -> None:
        match step:
            case Row():
                self._send(step, wires[step.by])
            case Wait(seconds, parts):
                pause(seconds, parts)
            case NewConnection():
                wires[""].close()
            case Sealed(name):
                self.witness.awaits(name)
            case Unseen(name):
                assert not self.witness.sees(name), name
            case Meanwhile(event):
                event()

    def _without_credentials(self, steps: Sequence[Step]) -> None:
        """The whole script without saying who asks, on one connection while it is kept."""
        with closing(self._wire()) as wire:
            for row in steps:
                if isinstance(row, Row) and _is_whole(row):
                    self._ask_first(row, wire)

    def _send(self, row: Row, wire: Wire) -> None:
        if self.client.asks_first == "request":
            wire.close()
        if self.client.asks_first != "never" and wire.is_new and _is_whole(row):
            self._ask_first(row, wire)
        begun = time.monotonic()
        reply = wire.ask(
            row.method, _target(row.path), self._headers(row, row.by or AUTHOR), row.body
        )
        if reply is None:
            return
        assert time.monotonic() - begun < row.within, row
        wanted = (row.status,) if isinstance(row.status, int) else row.status
        assert reply.status in wanted, (row, reply)
        assert row.holds is None or row.holds(reply), (row, reply)
        if "lock-token" in reply.headers:
            self._tokens[row.path] = reply.headers["lock-token"]
        if "etag" in reply.headers:
            self._etags[row.path] = reply.headers["etag"]

    def _ask_first(self, row: Row, wire: Wire) -> None:
        """The request without credentials: 401, and the connection is good or closed in peace."""
        reply = wire.ask(row.method, _target(row.path), self._headers(row, None), row.body)
        assert reply is not None
        assert reply.status == 401, (row, reply)
        assert reply.headers["www-authenticate"].startswith("Basic "), (row, reply)
        assert (reply.headers["dav"], reply.headers["ms-author-via"]) == ("1, 2", "DAV"), row
        if self.client.asks_first == "request":
            wire.close()

    def _headers(self, row: Row, login: str | None) -> list[Header]:
        """All headers but those of the body; no credentials without a ``login``."""
        given = {"User-Agent": self.client.agent}
        for line in (*self.client.always.split(" | "), *row.headers.split(" | ")):
            name, _, value = line.partition(": ")
            if name:
                given[name] = value
        if login is None:
            given.pop("Authorization", None)
        elif "Authorization" not in given:
            pair = b64encode(f"{login}:{PASSWORD}".encode()).decode()
            given["Authorization"] = f"Basic {pair}"
        return [(name, self._filled(row, name, value)) for name, value in given.items()]

    def _filled(self, row: Row, name: str, value: str) -> str:
        if name == "Destination":
            return self.server.url + _target(value)
        value = value.replace("<T>", self._tokens.get(row.path, _NO_TOKEN))
        value = value.replace("{etag}", self._etags.get(row.path, '"unknown"'))
        return value.replace("<url>", f"<{self.server.url}{_target(row.path)}>")


def _target(path: str) -> str:
    """``B/a.pdf`` as a request target; any other path is one already."""
    first, slash, rest = path.partition("/")
    return _PLACES.get(first, first) + slash + rest


def _is_whole(row: Row) -> bool:
    """Whether the client sends all of its request and waits for the answer."""
    return not isinstance(row.body, Cut | Unanswered)


Play = Callable[[Client], Player]
"""Makes a player of a client at the suite's server."""
