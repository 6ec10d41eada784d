"""A store that is away: people are told that it is so, the log and the administrator why."""

import logging
import re
from errno import ENOENT

from davserver.errors import Unavailable

log = logging.getLogger("davserver.storage")

STORE = "Le stockage des pièces est momentanément indisponible."
PIECE = "Ce fichier est momentanément illisible."
# What an S3 client says of a failure, without addresses and without what was sent.
_TELLING = re.compile(
    r"status code: ([0-9]{3}[ \w]*)|<Code>(\w+)</Code>|(error sending request|tim(?:e|ed) ?out|"
    r"dns error|connection refused|invalid URL|builder error)",
    re.IGNORECASE,
)


def away(error: Exception, sentence: str = STORE) -> Unavailable:
    """What to raise for ``error``, which the log is told of."""
    log.warning("the store of pieces is away: %s", reason(error))
    found = Unavailable(sentence)
    found.__cause__ = error
    return found


def require(owner: str | None, identity: str, *, spool: bool) -> None:
    """Raise Unavailable unless the ``owner`` of a store is the site of ``identity``, and the folder
    is there in which bytes come in."""
    if owner != identity:
        raise away(FileNotFoundError(ENOENT, "the marker of this site is not there"))
    if not spool:
        raise away(FileNotFoundError(ENOENT, "the spool folder is not there"))


def reason(error: BaseException) -> str:
    """What ``error`` says of its cause, in a few words; no address, path or secret."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    found = [next(filter(None, match.groups())).strip() for match in _TELLING.finditer(str(error))]
    return ", ".join(dict.fromkeys([type(error).__name__, *found]))
