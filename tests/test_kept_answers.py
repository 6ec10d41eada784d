"""Answers that are kept are never old: not for another person, not after another process's act."""

import gzip
import io
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event, update

from davserver.errors import Unavailable
from davserver.model import User
from davserver.model.database import Database
from davserver.policy import Actor
from davserver.providers import listing, live
from davserver.providers.answers import Answer
from davserver.providers.exchange import ACTOR, Exchange
from davserver.providers.kept import MOST, Kept
from davserver.site import Site
from tests.asking import Ask
from tests.clients import DOSSIER, EXPERT
from tests.conftest import Start
from tests.dav import Dav, Names, address
from tests.deposits import AUTHOR, BOX, OTHER

SPACE = ("Espace de l'expert",)
PLACE = (DOSSIER,)  # which nobody changes here
SEVERAL = 6  # requests, so that each process of the server is asked


def listed(person: Dav, place: Names = SPACE, **headers: str) -> set[bytes]:
    """The bodies of several listings of a folder: one, if all processes agree."""
    asked = {"Depth": "1", **headers}
    return {person.request("PROPFIND", place, b"", asked).body for _ in range(SEVERAL)}


ACTS: dict[str, Callable[[Dav, Names], object]] = {
    "PUT": lambda expert, room: expert.put((*room, "new.pdf"), b"new"),
    "replace": lambda expert, room: expert.put((*room, "one.pdf"), b"another"),
    "MKCOL": lambda expert, room: expert.mkcol((*room, "folder")),
    "MOVE": lambda expert, room: expert.move((*room, "one.pdf"), (*room, "two.pdf")),
    "COPY": lambda expert, room: expert.copy((*room, "one.pdf"), (*room, "two.pdf")),
    "DELETE": lambda expert, room: expert.delete((*room, "one.pdf")),
    "PROPPATCH": lambda expert, room: expert.proppatch((*room, "one.pdf"), "<T:a>b</T:a>"),
    "LOCK": lambda expert, room: expert.lock((*room, "one.pdf")),
}


@pytest.mark.parametrize("act", list(ACTS))
def test_after_any_act_every_process_lists_anew(expert: Dav, act: str) -> None:
    room = (*SPACE, f"after {act}")
    expert.mkcol(room)
    expert.put((*room, "one.pdf"), b"one")
    (before,) = listed(expert, room)  # kept by now, in all processes
    ACTS[act](expert, room)
    after = listed(expert, room)
    assert before not in after
    if act != "LOCK":  # each tells how long it still lasts
        assert len(after) == 1


def test_content_is_the_present_one_in_every_process(start: Start) -> None:
    server = start()
    expert, name = server.dav(EXPERT), (*SPACE, "one.pdf")
    for number in range(5):
        body = b"version %d" % number
        expert.put(name, body)
        assert {expert.get(name).body for _ in range(SEVERAL)} == {body}
    expert.delete(name)
    assert {expert.get(name).status for _ in range(SEVERAL)} == {404}


def test_rights_and_accounts_that_a_command_changes_count_at_once(start: Start) -> None:
    server = start()
    lawyer = server.dav(OTHER)
    place = (DOSSIER, "08 Plans")
    assert {lawyer.propfind(place).status for _ in range(SEVERAL)} == {207}
    assert server.run("rights", "cut", "/".join(place)).returncode == 0
    assert {lawyer.propfind(place).status for _ in range(SEVERAL)} == {404}
    assert server.run("user", "disable", OTHER).returncode == 0
    assert {lawyer.propfind(()).status for _ in range(SEVERAL)} == {401}
    assert server.run("user", "enable", OTHER).returncode == 0
    assert {lawyer.propfind(()).status for _ in range(SEVERAL)} == {207}


def test_each_person_gets_his_own(start: Start) -> None:
    server = start()
    author, other = server.dav(AUTHOR), server.dav(OTHER)
    assert author.put((*BOX, "unfinished.pdf"), b"%PDF-1.4 x").status == 201
    for _ in range(SEVERAL):
        assert "unfinished.pdf" in author.names(BOX)
        assert "unfinished.pdf" not in other.names(BOX)


def test_each_way_of_asking_gets_its_own(expert: Dav) -> None:
    bodies = [
        listed(expert, PLACE),
        listed(expert, PLACE, Depth="0"),
        listed(expert, PLACE, Prefer="depth-noroot"),
        listed(expert, PLACE, **{"Accept-Encoding": "gzip"}),
    ]
    assert [len(found) for found in bodies] == [1, 1, 1, 1]
    assert len(set.union(*bodies)) == 4
    names = b'<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>'
    assert expert.propfind(PLACE, "1", names).body not in bodies[0]


def test_how_long_a_lock_lasts_is_told_anew(start: Start) -> None:
    expert, name = start().dav(EXPERT), (*SPACE, "one.pdf")
    expert.put(name, b"one")
    expert.lock(name, Timeout="Second-600")
    first = expert.propfind(name, "0").body
    time.sleep(1.1)
    assert expert.propfind(name, "0").body != first


@pytest.mark.embedded  # a cluster of PostgreSQL has one version for all of its databases
def listing_by(site: Site, actor: Actor, **more: str) -> Exchange:
    """A request for a listing."""
    environ = {
        "REQUEST_METHOD": "PROPFIND", "REQUEST_URI": "/dav/", "wsgi.url_scheme": "http",
        "CONTENT_LENGTH": "0", "wsgi.input": io.BytesIO(), ACTOR: actor, **more,
    }  # fmt: skip
    drive: Any = SimpleNamespace(site=site)
    return Exchange(drive, environ)


def test_what_many_people_are_told_alike_is_kept_once(site: Site) -> None:
    kept, people = Kept(site), [Actor(number, f"a{number}", "A") for number in range(1, 101)]
    made = 0

    def alike(exchange: Exchange) -> Answer:
        nonlocal made
        made += 1
        return Answer(207, body=b"x" * 1_000_000, lasting=True)

    for _ in range(3):
        bodies = [kept.of(listing_by(site, person), alike).body for person in people]
    assert made == len(people)  # each once: the answers are a hundred megabytes, the bodies one
    assert len({id(body) for body in bodies}) == 1
    assert kept._bytes < 2_000_000
    for number in range(30):  # others take their room, and one body goes only with its last answer
        kept.of(
            listing_by(site, people[0], HTTP_X_TURN=str(number)),
            lambda exchange: Answer(207, body=exchange.headers["x-turn"].encode() * 500_000,
                                    lasting=True),
        )  # fmt: skip
    assert kept._bytes == sum(size for _, size in kept._answers.values()) + sum(
        len(body) for body in kept._bodies
    )
    assert kept._bytes <= MOST


def test_a_long_address_counts_as_what_it_takes(site: Site) -> None:
    kept, actor = Kept(site), Actor(1, "a", "A")
    for number in range(100):
        address = f"/dav/?{number}{'x' * 7_000}"
        kept.of(
            listing_by(site, actor, REQUEST_URI=address),
            lambda exchange: Answer(207, body=b"alike", lasting=True),
        )
    assert kept._bytes > 700_000


def test_what_is_kept_is_bounded_whoever_asks_for_whatever(site: Site) -> None:
    kept, asked = Kept(site), 0

    def made(exchange: Exchange) -> Answer:
        nonlocal asked
        asked += 1
        return Answer(207, body=b"%06d" % asked + b"x" * 100_000, lasting=True)

    def exchange(number: int) -> Exchange:
        return listing_by(site, Actor(1, "a", "A"), HTTP_X_ODD=f"{number} {'y' * 30_000}")

    for number in range(400):
        kept.of(exchange(number), made)
    before = asked
    kept.of(exchange(399), made)
    assert asked == before  # the last ones are there
    kept.of(exchange(0), made)
    assert asked == before + 1  # the first ones gave way
    assert 100 * 131_000 < kept._bytes <= MOST
    with site.database.writing() as session:
        session.execute(update(User).where(User.login == OTHER).values(disabled=True))
    kept.of(exchange(0), made)
    assert kept._bytes < 2 * 131_000  # what is old takes no room


@pytest.mark.embedded
def test_kept_content_is_not_given_while_the_store_is_away(start: Start) -> None:
    server = start()
    expert, name = server.dav(EXPERT), (*SPACE, "one.pdf")
    expert.put(name, b"one")
    assert {expert.get(name).status for _ in range(SEVERAL)} == {200}
    blobs = (server.data / "blobs").rename(server.data / "away")
    assert {expert.get(name).status for _ in range(SEVERAL)} == {503}
    blobs.rename(server.data / "blobs")
    assert {expert.get(name).status for _ in range(SEVERAL)} == {200}


@pytest.mark.embedded  # on PostgreSQL there are statements of the driver
def test_who_asks_for_no_entity_tag_does_not_pay_for_it(ask: Ask, site: Site) -> None:
    body = b'<D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/></D:prop></D:propfind>'
    asked: list[str] = []
    ask(EXPERT, "PROPFIND", *SPACE)  # whose login is known then
    event.listen(site.database.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    status, _ = ask(EXPERT, "PROPFIND", body=body, CONTENT_TYPE="text/xml", HTTP_DEPTH="0")
    assert status == 207
    assert len(asked) <= 6, asked  # that of the root is made from all of its dossiers


def test_properties_with_endless_names_fill_no_memory(
    ask: Ask,
) -> None:
    listing._plain.cache_clear()
    live._tags_often.cache_clear()
    for number in range(3):
        names = "".join(f"<{'n' * 800}{number}x{count}/>" for count in range(200))
        body = f'<D:propfind xmlns:D="DAV:"><D:prop>{names}</D:prop></D:propfind>'.encode()
        status, found = ask(EXPERT, "PROPFIND", *SPACE, body=body, CONTENT_TYPE="text/xml")
        assert status == 207
        assert found.count(b"nnn") >= 200
    assert listing._plain.cache_info().currsize == live._tags_often.cache_info().currsize == 0


def test_a_token_that_has_run_out_holds_no_more_though_nothing_was_committed(
    ask: Ask, site: Site
) -> None:
    one, two = (*SPACE, "one.pdf"), (*SPACE, "two.pdf")
    for path in (one, two):
        ask(EXPERT, "PUT", *path, body=b"one")
    lock = (
        b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype>'
        b"<D:write/></D:locktype></D:lockinfo>"
    )
    _, granted = ask(EXPERT, "LOCK", *one, body=lock, HTTP_DEPTH="0")
    token = re.search(rb"opaquelocktoken:[-0-9a-f]+", granted)
    assert token is not None, granted
    condition = f"<{address(*one)}> (<{token[0].decode()}>)"
    for method, status in (("GET", 200), ("PROPFIND", 207)):
        assert ask(EXPERT, method, *two, HTTP_IF=condition)[0] == status
    now = site.clock
    site.clock = lambda: now() + timedelta(hours=2)
    for method in ("GET", "PROPFIND"):
        assert ask(EXPERT, method, *two, HTTP_IF=condition)[0] == 412


def test_a_malformed_condition_is_refused_above_the_drive_too(expert: Dav) -> None:
    for target in ("/", "/dav/", "/principals/"):
        for method in ("GET", "PROPFIND", "OPTIONS"):
            reply = expert.request(method, target, b"", {"Depth": "0", "If": "("})
            assert reply.status == 400, (method, target)


@pytest.mark.embedded
def test_why_the_version_cannot_be_told_is_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(f"sqlite:///{tmp_path}/gone.sqlite")
    with pytest.raises(Unavailable):
        database.version.now()
    assert "the database refuses or is away: unable to open database file" in caplog.text


# Compressed listings.


def test_a_listing_is_compressed_for_who_takes_it_so(expert: Dav) -> None:
    (plain,) = listed(expert, PLACE)
    for accepted in ("gzip", "deflate, gzip;q=0.5", "*"):
        reply = expert.request("PROPFIND", PLACE, b"", {"Depth": "1", "Accept-Encoding": accepted})
        assert reply.headers["content-encoding"] == "gzip"
        assert gzip.decompress(reply.body) == plain
        assert len(reply.body) < len(plain)
    for accepted in ("", "identity", "gzip;q=0", "*;q=0", "gzip;q=0, *", "gzip;q=x"):
        reply = expert.request("PROPFIND", PLACE, b"", {"Depth": "1", "Accept-Encoding": accepted})
        assert "content-encoding" not in reply.headers
        assert reply.body == plain
        assert "accept-encoding" in reply.headers["vary"].lower()


def test_content_is_never_compressed(expert: Dav) -> None:
    name, body = (*SPACE, "one.txt"), b"again and " * 1_000
    expert.put(name, body)
    reply = expert.get(name, **{"Accept-Encoding": "gzip"})
    assert (reply.body, "content-encoding" in reply.headers) == (body, False)
