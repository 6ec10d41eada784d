"""PUT: judged before a byte is read, received beside the tree, stored in one transaction."""

import time
from email.utils import formatdate

from davserver.errors import BadRequest, Conflict, Problem, TooLarge
from davserver.providers.answers import Answer
from davserver.providers.bodies import Cut, blocks
from davserver.providers.conditions import etag
from davserver.providers.exchange import Exchange
from davserver.storage import Incoming
from davserver.tree import put
from davserver.tree.write import EMPTY, Content

TICK = 2.0  # seconds: a transfer that lasts longer reserves its name, and keeps it
HEAD = 4_096  # bytes kept for the policies that look at content


def answer(exchange: Exchange) -> Answer:
    """201 for a new name, 204 for a known one. A refusal costs no transfer and leaves nothing."""
    if "content-range" in exchange.headers:
        raise BadRequest("On n'écrit pas un morceau de fichier : envoyez-le en entier.")
    if exchange.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("Le fichier doit être envoyé tel quel, sans compression.")
    if exchange.address.slash:
        raise Conflict("Cette adresse est celle d'un dossier.")
    _refuse_too_large(exchange, exchange.expected or 0)
    guard = exchange.conditions.guard_put
    with exchange.site.reading(exchange.actor, exchange.client) as work:
        put.announce(work, exchange.path, exchange.expected, guard)
    content = _receive(exchange)
    with exchange.site.writing(exchange.actor, exchange.client) as work:
        done = put.store(work, exchange.path, content, guard)
    headers = (
        ("ETag", etag(done.node)),
        ("Last-Modified", formatdate(done.node.modified.timestamp(), usegmt=True)),
    )
    return Answer(201 if done.created else 204, headers)


def _receive(exchange: Exchange) -> Content:
    """The whole body, durable; EMPTY for none. Raises Cut when it is not whole."""
    if exchange.announced == 0:
        return EMPTY
    incoming = exchange.site.blobs.receive()
    reserved = False
    head = b""
    try:
        begun = time.monotonic()
        for block in blocks(exchange.input, exchange.announced):
            if len(head) < HEAD:
                head += block[: HEAD - len(head)]
            incoming.write(block)
            _refuse_too_large(exchange, incoming.size)
            if time.monotonic() - begun > TICK:
                begun = time.monotonic()
                with exchange.site.writing(exchange.actor, exchange.client) as work:
                    reserved = put.reserve(work, exchange.path) or reserved
        _require_whole(exchange, incoming)
        if incoming.size == 0:
            return EMPTY
        return Content(incoming.keep(), head)
    except Problem:
        if reserved:
            with exchange.site.writing(exchange.actor, exchange.client) as work:
                put.release(work, exchange.path)
        raise
    finally:
        incoming.drop()


def _require_whole(exchange: Exchange, incoming: Incoming) -> None:
    """A chunked body may end well and still be short: Finder says how long it should be."""
    if exchange.expected is not None and incoming.size != exchange.expected:
        raise Cut


def _refuse_too_large(exchange: Exchange, size: int) -> None:
    most = exchange.site.settings.limits.file_bytes
    if size > most:
        raise TooLarge(f"Un fichier ne dépasse pas {most // 1_000_000} Mo sur ce serveur.")
