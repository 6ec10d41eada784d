"""The verifier: rows, bytes, hashes, journal, locks and quotas tell one story. Changes nothing.

The rows are read in one transaction, the bytes after it, for hours perhaps, while the site is
served: what came meanwhile is unknown and young, what went meanwhile is asked for again before it
is called missing.
"""

from dataclasses import dataclass

from sqlalchemy import func, select

from davserver import journal
from davserver.errors import Unavailable
from davserver.model import JournalLine
from davserver.site import Site
from davserver.storage.away import STORE
from davserver.verify import (
    changes,
    contents,
    deposits,
    ids,
    locks,
    messages,
    people,
    properties,
    store,
    tree,
)
from davserver.verify.rows import Rows, integrity


@dataclass(frozen=True)
class Report:
    """How much was looked at, every difference in one line, and what is none, but to be known."""

    checked: dict[str, int]
    differences: list[str]
    notes: list[str]


def verify(site: Site, *, quick: bool = False) -> Report:
    """Compare all there is; ``quick`` looks at the sizes of pieces instead of hashing them.

    Raises Unavailable when the database or the store is away.
    """
    if not site.blobs.ready():
        raise Unavailable(STORE)
    with site.database.reading() as session:
        rows = Rows(session)
        differences = [
            *integrity(session, quick=quick),
            *tree.faults(rows),
            *contents.faults(rows),
            *deposits.faults(session, rows),
            *people.faults(session, rows),
            *messages.faults(session, rows),
            *locks.faults(session, rows, site.clock()),
            *properties.faults(session, rows),
            *changes.faults(session, rows),
            *journal.faults(session),
            *ids.faults(session),
        ]
        lines = session.scalar(select(func.count(JournalLine.id)))
    kept = rows.kept()
    suspects = store.unknown(site, {one.key for one in kept})
    differences += store.faults(site.database, site.blobs, kept, quick=quick)
    old, young = store.orphans(site, suspects)
    checked = {
        "nodes": len(rows.nodes),
        "blobs": len(kept),
        "bytes": sum(one.size for one in kept),
        "deposits": len(rows.deposits),
        "journal": lines or 0,
    }
    return Report(checked, [*differences, *old], young)
