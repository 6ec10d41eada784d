"""The WSGI application of a site: health, WebDAV, one log line per request.

WsgiDAV is the frame: its application object, middleware stack, request resolver and provider. What
it would do to every answer (read the whole refused body into memory, mark a 204 without length as
broken) is switched off or undone here, in one place.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from sqlalchemy import text
from wsgidav.wsgidav_app import WsgiDAVApp

from davserver.errors import NotAllowed, Problem
from davserver.providers.address import parse
from davserver.providers.answers import problem, send
from davserver.providers.authentication import SITE, Authentication
from davserver.providers.exchange import ACTOR
from davserver.providers.origin import origin
from davserver.providers.provider import VERBS, DossierProvider, VerbResolver
from davserver.site import Site

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]

log = logging.getLogger("davserver.access")
errors = logging.getLogger("davserver.errors")
_BODILESS = ("204", "304")


def make_app(site: Site) -> Wsgi:
    """The application that serves ``site``."""
    site.credentials.prepare()
    frame = WsgiDAVApp(
        {
            "provider_mapping": {"/": DossierProvider(site)},
            "middleware_stack": [Authentication, VerbResolver],
            "lock_storage": None,
            "property_manager": None,
            "hotfixes": {"re_encode_path_info": False},
            "logging": {"enable": False},
            "verbose": 0,
            SITE: site,
        }
    )

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == "/healthz":
            return _health(site, start_response)
        return _observed(site, frame, environ, start_response)

    return application


def _observed(
    site: Site, frame: Wsgi, environ: Environ, start_response: StartResponse
) -> Iterator[bytes]:
    """Serve by the frame, log the request, and let no exception out."""
    begun = time.monotonic()
    seen = {"status": 500, "sent": 0}

    def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        seen["status"] = int(status[:3])
        if status.startswith(_BODILESS):
            headers = [(key, value) for key, value in headers if key != "Content-Length"]
        return start_response(status, headers, exc_info)

    try:
        for block in _framed(frame, environ, started):
            seen["sent"] += len(block)
            yield block
    finally:
        _log(site, environ, seen, time.monotonic() - begun)


def _framed(frame: Wsgi, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    try:
        if environ["REQUEST_METHOD"] not in VERBS:
            raise NotAllowed("Cette méthode n'existe pas ici.")
        # The frame sees names joined by slashes; that they are no other names is checked here.
        environ["PATH_INFO"] = "/" + "/".join(parse(environ["REQUEST_URI"]).path)
        # A refused body is the server's business: the frame would read all of it into memory.
        environ["wsgidav.some_input_read"] = environ["wsgidav.all_input_read"] = 1
        blocks = iter(frame(environ, start_response))
        first = next(blocks, b"")
    except Problem as error:
        return send(problem(error, ", ".join(VERBS)), start_response)
    except Exception:
        errors.exception("unexpected failure of %s", environ["REQUEST_METHOD"])
        return send(problem(Problem("Le serveur a rencontré une erreur.")), start_response)
    # From here on the status has gone out: a failure can only cut the answer, visibly.
    return chain([first], blocks)


def _health(site: Site, start_response: StartResponse) -> Iterable[bytes]:
    """200 while the database and the store answer, else 503; says nothing of what is inside."""
    try:
        with site.database.reading() as session:
            session.execute(text("SELECT 1"))
        well = site.blobs.ready()
    except Problem:
        well = False
    body = json.dumps({"status": "ok" if well else "unavailable"}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK" if well else "503 Service Unavailable", headers)
    return [body]


def _log(site: Site, environ: Environ, seen: dict[str, int], seconds: float) -> None:
    """One structured line, without secrets: no header but the agent, no query string."""
    actor = environ.get(ACTOR)
    line = {
        "client": origin(environ, site.settings.server.trusted_proxies).address,
        "login": actor.login if actor else "",
        "device": actor.device.name if actor and actor.device else "",
        "method": environ.get("REQUEST_METHOD", ""),
        "path": str(environ.get("REQUEST_URI", "")).split("?")[0][:1000],
        "status": seen["status"],
        "bytes": seen["sent"],
        "ms": round(seconds * 1000, 1),
        "agent": str(environ.get("HTTP_USER_AGENT", ""))[:120],
    }
    log.info("request", extra={"facts": line})
