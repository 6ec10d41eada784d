"""LOCK and UNLOCK (RFC 4918 §9.10, §9.11)."""

import re

from lxml import etree

from davserver.errors import BadRequest
from davserver.providers import live
from davserver.providers.address import href
from davserver.providers.answers import PROLOGUE, XML, Answer
from davserver.providers.exchange import Exchange
from davserver.tree import locking
from davserver.tree.lookup import find

_LONGEST_OWNER = 4_096  # characters of the owner element that is given back


def lock(exchange: Exchange) -> Answer:
    """200, or 201 when a free name was reserved; without a body the lock is prolonged."""
    body = exchange.xml()
    timeout = _timeout(exchange.headers.get("timeout", ""))
    depth = exchange.depth("infinity", ("0", "infinity"))
    if body is None:
        with exchange.site.writing(exchange.actor, exchange.client) as work:
            spot = find(work, exchange.path)
            exchange.conditions.guard_get(work, spot)
            held = locking.refresh(work, exchange.path, timeout)
            _, node = spot.existing()
            root = live.lockroot(held, spot.path, (*spot.folders, node))
            shown = live.lockdiscovery(held, work, root)
        return Answer(200, (("Content-Type", XML),), _document(shown))
    wanted = locking.Wanted(
        exclusive=_scope(body),
        infinite=depth == "infinity",
        owner=_owner(body),
        timeout=timeout,
    )
    with exchange.site.writing(exchange.actor, exchange.client) as work:
        held, node, created = locking.lock(
            work, exchange.path, wanted, exchange.conditions.guard_lock
        )
        root = href(exchange.path, folder=node.is_folder)
        shown = live.lockdiscovery(held, work, root)
    headers = (("Content-Type", XML), ("Lock-Token", f"<{held.token}>"))
    return Answer(201 if created else 200, headers, _document(shown))


def unlock(exchange: Exchange) -> Answer:
    """204. The token may lack its angle brackets: Windows forgets them."""
    token = exchange.headers.get("lock-token", "").strip().removeprefix("<").removesuffix(">")
    if not token:
        raise BadRequest("Il manque le jeton du verrou.")
    with exchange.site.writing(exchange.actor, exchange.client) as work:
        locking.unlock(work, exchange.path, token)
    return Answer(204)


def _document(lockdiscovery: str) -> bytes:
    return f'{PROLOGUE}<D:prop xmlns:D="DAV:">{lockdiscovery}</D:prop>\n'.encode()


def _scope(body: etree._Element) -> bool:
    """Whether the lock asked is exclusive. Raises BadRequest for what is no lockinfo."""
    scope = body.find("{DAV:}lockscope")
    kind = body.find("{DAV:}locktype")
    if body.tag != "{DAV:}lockinfo" or scope is None or kind is None or len(scope) != 1:
        raise BadRequest("Cette demande de verrou est mal formée.")
    if kind.find("{DAV:}write") is None:
        raise BadRequest("Seuls les verrous d'écriture existent.")
    if scope[0].tag not in ("{DAV:}exclusive", "{DAV:}shared"):
        raise BadRequest("Cette demande de verrou est mal formée.")
    return bool(scope[0].tag == "{DAV:}exclusive")


def _owner(body: etree._Element) -> str:
    """The owner element as it came: davfs2 knows its own lock by it."""
    owner = body.find("{DAV:}owner")
    if owner is None:
        return ""
    owner.tail = None
    text = etree.tostring(owner, encoding="unicode", with_tail=False)
    if len(text) > _LONGEST_OWNER:
        raise BadRequest("Le nom du propriétaire du verrou est trop long.")
    return text


def _timeout(header: str) -> int | None:
    """The first timeout that is understood, in seconds (§10.7); None if none is."""
    for wish in header.split(","):
        if wish.strip().lower() == "infinite":
            return 2**31
        match = re.fullmatch(r"Second-(\d{1,10})", wish.strip(), re.IGNORECASE)
        if match:
            return int(match[1])
    return None
