"""The requests of the model over real sockets, and what their answers and the listings say."""

import http.client
import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from lxml import etree

from tests.dav import Names, address
from tests.model.site import LOGINS, Box
from tests.model.tree import PEOPLE, Path, Request, is_side_name
from tests.serving import PASSWORD

_FIND = (
    b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:getcontentlength/>'
    b"</D:prop></D:propfind>"
)
_DATE = "<Z:Win32LastModifiedTime>Tue, 12 Mar 2024 10:00:00 GMT</Z:Win32LastModifiedTime>"
_WORD = "<T:mot>1</T:mot>"
_PROPERTIES = (
    '<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" xmlns:T="urn:test" '
    'xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>{}</D:prop></D:set></D:propertyupdate>'
)
_LOCK = (
    '<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{}/></D:lockscope>'
    "<D:locktype><D:write/></D:locktype></D:lockinfo>"
)

Listing = dict[str, tuple[str, int] | None]
"""The members of a folder: entity tag and size of each file, None for a folder."""


@dataclass(frozen=True)
class Reply:
    """An answer; ``status`` 0: the connection ended without one."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Person:
    """Somebody at the server: one connection, kept as long as it lasts."""

    def __init__(self, url: str, login: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        pair = b64encode(f"{login}:{PASSWORD}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"}

    def send(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a request; :meth:`receive` is to be called next."""
        sent = {"Content-Length": str(len(body)), **self._headers, **headers}
        if "Transfer-Encoding" in sent:
            del sent["Content-Length"]
            chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            body = chunk + b"0\r\n\r\n"
        self._connection.request(method, target, body, sent)

    def receive(self) -> Reply:
        """The answer to what was sent."""
        reply = self._connection.getresponse()
        body = reply.read()
        return Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, body)

    def cut(self, target: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """PUT half of ``body``, then hang up; the answer, if there is one."""
        announced = {**self._headers, **headers, "Content-Length": str(len(body))}
        try:
            self._connection.request("PUT", target, body[: len(body) // 2], announced)
            if self._connection.sock is not None:
                self._connection.sock.shutdown(1)
            return self.receive()
        except (http.client.HTTPException, ConnectionError):
            return Reply(0, {}, b"")
        finally:
            self._connection.close()

    def close(self) -> None:
        self._connection.close()


class Company:
    """The three people, each with his connection, at one server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.people = {who: Person(url, LOGINS[who]) for who in PEOPLE}
        self.tags: dict[bytes, str] = {}
        """The entity tag of each content, as the server gave it."""

    def close(self) -> None:
        """Hang up; the next request makes a new connection."""
        for person in self.people.values():
            person.close()

    def ask(self, box: Box, request: Request) -> tuple[str, Reply]:
        """Send ``request``; its outcome in the words of the model."""
        target = address(*_names(box, request.path))
        headers = self._headers(box, request)
        person = self.people[request.who]
        if request.way == "cut":
            reply = person.cut(target, request.body, headers)
            return ("400" if reply.status == 0 else str(reply.status)), reply
        method = "LOCK" if request.method == "REFRESH" else request.method
        person.send(method, target, _body(request), headers)
        reply = person.receive()
        if request.method == "PROPPATCH" and reply.status == 207:
            yes = b"200 OK" in reply.body
            return f"207 {'yes' if yes else 'no'}", reply
        return str(reply.status), reply

    def listings(self, folders: Mapping[str, Names]) -> dict[str, Listing | None]:
        """What each of these people finds listed in his folder; None where it is not there."""
        for who, folder in folders.items():
            self.people[who].send("PROPFIND", address(*folder), _FIND, {"Depth": "1"})
        replies = {who: self.people[who].receive() for who in folders}
        return {who: _listing(reply) for who, reply in replies.items()}

    def _headers(self, box: Box, request: Request) -> dict[str, str]:
        headers = {"User-Agent": request.agent, "Depth": "0"}
        if request.method in ("MOVE", "COPY", "DELETE"):
            headers["Depth"] = "infinity"
        if request.to:
            headers["Destination"] = self.url + address(*_names(box, request.to))
            headers["Overwrite"] = "T" if request.overwrite else "F"
        if request.token:
            name, form = ("Lock-Token", "<{}>") if request.method == "UNLOCK" else ("If", "(<{}>)")
            headers[name] = form.format(request.token)
        if request.free:
            headers[request.free] = "*" if request.free == "If-None-Match" else "F"
        if request.match is not None:
            headers["If-Match"] = self.tags[request.match]
        if request.way == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        if request.method in ("LOCK", "REFRESH"):
            headers["Timeout"] = f"Second-{request.timeout:.0f}"
        return headers


@dataclass
class Witness:
    """Somebody who only looks, knows nothing of the model, and remembers.

    What he has seen once he must always find again, under its name, with the same content, in the
    mailbox or in the archive; and he must never see a file without content, nor one name twice.
    """

    pieces: dict[Path, tuple[str, int]] = field(default_factory=dict)

    def look(self, folder: Path, listing: Listing) -> None:
        """Look at a folder of the mailbox or of the archive."""
        folder = _folded(folder)
        # His own side files come and go; that he sees nobody else's, the model says.
        names = [name for name in listing if not is_side_name(name)]
        found = {_folded((*folder, name)): listing[name] for name in names}
        assert len(found) == len(names), f"one name twice: {sorted(listing)}"
        for path, facts in found.items():
            if facts is not None:
                assert facts[1] > 0, f"{path} is shown without content"
                assert self.pieces.setdefault(path, facts) == facts, f"{path} has changed"
        gone = [path for path in self.pieces if path[:-1] == folder and path not in found]
        assert not gone, f"{gone} has disappeared"

    def follow(self, source: Path, target: Path) -> None:
        """The expert has filed what was at ``source``."""
        source, target = _folded(source), _folded(target)
        for path in [path for path in self.pieces if path[: len(source)] == source]:
            self.pieces[target + path[len(source) :]] = self.pieces.pop(path)


def _folded(path: Path) -> Path:
    return tuple(unicodedata.normalize("NFC", name.casefold()) for name in path)


def _names(box: Box, path: Path) -> Names:
    return (*box.places[path[0]], *path[1:])


def _body(request: Request) -> bytes:
    if request.method == "PUT":
        return request.body
    if request.method == "LOCK":
        return _LOCK.format("exclusive" if request.exclusive else "shared").encode()
    if request.method == "PROPPATCH":
        return _PROPERTIES.format(_DATE if request.dates else _WORD).encode()
    return b""


def _listing(reply: Reply) -> Listing | None:
    if reply.status == 404:
        return None
    assert reply.status == 207, (reply.status, reply.body)
    found: Listing = {}
    for response in etree.fromstring(reply.body).findall("{DAV:}response")[1:]:
        href = response.findtext("{DAV:}href") or ""
        name = unquote(href).rstrip("/").split("/")[-1]
        size = response.findtext(".//{DAV:}getcontentlength")
        assert name not in found, f"{name} is listed twice"
        tag = response.findtext(".//{DAV:}getetag") or ""
        found[name] = None if href.endswith("/") else (tag, int(size or 0))
    return found
