"""The WsgiDAV provider: the drive as a whole, and the table of its verbs.

Stock verbs of WsgiDAV lose data (a body cut short is stored, a refused LOCK leaves a file, a DELETE
removes what somebody else has locked…): all are replaced here, through the framework's own door
``custom_request_handler``.
"""

from collections.abc import Callable, Iterable
from typing import Any

from wsgidav.dav_provider import DAVProvider
from wsgidav.request_resolver import RequestResolver

from davserver.errors import NotAllowed, Problem, Refused
from davserver.providers.answers import Answer, problem, send
from davserver.providers.exchange import Exchange
from davserver.providers.kept import KEPT_METHODS, Kept
from davserver.providers.packing import packed
from davserver.providers.resources import File, Folder, resource
from davserver.providers.verbs import (
    copy_move,
    delete,
    get,
    lock,
    mkcol,
    options,
    propfind,
    proppatch,
    put,
    report,
    site,
)
from davserver.site import Site
from davserver.tree import locking, refusals
from davserver.tree.lookup import find

Verb = Callable[[Exchange], Answer]
StartResponse = Callable[..., Any]

VERBS: dict[str, Verb] = {
    "OPTIONS": options.answer,
    "GET": get.answer,
    "HEAD": get.answer,
    "PROPFIND": propfind.answer,
    "PROPPATCH": proppatch.answer,
    "PUT": put.answer,
    "MKCOL": mkcol.answer,
    "DELETE": delete.answer,
    "COPY": copy_move.copy,
    "MOVE": copy_move.move,
    "LOCK": lock.lock,
    "UNLOCK": lock.unlock,
    "REPORT": report.answer,
}
READING_METHODS = frozenset({"OPTIONS", "GET", "HEAD", "PROPFIND", "REPORT"})


class VerbResolver(RequestResolver):
    """Hands every request to the provider: WsgiDAV's own knows no verb but its own."""

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        provider: DossierProvider = environ["wsgidav.provider"]
        return provider.custom_request_handler(environ, start_response, None)


class DossierProvider(DAVProvider):
    """The dossiers of a site as one WebDAV share."""

    def __init__(self, site: Site) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.site = site
        self._kept = Kept(site)

    def set_lock_manager(self, lock_manager: object) -> None:
        """WsgiDAV offers LOCK only to a provider that has a lock manager. Here the tree keeps the
        locks, in the transaction of what they guard."""
        self.lock_manager = locking

    def get_resource_inst(self, path: str, environ: dict[str, Any]) -> File | Folder | None:
        """The resource at ``path`` (names joined by « / ») as the actor may know it, or None."""
        exchange = Exchange(self, environ)
        with self.site.reading(exchange.actor, exchange.client) as work:
            return resource(work, find(work, [name for name in path.split("/") if name]), environ)

    def custom_request_handler(
        self, environ: dict[str, Any], start_response: StartResponse, default_handler: object
    ) -> Iterable[bytes]:
        """Answer one request. Whatever goes wrong becomes one clear status, and leaves nothing."""
        answer = self._answer(environ)
        return send(answer, start_response)

    def _answer(self, environ: dict[str, Any]) -> Answer:
        method = str(environ["REQUEST_METHOD"])
        try:
            exchange = Exchange(self, environ)
            exchange.actor  # noqa: B018 - nobody passes without having been authenticated
            if method in KEPT_METHODS and not exchange.address.site:
                return self._kept.of(exchange, _made)
            return _made(exchange)
        except Problem as error:
            if isinstance(error, Refused) and method not in READING_METHODS:
                self._refused(exchange, error)
            allow = options.allowed(exchange) if isinstance(error, NotAllowed) else ""
            return problem(error, allow)

    def _refused(self, exchange: Exchange, error: Refused) -> None:
        """Note a rule's refusal, and say it as the client's program shows it best."""
        habits = exchange.client.program
        silent = exchange.method == "PUT" and exchange.announced == 0
        if error.rule:
            shown = silent or exchange.method not in habits.hides
            with self.site.writing(exchange.actor, exchange.client) as work:
                refusals.note(work, exchange.path, exchange.method, error, shown=shown)
        if error.status == 403:
            error.status = habits.refused_write


def _made(exchange: Exchange) -> Answer:
    """The answer to a request, made anew."""
    exchange.conditions  # noqa: B018 - a malformed one is refused, whatever the method
    if exchange.address.site:
        return site.answer(exchange)
    answer = VERBS[exchange.method](exchange)
    return packed(answer, exchange.headers.get("accept-encoding", ""))
