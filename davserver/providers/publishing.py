"""Operations that show content to others at once: where only a verdict is missing, it is asked for
before the answer, outside of any transaction, and the operation is tried again.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from davserver.inspection.contents import Scan
from davserver.providers.exchange import Exchange
from davserver.tree.publication import Unchecked
from davserver.work import Work

Result = TypeVar("Result")


def inspected(exchange: Exchange, operation: Callable[[Work], Result]) -> Result:
    """What ``operation`` gives, whole in one transaction.

    Raises Unauthenticated when the actor was shut out meanwhile, and Unchecked when there is no
    verdict within ``antivirus.answer_within`` seconds: nothing has changed then.
    """
    site = exchange.site
    scan = Scan(site.database, site.blobs, site.settings.antivirus, site.clock)
    end = time.monotonic() + site.settings.antivirus.answer_within
    while True:
        try:
            with site.writing(exchange.actor, exchange.client) as work:
                exchange.require_still_valid(work)
                return operation(work)
        except Unchecked as unchecked:
            if not scan.at_once(unchecked.stored, end - time.monotonic()):
                raise
