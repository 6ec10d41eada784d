"""« /kit/ »: the page of the drive kit, and its files made for who is asking."""

import base64
import hashlib
from urllib.parse import quote

from davserver import kit
from davserver.errors import BadRequest, NotAllowed, NotFound
from davserver.providers.answers import CLASSES, Answer
from davserver.providers.exchange import Exchange
from davserver.providers.origin import origin

NAME = "kit"
METHODS = ("OPTIONS", "GET", "HEAD")
_TYPES = {
    "windows": "application/x-bat; charset=us-ascii",
    "davmount": 'application/davmount+xml; charset="utf-8"',
}
_SCRIPT = "application/x-sh; charset=utf-8"
_STYLE = base64.b64encode(hashlib.sha256(kit.STYLE.encode()).digest()).decode()
_GUARDED = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),  # the next person at this computer is another one
    ("Referrer-Policy", "no-referrer"),
    (
        "Content-Security-Policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
    ),
)


def answer(exchange: Exchange) -> Answer:
    """GET and HEAD of the page and of its files; nothing here can be changed."""
    names = exchange.path[1:]
    file = kit.FILES.get(names[0]) if len(names) == 1 else None
    if names and file is None:
        raise NotFound(f"Ce fichier n'existe pas : la liste est à l'adresse /{NAME}/.")
    if exchange.method == "OPTIONS":
        return Answer(200, (*CLASSES, ("Allow", ", ".join(METHODS))))
    if exchange.method not in METHODS:
        raise NotAllowed("Cette adresse se lit seulement.")
    try:
        drive = kit.Drive.of(_site_address(exchange), exchange.actor.login)
        text = kit.written(file, drive) if file else kit.page(drive)
    except kit.BadDrive as error:
        raise BadRequest(str(error)) from None
    if file is not None:
        return _file(file, text)
    return Answer(200, (("Content-Type", "text/html; charset=utf-8"), *_GUARDED), text.encode())


def davmount(exchange: Exchange) -> Answer:
    """The file that has a program mount the drive and open this folder (RFC 4709)."""
    opens = "/".join(quote(name, safe="") for name in exchange.path)
    file = kit.SYSTEMS["davmount"]
    try:
        drive = kit.Drive.of(_site_address(exchange), exchange.actor.login)
        return _file(file, kit.written(file, drive, f"{opens}/" if opens else ""))
    except kit.BadDrive as error:
        raise BadRequest(str(error)) from None


def _file(file: kit.File, text: str) -> Answer:
    about = (
        ("Content-Type", _TYPES.get(file.system, _SCRIPT)),
        ("Content-Disposition", f'attachment; filename="{file.name}"'),
    )
    return Answer(200, (*about, *_GUARDED), text.encode())


def _site_address(exchange: Exchange) -> str:
    """The address of the site as the client knows it."""
    server = exchange.site.settings.server
    if server.address:
        return server.address
    # Only TLS and the plain loopback are let through; behind a trusted proxy there is TLS.
    plain = (
        exchange.environ.get("wsgi.url_scheme") != "https"
        and not origin(exchange.environ, server.trusted_proxies).proxied
    )
    return f"{'http' if plain else 'https'}://{exchange.headers.get('host', '')}"
