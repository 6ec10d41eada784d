"""What lies outside the drive: « / », which Windows asks of every parent, and the drive kit."""

import base64
import hashlib

from davserver import kit
from davserver.errors import BadRequest, NotAllowed, NotFound
from davserver.providers.address import ROOT
from davserver.providers.answers import CLASSES, Answer, multistatus, response
from davserver.providers.exchange import Exchange

_KIT = "kit"
_WORDS = (
    "davserver : les dossiers s'ouvrent comme un lecteur réseau, à l'adresse /dav/.\n"
    f"Les fichiers qui le connectent à votre ordinateur : /{_KIT}/\n"
)
_COLLECTION = "<D:resourcetype><D:collection/></D:resourcetype>"
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
    """OPTIONS, PROPFIND, GET and HEAD of « / »; GET and HEAD of the kit; nothing else is there."""
    if exchange.path[:1] == (_KIT,):
        return _kit(exchange)
    if exchange.path:
        raise NotFound("Cette adresse n'existe pas : le lecteur est à l'adresse /dav/.")
    if exchange.method == "OPTIONS":
        return Answer(200, (*CLASSES, ("Allow", "OPTIONS, GET, HEAD, PROPFIND")))
    if exchange.method == "PROPFIND":
        exchange.xml()
        found = [response("/", [(200, _COLLECTION)])]
        if exchange.depth("1", ("0", "1", "infinity")) != "0":
            found.append(response(f"/{ROOT}/", [(200, _COLLECTION)]))
        return multistatus(found)
    if exchange.method in ("GET", "HEAD"):
        return Answer(
            200,
            (("Content-Type", "text/plain; charset=utf-8"),),
            _WORDS.encode(),
        )
    raise NotAllowed("Cette opération n'a pas de sens ici.")


def _kit(exchange: Exchange) -> Answer:
    """The page of the drive kit, and its files made for who is asking."""
    names = exchange.path[1:]
    file = kit.FILES.get(names[0]) if len(names) == 1 else None
    if names and file is None:
        raise NotFound(f"Ce fichier n'existe pas : la liste est à l'adresse /{_KIT}/.")
    if exchange.method not in ("GET", "HEAD"):
        raise NotAllowed("Cette adresse se lit seulement.")
    try:
        drive = kit.Drive.of(_site_address(exchange), exchange.actor.login)
        text = kit.written(file, drive) if file else kit.page(drive)
    except kit.BadDrive as error:
        raise BadRequest(str(error)) from None
    if file is None:
        about: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=utf-8"),)
    else:
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
        and exchange.environ.get("REMOTE_ADDR", "") not in server.trusted_proxies
    )
    return f"{'http' if plain else 'https'}://{exchange.headers.get('host', '')}"
