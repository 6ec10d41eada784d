"""What a program that synchronises asks, and what it is told."""

import re

from tests.dav import Dav, Names, Reply

PROPS = "<D:getetag/><D:getcontentlength/><D:resourcetype/>"


def tag(client: Dav, folder: Names) -> str:
    """The folder's ETag, as its property and as its header."""
    body = b'<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'
    reply = client.propfind(folder, "0", body)
    found = reply.xml.findtext(".//{DAV:}getetag") or ""
    assert re.fullmatch(r'"[0-9a-f]{40}"', found), reply.body
    assert client.request("HEAD", folder).headers["etag"] == found
    return found


def report(client: Dav, folder: Names, token: str = "", level: str = "infinite") -> Reply:
    """The report of what has changed since ``token``."""
    body = (
        f'<D:sync-collection xmlns:D="DAV:"><D:sync-token>{token}</D:sync-token>'
        f"<D:sync-level>{level}</D:sync-level><D:prop>{PROPS}</D:prop></D:sync-collection>"
    ).encode()
    return client.request("REPORT", folder, body, {"Content-Type": "application/xml"})


def sync(
    client: Dav, folder: Names, token: str = "", level: str = "infinite"
) -> tuple[dict[str, str], str]:
    """What has changed, by address (the ETag, or « gone »), and the next token."""
    reply = report(client, folder, token, level)
    assert reply.status == 207, reply.body
    changes = {}
    for response in reply.xml.iterfind("{DAV:}response"):
        href = response.findtext("{DAV:}href") or ""
        gone = response.findtext("{DAV:}status") == "HTTP/1.1 404 Not Found"
        changes[href] = "gone" if gone else (response.findtext(".//{DAV:}getetag") or "")
    return changes, reply.xml.findtext("{DAV:}sync-token") or ""


def short(changes: dict[str, str]) -> dict[str, bool]:
    """The last names of what changed, and whether they are still there."""
    return {href.rstrip("/").split("/")[-1]: value != "gone" for href, value in changes.items()}
