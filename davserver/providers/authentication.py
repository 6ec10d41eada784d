"""Who is asking: Basic over TLS (or the loopback), and nothing else. A WsgiDAV middleware."""

import base64
import binascii
import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from wsgidav.mw.base_mw import BaseMiddleware

from davserver.errors import Problem, Refused, Unauthenticated
from davserver.policy import Actor
from davserver.providers.answers import problem, send
from davserver.providers.exchange import ACTOR
from davserver.site import Site

StartResponse = Callable[..., Any]
SITE = "davserver.site"  # WsgiDAV's configuration hands the site over under this name


class Authentication(BaseMiddleware):
    """Lets a request through with its actor, or answers 401."""

    def __init__(self, wsgidav_app: Any, next_app: Any, config: dict[str, Any]) -> None:
        super().__init__(wsgidav_app, next_app, config)  # type: ignore[no-untyped-call]
        self._site: Site = config[SITE]

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            environ[ACTOR] = self._actor(environ)
        except Problem as error:
            return send(problem(error), start_response)
        environ["wsgidav.auth.user_name"] = environ[ACTOR].login
        following: Iterable[bytes] = self.next_app(environ, start_response)
        return following

    def _actor(self, environ: dict[str, Any]) -> Actor:
        if not confidential(environ, self._site.settings.server.trusted_proxies):
            raise Refused(
                "Le mot de passe ne voyage pas en clair : utilisez une adresse en https.",
                phrase="Utilisez https",
            )
        login, password = _basic(str(environ.get("HTTP_AUTHORIZATION", "")))
        with self._site.database.reading() as session:
            actor = self._site.credentials.actor(session, login, password)
        if actor is None:
            raise Unauthenticated("Identifiant ou mot de passe inconnu.")
        return actor


def confidential(environ: dict[str, Any], proxies: tuple[str, ...]) -> bool:
    """Whether nobody on the way can read the password: TLS, or the loopback.

    Behind a proxy that the settings trust, what counts is how the client came to it.
    """
    if environ.get("wsgi.url_scheme") == "https":
        return True
    peer = str(environ.get("REMOTE_ADDR", ""))
    if peer in proxies:
        return str(environ.get("HTTP_X_FORWARDED_PROTO", "")).strip().lower() == "https"
    forwarded = "HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ
    try:
        return ipaddress.ip_address(peer).is_loopback and not forwarded
    except ValueError:
        return False


def _basic(header: str) -> tuple[str, str]:
    """Login and password of RFC 7617. Windows may put a domain before the login."""
    scheme, _, code = header.partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated("Identifiez-vous.")
    try:
        text = base64.b64decode(code.strip(), validate=True)
        try:
            pair = text.decode("utf-8")
        except UnicodeDecodeError:
            pair = text.decode("latin-1")
    except (binascii.Error, ValueError):
        raise Unauthenticated("Identifiez-vous.") from None
    login, colon, password = pair.partition(":")
    if not colon or "\0" in pair:  # which no database takes in a text
        raise Unauthenticated("Identifiez-vous.")
    return login.rpartition("\\")[2], password
