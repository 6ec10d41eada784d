"""Who is asking: Basic over TLS (or the loopback), and nothing else. A WsgiDAV middleware."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any

from wsgidav.mw.base_mw import BaseMiddleware

from davserver.errors import Problem, Refused, Unauthenticated
from davserver.policy import Actor
from davserver.providers.answers import problem, send
from davserver.providers.exchange import ACTOR
from davserver.providers.origin import Disbelief, origin
from davserver.site import Site

StartResponse = Callable[..., Any]
DOOR = "webdav"
# The same words for every refusal: they tell nobody which logins exist, or whose password is right.
UNKNOWN = (
    "Identifiant ou mot de passe inconnu. Si vous vous connectez en deux étapes, le lecteur "
    "n'accepte que les mots de passe d'appareil. Après plusieurs essais, attendez une minute."
)
SITE = "davserver.site"  # WsgiDAV's configuration hands the site over under this name


class Authentication(BaseMiddleware):
    """Lets a request through with its actor, or answers 401."""

    def __init__(self, wsgidav_app: Any, next_app: Any, config: dict[str, Any]) -> None:
        super().__init__(wsgidav_app, next_app, config)  # type: ignore[no-untyped-call]
        self._site: Site = config[SITE]
        self._disbelief = Disbelief()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            environ[ACTOR] = self._actor(environ)
        except Problem as error:
            return send(problem(error), start_response)
        environ["wsgidav.auth.user_name"] = environ[ACTOR].login
        following: Iterable[bytes] = self.next_app(environ, start_response)
        return following

    def _actor(self, environ: dict[str, Any]) -> Actor:
        came = origin(environ, self._site.settings.server.trusted_proxies)
        if not came.confidential:
            # A named proxy that does not send it is believed: that it came by http.
            if not came.proxied:
                self._disbelief.of(environ)
            raise Refused(
                "Le mot de passe ne voyage pas en clair : utilisez une adresse en https.",
                phrase="Utilisez https",
            )
        login, password = _basic(str(environ.get("HTTP_AUTHORIZATION", "")))
        actor = self._site.credentials.enter(login, password, address=came.address, door=DOOR)
        if actor is None:
            raise Unauthenticated(UNKNOWN)
        return actor


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
    if not colon:
        raise Unauthenticated("Identifiez-vous.")
    if "\0" in pair:  # which no database takes in a text
        raise Unauthenticated(UNKNOWN)
    return login.rpartition("\\")[2], password
