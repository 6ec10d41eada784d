"""COPY and MOVE (RFC 4918 §9.8, §9.9): whole or not at all, so there is no partial answer."""

from davserver.errors import Refused
from davserver.providers.answers import Answer
from davserver.providers.exchange import Exchange
from davserver.providers.publishing import inspected
from davserver.tree import duplicate, relocate


def copy(exchange: Exchange) -> Answer:
    """201 for a new name, 204 when something was replaced."""
    deep = exchange.depth("infinity", ("0", "infinity")) == "infinity"
    target = _target(exchange)
    done = inspected(
        exchange,
        lambda work: duplicate.copy(
            work,
            exchange.path,
            target,
            exchange.conditions.guard,
            overwrite=exchange.overwrite,
            deep=deep,
        ),
    )
    return Answer(201 if done.created else 204)


def move(exchange: Exchange) -> Answer:
    """201 for a new name, 204 when something was replaced."""
    exchange.depth("infinity", ("infinity",))
    target = _target(exchange)
    done = inspected(
        exchange,
        lambda work: relocate.move(
            work,
            exchange.path,
            target,
            exchange.conditions.guard,
            overwrite=exchange.overwrite,
        ),
    )
    return Answer(201 if done.created else 204)


def _target(exchange: Exchange) -> tuple[str, ...]:
    destination = exchange.destination
    if destination.site or not destination.path or not exchange.path:
        raise Refused("La racine ne se copie ni ne se déplace.")
    return destination.path
