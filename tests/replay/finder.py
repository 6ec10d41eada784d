"""How Finder, cp and Cocoa programs on a Mac write a file."""

from tests.replay.answers import has, timed
from tests.replay.bodies import asking, lockinfo
from tests.replay.script import Client, Row, Step
from tests.replay.wire import Chunked

FINDER = Client(
    "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)",
    "Accept: */* | Connection: keep-alive",
    asks_first="connection",
)
LOCKING = "Content-Type: text/xml; charset=utf-8 | Depth: 0 | Timeout: Second-600"
LOCKINFO = lockinfo("<D:href>http://www.apple.com/webdav_fs/</D:href>")
XML = "Content-Type: text/xml; charset=utf-8 | Depth: "
NAMED = asking(
    "D:getlastmodified", "D:getcontentlength", "D:creationdate", "D:resourcetype",
    "P:appledoubleheader", namespaces=' xmlns:P="http://www.apple.com/webdav_fs/props/"',
)  # fmt: skip
QUOTA = asking("D:quota-available-bytes", "D:quota-used-bytes")
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(4_072)
DS_STORE = b"\x00\x00\x00\x01Bud1" + bytes(6_140)
GRANTED = has("lock-token")


def begins(path: str) -> list[Step]:
    """The empty file, without any length, and its lock."""
    return [
        Row("PUT", path, "", None, 201, timed),
        Row("LOCK", path, LOCKING, LOCKINFO, 200, GRANTED),
    ]


def unlocks(path: str) -> Row:
    """The lock given back."""
    return Row("UNLOCK", path, "Lock-Token: <T>", None, 204)


def copies(path: str, body: bytes) -> list[Step]:
    """What a plain program sends that writes a whole file."""
    return [*begins(path), Row("PUT", path, "If: (<T>)", body, 204, timed), unlocks(path)]


def drags(path: str, side: str, file: bytes) -> list[Step]:
    """A file that is dragged in Finder, with its side file, up to where Finder
    looks at it again."""
    return [
        Row("PUT", path, "", None, 201, timed),
        Row("LOCK", path, LOCKING, LOCKINFO, 200, GRANTED),
        *copies(side, APPLE_DOUBLE),
        Row("PUT", path, f"X-Expected-Entity-Length: {len(file)} | If: (<T>)", Chunked(file), 204,
            timed),
        Row("LOCK", path, "Timeout: Second-600 | If: (<T>)", None, 200),
        unlocks(path),
    ]  # fmt: skip
