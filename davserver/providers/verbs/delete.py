"""DELETE (RFC 4918 §9.6)."""

from davserver.providers.answers import Answer
from davserver.providers.exchange import Exchange
from davserver.tree import remove


def answer(exchange: Exchange) -> Answer:
    """204; a refusal of one member refuses all, so there is no partial answer."""
    exchange.depth("infinity", ("infinity",))
    with exchange.site.writing(exchange.actor, exchange.client) as work:
        remove.remove(work, exchange.path, exchange.conditions.guard)
    return Answer(204)
