"""MKCOL (RFC 4918 §9.3)."""

from davserver.errors import UnsupportedBody
from davserver.providers.answers import Answer
from davserver.providers.exchange import Exchange
from davserver.tree import folders


def answer(exchange: Exchange) -> Answer:
    """201. No body is understood."""
    if exchange.announced != 0:
        raise UnsupportedBody("La création d'un dossier ne prend pas de contenu.")
    with exchange.site.writing(exchange.actor, exchange.client) as work:
        folders.make(work, exchange.path, exchange.conditions.guard)
    return Answer(201)
