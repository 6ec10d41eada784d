"""The address « / »: a collection that holds the drive, since Windows asks every parent."""

from davserver.errors import NotAllowed, NotFound
from davserver.providers.address import ROOT
from davserver.providers.answers import CLASSES, Answer, multistatus, response
from davserver.providers.exchange import Exchange
from davserver.providers.verbs import principals

_WORDS = "davserver : les dossiers s'ouvrent comme un lecteur réseau, à l'adresse /dav/.\n"
_COLLECTION = "<D:resourcetype><D:collection/></D:resourcetype>"


def answer(exchange: Exchange) -> Answer:
    """OPTIONS, PROPFIND, GET and HEAD of « / »; nothing else is there."""
    if exchange.path[:1] == (principals.NAME,):
        return principals.answer(exchange)
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
