"""How long a sync token holds: over a restart, not over a change of rights nor for half a year."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from davserver.model import Removal
from davserver.site import open_site
from davserver.worker import forget_removals
from tests import backends
from tests.changes import report, short, sync
from tests.clients import DOSSIER, EXPERT
from tests.conftest import Start
from tests.dav import Names

OWNER, OTHER = "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
NOTES: Names = (DOSSIER, "03 Notes aux parties et comptes rendus")
SPACE: Names = ("Espace de l'expert",)


def test_tokens_survive_a_restart_and_no_change_of_rights(start: Start) -> None:
    server = start()
    expert, owner, other = server.dav(EXPERT), server.dav(OWNER), server.dav(OTHER)
    _, token = sync(other, (DOSSIER,))
    assert server.stop() == 0
    server.start()

    expert.put((*NOTES, "après.txt"), b"x")
    changes, after = sync(other, (DOSSIER,), token)
    assert short(changes) == {"apr%C3%A8s.txt": True}
    # A token is one person's, of one dossier.
    for stranger in (owner, expert):
        reply = report(stranger, (DOSSIER,), after)
        assert reply.status == 403
        assert reply.xml.find("{DAV:}valid-sync-token") is not None
    given = server.run("rights", "grant", "/".join(NOTES), OWNER, "lire")
    assert given.returncode == 0, given.stderr
    assert report(other, (DOSSIER,), after).status == 403
    everything, _ = sync(other, (DOSSIER,))
    assert "apr%C3%A8s.txt" in short(everything)


def test_what_went_long_ago_is_forgotten_and_who_synchronises_begins_anew(start: Start) -> None:
    server = start()
    expert = server.dav(EXPERT)
    for name in ("ancien.txt", "recent.txt"):
        expert.put((*SPACE, name), b"1")
    _, token = sync(expert, SPACE)
    expert.delete((*SPACE, "ancien.txt"))
    site = open_site(backends.settings(server.data))
    try:
        for days in (0, 100, 179):
            site.clock = lambda days=days: datetime.now(UTC) + timedelta(days=days)  # type: ignore[misc]
            forget_removals(site)
        assert short(sync(expert, SPACE, token)[0]) == {"ancien.txt": False}

        site.clock = lambda: datetime.now(UTC) + timedelta(days=181)
        forget_removals(site)
        with site.database.reading() as session:
            assert session.scalar(select(func.count(Removal.id))) == 0
    finally:
        site.close()

    reply = report(expert, SPACE, token)
    assert reply.status == 403
    assert reply.xml.find("{DAV:}valid-sync-token") is not None
    everything, token = sync(expert, SPACE)
    assert "recent.txt" in short(everything)
    expert.delete((*SPACE, "recent.txt"))
    assert short(sync(expert, SPACE, token)[0]) == {"recent.txt": False}
