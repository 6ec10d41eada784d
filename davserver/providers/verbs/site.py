"""What lies outside the drive: « / », which Windows asks of every parent, and what it holds."""

from davserver.errors import NotAllowed, NotFound
from davserver.providers import listing
from davserver.providers.address import ROOT
from davserver.providers.answers import Answer, multistatus, propstats, response
from davserver.providers.exchange import Exchange
from davserver.providers.verbs import drive_kit, options, principals

_ROOMS = {drive_kit.NAME: drive_kit.answer, principals.NAME: principals.answer}
_WORDS = (
    "davserver : les dossiers s'ouvrent comme un lecteur réseau, à l'adresse /dav/.\n"
    f"Les fichiers qui le connectent à votre ordinateur : /{drive_kit.NAME}/\n"
)
_COLLECTION = "<D:resourcetype><D:collection/></D:resourcetype>"


def answer(exchange: Exchange) -> Answer:
    """OPTIONS, PROPFIND, GET and HEAD of « / », and what its rooms answer."""
    if exchange.path and exchange.path[0] in _ROOMS:
        return _ROOMS[exchange.path[0]](exchange)
    if exchange.path:
        raise NotFound("Cette adresse n'existe pas : le lecteur est à l'adresse /dav/.")
    if exchange.method == "OPTIONS":
        return options.answer(exchange)
    if exchange.method == "PROPFIND":
        exchange.xml()
        depth = exchange.depth("1", ("0", "1", "infinity"))
        if depth == "infinity":
            raise listing.Endless
        found = [response("/", propstats([(200, _COLLECTION)]))]
        if depth == "1":
            found.append(response(f"/{ROOT}/", propstats([(200, _COLLECTION)])))
        return multistatus(found)
    if exchange.method in ("GET", "HEAD"):
        return Answer(
            200,
            (("Content-Type", "text/plain; charset=utf-8"),),
            _WORDS.encode(),
        )
    raise NotAllowed("Cette opération n'a pas de sens ici.")
