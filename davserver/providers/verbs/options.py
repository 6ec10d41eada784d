"""OPTIONS: what may be asked here, and the classes of RFC 4918 §10.1 (class 2: locks)."""

from davserver.providers.answers import Answer
from davserver.providers.exchange import Exchange
from davserver.providers.verbs import drive_kit, principals

_CLASSES = (("DAV", "1, 2, extended-mkcol"), ("MS-Author-Via", "DAV"))  # RFC 5689 §3.1
_ALWAYS = ("OPTIONS", "GET", "HEAD", "PROPFIND", "PROPPATCH", "COPY", "MOVE", "DELETE", "LOCK")
_ON_FOLDER = (*_ALWAYS, "UNLOCK", "REPORT")
_ON_FILE = (*_ALWAYS, "UNLOCK", "PUT")
_OUTSIDE = ("OPTIONS", "GET", "HEAD", "PROPFIND")
_ROOMS = {drive_kit.NAME: drive_kit.METHODS, principals.NAME: principals.METHODS}
_ON_FREE_NAME = ("OPTIONS", "PUT", "MKCOL", "LOCK")


def answer(exchange: Exchange) -> Answer:
    """The same classes everywhere: a read-only folder refuses by 403, else a Mac would mount the
    whole drive read-only. What is hidden is answered like a free name."""
    return Answer(200, (*_CLASSES, ("Allow", allowed(exchange))))


def allowed(exchange: Exchange) -> str:
    """The methods that make sense here, for an Allow header."""
    if exchange.address.site:
        room = exchange.path[0] if exchange.path else ""
        return ", ".join(_ROOMS.get(room, _OUTSIDE))
    found = exchange.drive.get_resource_inst("/".join(exchange.path), exchange.environ)
    if found is None:
        return ", ".join(_ON_FREE_NAME)
    return ", ".join(_ON_FOLDER if found.is_collection else _ON_FILE)
