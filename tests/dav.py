"""A WebDAV client for tests: plain HTTP over a real socket, nothing clever."""

import base64
import http.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from lxml import etree

Names = tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """An answer: status, reason phrase, headers (small letters), body."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def xml(self) -> etree._Element:
        return etree.fromstring(self.body)

    @property
    def message(self) -> str:
        """The French sentence of an error body."""
        return self.xml.findtext("{urn:davserver}message") or ""


def address(*names: str, slash: bool = False) -> str:
    """The path of a resource of the drive, from its names."""
    return "".join("/" + quote(name, safe="") for name in ("dav", *names)) + ("/" if slash else "")


class Dav:
    """One person at one server. Each request takes a new connection, as bad clients do."""

    def __init__(self, url: str, login: str = "", password: str = "", agent: str = "test") -> None:
        self.url = url
        self.login = login
        self.password = password
        self.agent = agent

    def request(
        self,
        method: str,
        path: Names | str,
        body: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] | None = None,
        *,
        chunked: bool = False,
    ) -> Reply:
        """Send one request; ``path`` are names below /dav, or a raw request target."""
        target = path if isinstance(path, str) else address(*path)
        connection = self.connection()
        sent = {"User-Agent": self.agent, **self.authorization(), **(headers or {})}
        assert not (chunked and isinstance(body, bytes)), "a chunked body is an iterator"
        if isinstance(body, bytes):
            sent.setdefault("Content-Length", str(len(body)))
        try:
            connection.request(method, target, body or None, sent, encode_chunked=chunked)
            reply = connection.getresponse()
            content = reply.read()
        finally:
            connection.close()
        found = {key.lower(): value for key, value in reply.getheaders()}
        return Reply(reply.status, reply.reason, found, content)

    def connection(self) -> http.client.HTTPConnection:
        """A new way to the server, to be closed."""
        parts = urlsplit(self.url)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def authorization(self) -> dict[str, str]:
        if not self.login:
            return {}
        pair = base64.b64encode(f"{self.login}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def put(self, path: Names, body: bytes = b"", **headers: str) -> Reply:
        return self.request("PUT", path, body, _named(headers))

    def get(self, path: Names, **headers: str) -> Reply:
        return self.request("GET", path, b"", _named(headers))

    def delete(self, path: Names, **headers: str) -> Reply:
        return self.request("DELETE", path, b"", _named(headers))

    def mkcol(self, path: Names) -> Reply:
        return self.request("MKCOL", path)

    def move(self, path: Names, to: Names, **headers: str) -> Reply:
        return self._transfer("MOVE", path, to, headers)

    def copy(self, path: Names, to: Names, **headers: str) -> Reply:
        return self._transfer("COPY", path, to, headers)

    def lock(self, path: Names, *, scope: str = "exclusive", **headers: str) -> Reply:
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><D:lockinfo xmlns:D="DAV:"><D:lockscope>'
            f"<D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype>"
            f"<D:owner>{self.login}</D:owner></D:lockinfo>"
        ).encode()
        return self.request("LOCK", path, body, {"Depth": "0", **_named(headers)})

    def unlock(self, path: Names, token: str) -> Reply:
        return self.request("UNLOCK", path, b"", {"Lock-Token": token})

    def proppatch(self, path: Names, properties: str, **headers: str) -> Reply:
        body = (
            '<?xml version="1.0"?><D:propertyupdate xmlns:D="DAV:" '
            f'xmlns:Z="urn:schemas-microsoft-com:" xmlns:T="urn:test"><D:set><D:prop>{properties}'
            "</D:prop></D:set></D:propertyupdate>"
        ).encode()
        return self.request("PROPPATCH", path, body, _named(headers))

    def propfind(self, path: Names | str, depth: str = "1", body: bytes = b"") -> Reply:
        return self.request("PROPFIND", path, body, {"Depth": depth})

    def names(self, path: Names) -> list[str]:
        """The members of a folder, decoded; raises AssertionError unless it is listed."""
        reply = self.propfind(path)
        assert reply.status == 207, (reply.status, reply.body)
        hrefs = [e.text or "" for e in reply.xml.findall("{DAV:}response/{DAV:}href")]
        return [unquote(href.rstrip("/").split("/")[-1]) for href in hrefs[1:]]

    def _transfer(self, method: str, path: Names, to: Names, headers: Mapping[str, str]) -> Reply:
        destination = self.url + address(*to)
        return self.request(method, path, b"", {"Destination": destination, **_named(headers)})


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    """``If_None_Match`` is the header ``If-None-Match``."""
    return {key.replace("_", "-"): value for key, value in headers.items()}
