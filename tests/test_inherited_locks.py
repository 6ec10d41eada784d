"""An infinite lock is told of all that it guards, with the folder where it stands as its root."""

import itertools

import pytest
from sqlalchemy import event

from davserver.accounts import people
from davserver.accounts.credentials import actor_of
from davserver.providers import listing, live
from davserver.settings import load
from davserver.site import CONSOLE, open_site
from davserver.tree.locks import MOST_ON_ONE
from davserver.tree.lookup import find
from davserver.work import Client
from tests.dav import Dav, Names, Reply, address
from tests.serving import Server

DOSSIER = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
PLANS: Names = (DOSSIER, "08 Plans")  # the expert writes there, the others read
EXPERT, READER = "apolline.testard", "cabinet.ortie-lambda"
ASKED = b'<D:propfind xmlns:D="DAV:"><D:prop><D:lockdiscovery/></D:prop></D:propfind>'
SYNC = (
    b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>infinite</D:sync-level>'
    b"<D:prop><D:lockdiscovery/></D:prop></D:sync-collection>"
)
_numbers = itertools.count()


@pytest.fixture
def folder(expert: Dav) -> Names:
    """A new folder with a file and, one deeper, another."""
    made = (*PLANS, f"verrou hérité {next(_numbers)}")
    assert expert.mkcol(made).status == expert.mkcol((*made, "a")).status == 201
    assert expert.put((*made, "f.txt"), b"f").status == 201
    assert expert.put((*made, "a", "g.txt"), b"g").status == 201
    return made


def root(path: Names, *, is_folder: bool = True) -> str:
    return address(*path).rstrip("/") + ("/" if is_folder else "")


def roots(reply: Reply) -> dict[str, list[str]]:
    """The roots of the locks that an answer tells of each resource."""
    assert reply.status == 207, reply
    return {
        response.findtext("{DAV:}href") or "": [
            found.text or "" for found in response.iterfind(".//{DAV:}lockroot/{DAV:}href")
        ]
        for response in reply.xml.iterfind("{DAV:}response")
    }


def test_a_refresh_through_a_member_tells_the_folder_where_the_lock_stands(
    expert: Dav, folder: Names
) -> None:
    held = expert.lock(folder, Depth="infinity").headers["lock-token"]

    for path in (folder, (*folder, "f.txt"), (*folder, "a"), (*folder, "a", "g.txt")):
        again = expert.request("LOCK", path, b"", {"If": f"({held})"})
        assert again.status == 200
        found = [found.text for found in again.xml.iterfind(".//{DAV:}lockroot/{DAV:}href")]
        assert found == [root(folder)]
        assert again.xml.findtext(".//{DAV:}owner") == EXPERT
    assert expert.unlock(folder, held).status == 204


def test_an_infinite_lock_is_told_of_everything_below_its_folder(
    demo: Server, expert: Dav, folder: Names
) -> None:
    file, inner, deep = (*folder, "f.txt"), (*folder, "a"), (*folder, "a", "g.txt")
    own = expert.lock(file, scope="shared").headers["lock-token"]
    held = expert.lock(folder, scope="shared", Depth="infinity").headers["lock-token"]
    here = [root(folder)]

    for person in (expert, demo.dav(READER)):
        assert roots(person.propfind(deep, "0", ASKED)) == {root(deep, is_folder=False): here}
        assert roots(person.propfind(folder, "1", ASKED)) == {
            root(folder): here,
            root(inner): here,
            root(file, is_folder=False): [root(file, is_folder=False), *here],
        }
        synced = roots(person.request("REPORT", folder, SYNC, {"Depth": "0"}))
        assert synced[root(deep, is_folder=False)] == synced[root(inner)] == here
        assert roots(person.propfind(PLANS, "0", ASKED)) == {root(PLANS): []}
    bare = held.strip("<>").encode()
    assert bare in expert.propfind(deep, "0").body
    assert bare not in demo.dav(READER).propfind(deep, "0").body
    for path, token in ((folder, held), (file, own)):
        assert expert.unlock(path, token).status == 204
    assert b"activelock" not in expert.propfind(folder).body


def test_a_lock_of_a_folder_alone_is_told_of_no_member(expert: Dav, folder: Names) -> None:
    held = expert.lock(folder).headers["lock-token"]

    told = roots(expert.propfind(folder, "1", ASKED))

    assert told.pop(root(folder)) == [root(folder)]
    assert [found for found in told.values() if found] == []
    assert expert.unlock(folder, held).status == 204


def test_heaped_up_locks_do_not_make_a_listing_endless(expert: Dav, folder: Names) -> None:
    """Of each member so many inherited ones are told, the nearest first, and their owners are not:
    an owner of 4,000 characters would stand there once per member."""
    inner = (*folder, "a")
    for path in (folder, inner):
        for _ in range(MOST_ON_ONE):
            assert expert.lock(path, scope="shared", Depth="infinity").status == 200

    told = expert.propfind(inner, "1", ASKED)

    member = root((*inner, "g.txt"), is_folder=False)
    assert roots(told)[member] == [root(inner)] * MOST_ON_ONE
    assert told.body.count(b"<D:owner") == MOST_ON_ONE  # of the folder itself


@pytest.mark.embedded
def test_a_listing_asks_the_database_no_more_often_for_more_members(
    demo: Server, expert: Dav, folder: Names
) -> None:
    expert.lock(folder, Depth="infinity")
    site = open_site(load(data=demo.data))
    asked: list[str] = []
    event.listen(site.database.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))

    def statements() -> int:
        with site.reading(CONSOLE, Client("test")) as work:
            actor = actor_of(people.find(work.session, EXPERT))
        with site.reading(actor, Client("test")) as work:
            spot = find(work, folder)
            asked.clear()
            for view in listing.listing(work, spot, deep=True):
                assert "activelock" in (live.element(view, "{DAV:}lockdiscovery") or "")
            return len(asked)

    held = expert.propfind(folder, "0", ASKED).xml.findtext(".//{DAV:}locktoken/{DAV:}href")

    def fill(numbers: range) -> None:
        for number in numbers:
            name = (*folder, f"{number}.txt")
            assert expert.put(name, b"x", If=f"<{root(folder)}> (<{held}>)").status == 201

    try:
        fill(range(1))
        few = statements()
        fill(range(1, 21))
        assert statements() == few
    finally:
        site.close()
