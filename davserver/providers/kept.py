"""Whole answers, kept as long as nothing was committed anywhere.

Mounted drives ask for the same folders every few seconds, and mostly nothing has happened. All that
an answer depends on is in its key: who asks, the whole request, and the version of all rows.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace

from davserver.providers.answers import Answer
from davserver.providers.exchange import Exchange
from davserver.site import Site

KEPT_METHODS = frozenset({"PROPFIND", "GET"})
MOST = 24 << 20  # bytes kept by one process, keys included
LARGEST = 4 << 20  # bytes of one answer that is kept, with its key
_EACH = 1_000  # bytes that keeping one takes beside
_ELSEWHERE = frozenset({"authorization", "connection"})  # told by the actor, or to the server


class Kept:
    """The answers given last; one per process, shared by its threads. What people with equal rights
    are told alike is there once for all of them."""

    def __init__(self, site: Site) -> None:
        self._version = site.database.version
        self._blobs = site.blobs
        # A policy of somebody else's may look at a clock, or at whatever else.
        self._keeps = not site.gate.has_foreign_judges
        self._answers: OrderedDict[Hashable, tuple[Answer, int]] = OrderedDict()
        self._bodies: dict[bytes, tuple[bytes, int]] = {}  # each with how many answers have it
        self._current: Hashable = None  # the version of all of them
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, exchange: Exchange, make: Callable[[Exchange], Answer]) -> Answer:
        """The answer to a request, made now if it is not here. Raises what ``make`` raises, and
        Unavailable where the database or the store that it came from is away."""
        # A token may have run out meanwhile; a body of GET is read by nobody.
        timed = "if" in exchange.headers
        if timed or not self._keeps or (exchange.method == "GET" and exchange.announced != 0):
            return make(exchange)
        version = self._version.now()  # before the rows are read: see Version
        key = _key(exchange)
        found = self._found(key, version)
        if found is not None:
            if exchange.method == "GET":
                self._blobs.require()
            return found
        answer = make(exchange)
        size = _EACH + len(exchange.text) + len(exchange.environ["REQUEST_URI"]) + sum(
            len(name) + len(value) for name, value in exchange.headers.items()
        )  # fmt: skip
        if answer.lasting and size + len(answer.body) <= LARGEST:
            self._keep(key, version, answer, size)
        return answer

    def _found(self, key: Hashable, version: Hashable) -> Answer | None:
        with self._lock:
            if version != self._current:  # nothing that is here is of any use any more
                self._answers.clear()
                self._bodies.clear()
                self._current, self._bytes = version, 0
            found = self._answers.get(key)
            if found is None:
                return None
            self._answers.move_to_end(key)
            return found[0]

    def _keep(self, key: Hashable, version: Hashable, answer: Answer, size: int) -> None:
        """``size``: bytes that it takes without its body."""
        with self._lock:
            if version != self._current:
                return
            self._forget(key)
            body, sharing = self._bodies.get(answer.body, (answer.body, 0))
            self._bodies[body] = (body, sharing + 1)
            self._answers[key] = (replace(answer, body=body), size)
            self._bytes += size + (0 if sharing else len(body))
            while self._bytes > MOST:
                self._forget(next(iter(self._answers)))

    def _forget(self, key: Hashable) -> None:
        before = self._answers.pop(key, None)
        if before is None:
            return
        answer, size = before
        body, sharing = self._bodies.pop(answer.body)
        if sharing > 1:
            self._bodies[body] = (body, sharing - 1)
        self._bytes -= size + (0 if sharing > 1 else len(body))


def _key(exchange: Exchange) -> Hashable:
    """All that the client said: what matters of it, each verb knows better."""
    headers = frozenset(item for item in exchange.headers.items() if item[0] not in _ELSEWHERE)
    return (
        exchange.method, exchange.environ["REQUEST_URI"], exchange.actor, headers,
        exchange.environ["wsgi.url_scheme"], exchange.environ.get("CONTENT_TYPE"), exchange.text,
    )  # fmt: skip
