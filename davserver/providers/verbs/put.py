"""PUT: judged before a byte is read, received beside the tree, stored in one transaction."""

import time
from datetime import UTC, datetime

from davserver.errors import BadRequest, Conflict, TooLarge
from davserver.policy import HEAD
from davserver.providers import digests
from davserver.providers.answers import Answer, http_date
from davserver.providers.bodies import Cut, blocks
from davserver.providers.exchange import Exchange
from davserver.storage import Incoming
from davserver.tree import put
from davserver.tree.entity_tags import of_file
from davserver.tree.write import EMPTY, Content

TICK = 2.0  # seconds: a transfer that lasts longer reserves its name, and keeps it


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
        spot = put.announce(work, exchange.path, exchange.expected, guard)
        begun = exchange.announced != 0 and put.is_own_unfinished(work, spot)
    transfer = _Transfer(exchange)
    try:
        if begun:
            transfer.reserve(0)
        content = transfer.receive()
        with exchange.site.writing(exchange.actor, exchange.client) as work:
            exchange.require_still_valid(work)
            done = put.store(work, exchange.path, content, guard, _dated(exchange))
    except BaseException:
        transfer.release()
        raise
    headers = [
        ("ETag", of_file(done.node)),
        ("Last-Modified", http_date(done.node.modified)),
        *digests.told(done.node),
    ]
    if done.dated:
        headers.append(("X-OC-MTime", "accepted"))
    return Answer(201 if done.created or transfer.reserved else 204, tuple(headers))


def _dated(exchange: Exchange) -> datetime | None:
    """The date of the document, in seconds since 1970, as gvfs and synchronising programs say it.
    One that is no number is ignored: the server's date is a good one."""
    try:
        return datetime.fromtimestamp(float(exchange.headers.get("x-oc-mtime", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return None


class _Transfer:
    """The bytes on their way. One that lasts takes its name, so that nobody else does meanwhile."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._announced = digests.Announced(exchange.headers)
        self._told = False
        self.reserved = False

    def receive(self) -> Content:
        """The whole body, durable; EMPTY for none. Raises Cut when it is not whole."""
        exchange = self._exchange
        if exchange.announced == 0:
            self._announced.require()
            return EMPTY
        incoming = exchange.site.blobs.receive()
        head = b""
        try:
            ticked = time.monotonic()
            for block in blocks(exchange.input, exchange.announced):
                if len(head) < HEAD:
                    head += block[: HEAD - len(head)]
                incoming.write(block)
                self._announced.update(block)
                _refuse_too_large(exchange, incoming.size)
                if time.monotonic() - ticked > TICK:
                    self.reserve(incoming.size)
                    ticked = time.monotonic()
            _require_whole(exchange, incoming)
            self._announced.require()
            return Content(incoming.keep(), head) if incoming.size else EMPTY
        finally:
            incoming.drop()

    def release(self) -> None:
        """Free the name that was taken: a refusal leaves nothing."""
        if self._told:
            with self._exchange.site.writing(self._exchange.actor, self._exchange.client) as work:
                put.release(work, self._exchange.path, taken=self.reserved)

    def reserve(self, size: int) -> None:
        """Tell that content is coming, of which ``size`` bytes are here."""
        self._told = True
        with self._exchange.site.writing(self._exchange.actor, self._exchange.client) as work:
            self._exchange.require_still_valid(work)
            taken = put.reserve(work, self._exchange.path, size)
        self.reserved = self.reserved or taken


def _require_whole(exchange: Exchange, incoming: Incoming) -> None:
    """A body may end well and still be short: Finder says how long it should be."""
    if exchange.expected is not None and incoming.size != exchange.expected:
        raise Cut


def _refuse_too_large(exchange: Exchange, size: int) -> None:
    most = exchange.site.settings.limits.file_bytes
    if size > most:
        raise TooLarge(f"Un fichier ne dépasse pas {most // 1_000_000} Mo sur ce serveur.")
