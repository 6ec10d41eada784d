"""PUT: judged before a byte is read, received beside the tree, stored in one transaction."""

import time
from datetime import UTC, datetime

from davserver.errors import BadRequest, Conflict, TooLarge
from davserver.policy import HEAD
from davserver.providers import digests
from davserver.providers.answers import Answer, http_date
from davserver.providers.bodies import Cut, blocks
from davserver.providers.exchange import Exchange
from davserver.providers.publishing import inspected
from davserver.storage import Incoming
from davserver.tree import put
from davserver.tree.entity_tags import of_file
from davserver.tree.write import EMPTY, Content

TICK = 2.0  # seconds: a transfer that lasts longer reserves its name, and keeps it


def answer(exchange: Exchange) -> Answer:
    """201 for a new name, 204 for a known one. A refusal costs no transfer and leaves nothing."""
    if _is_partial(exchange):
        raise BadRequest("On n'écrit pas un morceau de fichier : envoyez-le en entier.")
    if exchange.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("Le fichier doit être envoyé tel quel, sans compression.")
    if exchange.address.slash:
        raise Conflict("Cette adresse est celle d'un dossier.")
    _refuse_too_large(exchange, exchange.expected or 0)
    guard = exchange.conditions.guard_put
    with exchange.site.reading(exchange.actor, exchange.client) as work:
        spot = put.announce(work, exchange.path, exchange.expected, guard).as_seen()
        begun = exchange.announced != 0 and put.is_own_unfinished(work, spot)
    transfer = _Transfer(exchange)
    try:
        if begun:
            transfer.reserve(0)
        content = transfer.receive()
        was_free = spot.node is None
        done = inspected(
            exchange,
            lambda work: put.store(
                work, exchange.path, content, guard, _dated(exchange), was_free=was_free
            ),
        )
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


def _is_partial(exchange: Exchange) -> bool:
    """Whether the client says that the body is a piece of a file, in one of the ways of programs
    that send large files in pieces. Stored as it is, a piece would be deposited as the whole."""
    headers = exchange.headers
    said = (
        headers.get("oc-chunked", "0").strip().lower() not in ("0", "false"),
        headers.get("upload-incomplete", "?0").strip() == "?1",
        headers.get("upload-complete", "?1").strip() == "?0",
        headers.get("upload-offset", "0").strip() != "0",
    )
    return any(said) or not headers.keys().isdisjoint(("content-range", "x-update-range"))


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
        self._held: put.Held | None = None

    @property
    def reserved(self) -> bool:
        """Whether it took a free name."""
        return self._held is not None and self._held.taken

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
        if self._held is not None:
            with self._exchange.site.writing(self._exchange.actor, self._exchange.client) as work:
                put.release(work, self._held)

    def reserve(self, size: int) -> None:
        """Tell that content is coming, of which ``size`` bytes are here."""
        with self._exchange.site.writing(self._exchange.actor, self._exchange.client) as work:
            self._exchange.require_still_valid(work)
            held = put.reserve(work, self._exchange.path, size, self._exchange.conditions.guard_put)
        known = self._held.node_id if self._held is not None else None
        if held is not None and held.node_id != known:
            self._held = held


def _require_whole(exchange: Exchange, incoming: Incoming) -> None:
    """A body that came to its end may still be short: Finder says how long it should be."""
    said_besides = exchange.expected != exchange.announced
    if said_besides and incoming.size != exchange.expected:
        raise Cut


def _refuse_too_large(exchange: Exchange, size: int) -> None:
    most = exchange.site.settings.limits.file_bytes
    if size > most:
        raise TooLarge(f"Un fichier ne dépasse pas {most // 1_000_000} Mo sur ce serveur.")
