"""How Windows' own client writes a file, whoever the program is: Explorer, Word, LibreOffice."""

from tests.replay.answers import both, content, has, inside
from tests.replay.bodies import lockinfo, setting
from tests.replay.script import Client, Row, Step

WINDOWS = Client(
    "Microsoft-WebDAV-MiniRedir/10.0.22631",
    "translate: f | Connection: Keep-Alive | Cache-Control: no-cache | Pragma: no-cache",
    asks_first="connection",
)
TEXT_XML = 'Content-Type: text/xml; charset="utf-8"'
LOCKING = f"{TEXT_XML} | Timeout: Second-3600"
LOCKINFO = lockinfo("<D:href>cabinet.brumaire-kalve</D:href>")
_SPACE = 'xmlns:Z="urn:schemas-microsoft-com:"'
_DATE = "Fri, 14 Jun 2024 16:20:00 GMT"
FOUR = setting(
    f"<Z:Win32CreationTime>{_DATE}</Z:Win32CreationTime>"
    f"<Z:Win32LastAccessTime>{_DATE}</Z:Win32LastAccessTime>"
    f"<Z:Win32LastModifiedTime>{_DATE}</Z:Win32LastModifiedTime>"
    "<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>",
    _SPACE,
)
TWO = setting(
    f"<Z:Win32LastModifiedTime>{_DATE}</Z:Win32LastModifiedTime>"
    "<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>",
    _SPACE,
)


def begins(path: str) -> list[Step]:
    """The empty file, its lock and its dates: what Windows sends before any content."""
    return [
        Row("PUT", path, "", b"", 201, has("etag")),
        Row("LOCK", path, LOCKING, LOCKINFO, 200, has("lock-token")),
        Row("PROPPATCH", path, f"{TEXT_XML} | If: (<T>)", FOUR, 207, inside(200)),
        Row("HEAD", path, "", None, 200, both(has("content-length", "0"), content(b""))),
    ]


def writes(path: str, body: bytes) -> list[Step]:
    """The content under the lock, and the dates again."""
    return [
        Row("PUT", path, "If: (<T>)", body, 204, has("etag")),
        Row("PROPPATCH", path, f"{TEXT_XML} | If: (<T>)", TWO, 207, inside(200)),
    ]


def unlocks(path: str) -> Row:
    """The lock given back."""
    return Row("UNLOCK", path, "Lock-Token: <T>", None, 204)


def copies(path: str, body: bytes) -> list[Step]:
    """A whole file, from the first request to the last."""
    return [*begins(path), *writes(path, body), unlocks(path)]
