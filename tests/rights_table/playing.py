"""Playing cells of the rights table: real requests of real accounts to a server.

A request that is expected to be granted acts on a file or folder that the expert makes for it; one
that is expected to be refused acts on what was there from the beginning.
"""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from urllib.parse import unquote

from tests.dav import Dav, Reply
from tests.rights_table.site import NOTE, SUB, Names, Victim, bytes_of, file_in, login, path
from tests.rights_table.statement import home, kind, other, source_of
from tests.serving import PASSWORD

MAC = "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)"
READING = ("OPTIONS", "PROPFIND", "PROPFIND all", "PROPFIND file", "GET", "HEAD", "GET itself")
THREADS = 8
LITTLE = b"quelques octets"
_DATES = "<Z:Win32LastModifiedTime>Tue, 12 Mar 2024 09:00:00 GMT</Z:Win32LastModifiedTime>"
_NO_TOKEN = "<opaquelocktoken:00000000-0000-0000-0000-000000000000>"
_SENTENCE = re.compile(r"[«A-ZÀ-Ý].*[a-zà-ÿ»)]\.", re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """One request of one person in one place of a dossier in one state, and its answer.

    ``expected`` are the outcomes that the specification leaves open, joined by « | »: a status,
    with « + » or « - » (the file is listed or not), « yes » or « no » (the property was set or
    not). ``detail`` is what some requests need besides: a name, a program, a size.
    """

    state: str
    person: str
    request: str
    place: str
    expected: str
    detail: str = ""

    @property
    def changes(self) -> bool:
        """Whether the request, granted as expected, leaves something behind."""
        if self.request in READING or self.expected[0] in "45" or self.expected == "207 no":
            return False
        # A sealed piece put once more is no second deposit, and nobody holds a lock on it.
        return not (self.request in ("PUT same", "UNLOCK") and self._is_piece)

    @property
    def _is_piece(self) -> bool:
        return kind(self.place) in ("mailboxes", "archives")

    def __str__(self) -> str:
        words = (self.state, self.person, self.request, self.place, self.detail)
        return " · ".join(word for word in words if word)


class Stage:
    """A server with the site of the table, and everybody at his computer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count(1)

    def client(self, person: str, state: str, agent: str = "test") -> Dav:
        """The computer of somebody."""
        return Dav(self._url, login(person, state), PASSWORD, agent)

    def number(self) -> int:
        """One that was never given."""
        return next(self._numbers)

    def fresh(self, cell: Cell) -> str:
        """A name that nothing has yet, and that says where it comes from."""
        return f"{self.number()} {cell.request} - {cell.person}"

    def play(self, cells: Sequence[Cell]) -> list[str]:
        """Play cells, some at a time, and say what was not as expected."""
        with ThreadPoolExecutor(THREADS) as threads:
            return [fault for fault in threads.map(self.play_one, cells) if fault]

    def play_one(self, cell: Cell) -> str:
        """Play one cell; what was not as expected, else nothing."""
        attempt = Attempt(self, cell)
        outcome, reply = REQUESTS[cell.request](attempt)
        if outcome not in cell.expected.split("|"):
            return f"{cell}: {outcome}, expected {cell.expected} ({reply.reason})"
        if reply.status >= 400 and not cell.request.startswith("HEAD"):
            if not _SENTENCE.fullmatch(reply.message):
                return f"{cell}: {outcome} without a sentence: {reply.body[:200]!r}"
        return ""


class Attempt:
    """What one cell acts on."""

    def __init__(self, stage: Stage, cell: Cell) -> None:
        self.cell = cell
        self.stage = stage
        self.me = stage.client(cell.person, cell.state)
        self.folder = path(cell.place, cell.state)
        self._expert = stage.client("expert", cell.state)

    def at(self, place: str, name: str = "") -> Names:
        """A name in another place of the same dossier, a fresh one if none is given."""
        return (*path(place, self.cell.state), name or f"{self.stage.fresh(self.cell)}.pdf")

    def new(self) -> Names:
        """A fresh name in the place of the cell."""
        return self.at(self.cell.place)

    def file(self, place: str = "") -> Names:
        """The file that the request is about, in the place of the cell or another one."""
        place = place or self.cell.place
        if kind(place) == "publications" and self.cell.changes:
            made = self.at(place)
            assert self._expert.put(made, bytes_of(made[-1])).status == 201, made
            return made
        return self.at(place, file_in(place))

    def piece(self) -> Names:
        """The piece that is filed, or would be."""
        cell = self.cell
        name = Victim(cell.request, cell.person, cell.place).name
        return self.at(cell.place, name if cell.changes else file_in(cell.place))

    def itself(self) -> Names:
        """The folder that the request is about: « /09 » is 09 itself, « 09 » a folder in it."""
        if self.cell.place.startswith("/") or self.cell.place == "05/B":
            return self.folder
        if not self.cell.changes:
            return (*self.folder, SUB)
        made = (*self.folder, self.stage.fresh(self.cell))
        assert self._expert.mkcol(made).status == 201, made
        return made

    def beside(self, folder: Names) -> Names:
        """A fresh name beside ``folder``."""
        return (*folder[:-1], self.stage.fresh(self.cell))


Outcome = tuple[str, Reply]


def status_of(reply: Reply) -> Outcome:
    """The status of an answer."""
    return str(reply.status), reply


def _listing(a: Attempt) -> Outcome:
    """Whether the file is listed in its folder, next to a status."""
    reply = a.me.propfind(a.folder)
    if reply.status != 207:
        return status_of(reply)
    hrefs = [element.text or "" for element in reply.xml.iter("{DAV:}href")]
    names = [unquote(href).rstrip("/").split("/")[-1] for href in hrefs]
    return ("207+" if file_in(a.cell.place) in names else "207-"), reply


def described(reply: Reply) -> Outcome:
    """The status of a PROPPATCH, and whether the property was set."""
    if reply.status != 207:
        return status_of(reply)
    done = " 200 " in (reply.xml.findtext(".//{DAV:}status") or "")
    return ("207 yes" if done else "207 no"), reply


def _unlocked(a: Attempt, name: Names) -> Outcome:
    token = _NO_TOKEN
    if a.cell.changes:
        locked = a.me.lock(name)
        assert locked.status == 200, (a.cell, locked.status)
        token = locked.headers["lock-token"]
    return status_of(a.me.unlock(name, token))


def _filed(a: Attempt, archive: str, *, renamed: str = "") -> Outcome:
    piece = a.piece()
    stem = piece[-1].removesuffix(".pdf")
    return status_of(a.me.move(piece, a.at(archive, renamed.format(stem) or piece[-1])))


def _archive(a: Attempt, *, wrong: bool = False) -> str:
    """The archive of the box's owner, or somebody else's; the sapiteur has none."""
    box = a.cell.place[-1]
    return "05/O" if wrong and box == "B" else "05/B" if wrong or box == "S" else f"05/{box}"


def _sorted(a: Attempt) -> Outcome:
    piece = a.piece()
    return status_of(a.me.move(piece, (*piece[:-2], "Dires", piece[-1])))


def _put_same(a: Attempt) -> Outcome:
    name = a.file()
    return status_of(a.me.put(name, bytes_of(name[-1])))


def _copied_onto(a: Attempt, **headers: str) -> Outcome:
    source = a.at(source_of(a.cell.request, a.cell.place), NOTE)
    return status_of(a.me.copy(source, a.file(), **headers))


REQUESTS: dict[str, Callable[[Attempt], Outcome]] = {
    "OPTIONS": lambda a: status_of(
        a.me.request("OPTIONS", a.at(a.cell.place, file_in(a.cell.place)))
    ),
    "PROPFIND": _listing,
    "PROPFIND all": lambda a: status_of(a.me.propfind(a.folder, "infinity")),
    "PROPFIND file": lambda a: status_of(a.me.propfind(a.file(), "0")),
    "GET": lambda a: status_of(a.me.get(a.file())),
    "HEAD": lambda a: status_of(a.me.request("HEAD", a.file())),
    "PUT new": lambda a: status_of(a.me.put(a.new(), LITTLE)),
    "PUT over": lambda a: status_of(a.me.put(a.file(), b"autre")),
    "PUT same": _put_same,
    "MKCOL": lambda a: status_of(a.me.mkcol(a.new())),
    "LOCK new": lambda a: status_of(a.me.lock(a.new())),
    "LOCK": lambda a: status_of(a.me.lock(a.file())),
    "LOCK by a Mac": lambda a: status_of(a.me.lock(a.file(), User_Agent=MAC)),
    "UNLOCK": lambda a: _unlocked(a, a.file()),
    "PROPPATCH": lambda a: described(a.me.proppatch(a.file(), "<T:a>x</T:a>")),
    "PROPPATCH dates": lambda a: described(a.me.proppatch(a.file(), _DATES)),
    "DELETE": lambda a: status_of(a.me.delete(a.file())),
    "RENAME": lambda a: status_of(a.me.move(a.file(), a.new())),
    "MOVE out": lambda a: status_of(a.me.move(a.file(), a.at(other(a.cell.place)))),
    "MOVE in": lambda a: status_of(a.me.move(a.file(source_of("MOVE in", a.cell.place)), a.new())),
    "COPY out": lambda a: status_of(
        a.me.copy(
            a.at(a.cell.place, file_in(a.cell.place)), a.at(home(a.cell.person, a.cell.place))
        )
    ),
    "COPY in": lambda a: status_of(
        a.me.copy(a.at(source_of("COPY in", a.cell.place), NOTE), a.new())
    ),
    "COPY onto": _copied_onto,
    "COPY onto, F": lambda a: _copied_onto(a, Overwrite="F"),
    "FILE": lambda a: _filed(a, _archive(a)),
    "FILE as twin": lambda a: _filed(a, _archive(a), renamed="{} (2).pdf"),
    "FILE renamed": lambda a: _filed(a, _archive(a), renamed="Autre nom.pdf"),
    "FILE wrongly": lambda a: _filed(a, _archive(a, wrong=True)),
    "SORT": _sorted,
    "GIVE BACK": lambda a: _filed(a, a.cell.place.replace("05", "04")),
    "GET itself": lambda a: status_of(a.me.get(a.itself())),
    "MKCOL itself": lambda a: status_of(a.me.mkcol(a.itself())),
    "PUT itself": lambda a: status_of(a.me.put(a.itself(), b"fichier")),
    "LOCK itself": lambda a: status_of(a.me.lock(a.itself())),
    "PROPPATCH itself": lambda a: described(a.me.proppatch(a.itself(), "<T:a>x</T:a>")),
    "DELETE itself": lambda a: status_of(a.me.delete(a.itself())),
    "RENAME itself": lambda a: status_of(a.me.move(folder := a.itself(), a.beside(folder))),
    "MOVE itself": lambda a: status_of(
        a.me.move(a.itself(), a.at(other(a.cell.place.removeprefix("/"))))
    ),
}


def shown(expert: Dav, folder: Names) -> dict[str, object]:
    """What somebody sees in a folder: its files with the SHA-256 of their content, its folders."""
    found: dict[str, object] = {}
    reply = expert.propfind(folder)
    assert reply.status == 207, (folder, reply.status)
    for response in reply.xml.findall("{DAV:}response")[1:]:
        href = response.findtext("{DAV:}href") or ""
        name = unquote(href).rstrip("/").split("/")[-1]
        content = expert.get((*folder, name)).body if not href.endswith("/") else b""
        found["/".join((*folder, name))] = sha256(content).hexdigest() if content else "folder"
    return found
