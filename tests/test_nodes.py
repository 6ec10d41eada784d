"""Several nodes are one site: what is done at one is done at the other, at once and once only."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest

from davserver.demo.history import BRUMAIRE
from tests import backends, post
from tests.changes import short, sync
from tests.clients import DOSSIER, EXPERT, archive, box, deposits
from tests.conftest import Start
from tests.dav import Dav, Names, address
from tests.deposits import AUTHOR, OTHER
from tests.nodes import Nodes, two_nodes
from tests.post import Post
from tests.proxy import Proxy, proxied
from tests.replay import explorer, finder, seconds
from tests.replay.bodies import pdf
from tests.replay.script import Player
from tests.replay.witness import Witness
from tests.serving import PASSWORD, wait_for
from tests.threats.doors import Forwarded
from tests.threats.stranger import Stranger, basic

pytestmark = pytest.mark.scaled

BOX = box(BRUMAIRE)
PLANS: Names = (DOSSIER, "08 Plans")
HTTPS = {"X-Forwarded-Proto": "https"}  # as the proxy says
SEVERAL = 6  # requests, so that each process of a node is asked
CONNECTIONS = 2  # that are kept, shared out between the processes of a node


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    server = Post(tmp_path_factory.mktemp("mails") / "maildir")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def store() -> Iterator[Proxy]:
    """The way of all nodes to the pieces."""
    with proxied(backends.port_of_s3()) as way:
        yield way


@pytest.fixture(scope="module")
def nodes(
    mail: Post, store: Proxy, start: Start, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nodes]:
    told = {
        **post.settings(mail, window=1),
        **seconds.settings(),
        "DAVSERVER_S3__ENDPOINT": f"http://127.0.0.1:{store.port}",
    }
    with two_nodes(start, tmp_path_factory.mktemp("nodes"), told) as both:
        yield both


@pytest.fixture(scope="module")
def witness(nodes: Nodes) -> Witness:
    return Witness(nodes.second.url, nodes.first.data, kind=Forwarded)


# Deposits that change node in mid-dance.


def nodes_of(nodes: Nodes, target: str) -> list[str]:
    """Which node has answered each request of ``target`` by its author, in their order."""
    lines = [
        (line["time"], name)
        for name, node in (("first", nodes.first), ("second", nodes.second))
        for text in node.log().splitlines()
        if target in text
        and (line := json.loads(text))["event"] == "request"
        and line["login"] == AUTHOR
    ]
    return [name for _, name in sorted(lines)]


def changes_each_time(found: list[str]) -> bool:
    return len(found) > 3 and all(one != next_one for one, next_one in pairwise(found))


def test_explorer_deposits_though_each_request_comes_to_another_node(
    nodes: Nodes, witness: Witness
) -> None:
    player = Player(nodes.proxy, witness, explorer.WINDOWS, nodes.proxy.trust())
    for number in range(2):  # an odd number of requests: the second time the other node begins
        name, file = f"explorer-{number}.pdf", pdf(f"explorer {number}", 300_000)
        player.play(*explorer.copies(f"B/{name}", file), becomes={name: file})
        assert changes_each_time(nodes_of(nodes, name))


def test_finder_deposits_though_each_request_comes_to_another_node(
    nodes: Nodes, witness: Witness
) -> None:
    player = Player(nodes.proxy, witness, finder.FINDER, nodes.proxy.trust())
    for number in range(2):
        name, file = f"finder-{number}.pdf", pdf(f"finder {number}", 300_000)
        player.play(*finder.drags(f"B/{name}", f"B/._{name}", file), becomes={name: file})
        assert changes_each_time(nodes_of(nodes, f"/{name}"))


def test_a_transfer_under_way_at_one_node_holds_its_name_at_the_other(nodes: Nodes) -> None:
    path, content = (*BOX, "en route.pdf"), pdf("under way", 400_000)
    author = nodes.on_first(AUTHOR)
    line = author.connection()
    line.putrequest("PUT", address(*path))
    for name, value in {**author.authorization(), "Content-Length": str(len(content))}.items():
        line.putheader(name, value)
    line.endheaders()
    blocks = (content[start : start + 10_000] for start in itertools.count(0, 10_000))

    def is_held() -> bool:
        line.send(next(blocks))
        time.sleep(0.2)
        return nodes.on_second(AUTHOR).get(path).status == 200

    wait_for(is_held, what="the name to be taken at the other node")
    assert nodes.on_second(EXPERT).put(path, b"%PDF").status == 423
    while block := next(blocks):
        line.send(block)
    assert line.getresponse().status in (201, 204)
    line.close()
    assert nodes.on_second(AUTHOR).get(path).body == content


# Locks.


def test_a_lock_taken_on_one_node_holds_on_the_other_and_is_given_back_there(nodes: Nodes) -> None:
    path = (*PLANS, "verrouillé.txt")
    here, there = nodes.on_first(EXPERT), nodes.on_second(EXPERT)
    assert here.put(path, b"one").status == 201
    token = here.lock(path).headers["lock-token"]

    assert there.put(path, b"two").status == 423
    assert there.delete(path).status == 423
    assert token.strip("<>").encode() in there.propfind(path, "0").body
    assert there.request("LOCK", path, b"", {"If": f"({token})"}).status == 200
    assert there.put(path, b"three", If=f"({token})").status == 204
    assert there.unlock(path, token).status == 204

    assert here.put(path, b"four", If=f"({token})").status == 412
    assert here.put(path, b"five").status == 204
    assert there.get(path).body == b"five"


# What a node keeps in memory is new at once after a change on the other.


@dataclass(frozen=True)
class Change:
    """What ``done`` by somebody at one node does to a room of ``PLANS`` that another person has
    read at the other: the names there then, and the content of what he reads, None where it is
    not there for him."""

    done: Callable[[Nodes, Names], object]
    names: set[str]
    content: bytes | None


def _cut(nodes: Nodes, room: Names) -> None:
    done = nodes.first.run("rights", "cut", "/".join(room))
    assert done.returncode == 0, done.stderr


CHANGES = {
    "deposit": Change(
        lambda nodes, room: nodes.on_first(EXPERT).put((*room, "new.txt"), b"new"),
        {"read.txt", "new.txt"}, b"before",
    ),
    "replacement": Change(
        lambda nodes, room: nodes.on_first(EXPERT).put((*room, "read.txt"), b"after"),
        {"read.txt"}, b"after",
    ),
    "rename": Change(
        lambda nodes, room: nodes.on_first(EXPERT).move((*room, "read.txt"), (*room, "b.txt")),
        {"b.txt"}, None,
    ),
    "removal": Change(
        lambda nodes, room: nodes.on_first(EXPERT).delete((*room, "read.txt")), set(), None,
    ),
    "rights": Change(_cut, set(), None),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_one_node_keeps_is_new_at_once_after_a_change_at_the_other(
    nodes: Nodes, change: str
) -> None:
    room, reader = (*PLANS, change), nodes.on_second(OTHER)
    assert nodes.on_first(EXPERT).mkcol(room).status == 201
    assert nodes.on_first(EXPERT).put((*room, "read.txt"), b"before").status == 201
    for _ in range(SEVERAL):
        assert reader.names(room) == ["read.txt"]
        assert reader.get((*room, "read.txt")).body == b"before"

    CHANGES[change].done(nodes, room)

    for _ in range(SEVERAL):
        reply = reader.get((*room, "read.txt"))
        assert (reply.body if reply.status == 200 else None) == CHANGES[change].content
        listed = reader.propfind(room)
        assert listed.status == (404 if change == "rights" else 207)
        if change != "rights":
            assert set(reader.names(room)) == CHANGES[change].names


def test_a_piece_is_there_at_every_node_at_once_when_it_is_sealed_and_goes_when_it_is_filed(
    nodes: Nodes,
) -> None:
    name, content = "scellée.pdf", pdf("sealed elsewhere")
    filed = archive(BRUMAIRE)
    places: list[Callable[[str], Dav]] = [nodes.on_first, nodes.on_second]
    assert nodes.on_first(AUTHOR).put((*BOX, name), content).status == 201

    def seen(login: str = OTHER) -> set[bool]:
        return {name in at(login).names(BOX) for at in places for _ in range(SEVERAL)}

    assert seen(AUTHOR) == {True}
    # Listings are kept meanwhile; the first that sees it means that all do from then on.
    wait_for(lambda: nodes.on_first(OTHER).get((*BOX, name)).status == 200, what="the seal")
    assert seen() == {True}
    assert nodes.on_second(OTHER).get((*BOX, name)).body == content

    assert nodes.on_first(EXPERT).move((*BOX, name), (*filed, name)).status == 201
    assert seen() == {False}
    for at in places:
        assert at(OTHER).get((*BOX, name)).status == 404
        assert at(OTHER).get((*filed, name)).body == content


def test_a_sync_token_of_one_node_is_good_at_the_other(nodes: Nodes) -> None:
    room = (*PLANS, "synchronisé")
    here, there = nodes.on_first(EXPERT), nodes.on_second(EXPERT)
    here.mkcol(room)
    _, token = sync(here, room)
    there.put((*room, "one.txt"), b"one")
    changes, token = sync(there, room, token)
    assert short(changes) == {"one.txt": True}
    here.delete((*room, "one.txt"))
    assert short(sync(there, room, token)[0]) == {"one.txt": False}


# What is taken away.

TAKEN_AWAY = {
    "theo.gabarit": ("user", "disable"),
    "cabinet.saule-exemple": ("user", "password", "--password", "nouveau secret"),
    "cabinet.quartz-placebo": ("device", "revoke", "Portable"),
}


@pytest.mark.parametrize("login", TAKEN_AWAY)
def test_what_is_taken_away_at_one_node_is_refused_at_the_other(nodes: Nodes, login: str) -> None:
    """An account, a password, the password of a device."""
    group, act, *further = TAKEN_AWAY[login]
    password = PASSWORD
    if group == "device":
        password = nodes.first.json("device", "add", login, "--name", "Portable")["password"]
    drive = [
        Stranger(node.url, keeps=True)
        for node in (nodes.first, nodes.second)
        for _ in range(CONNECTIONS)
    ]

    def answers() -> set[int]:
        return {line.ask(basic(login, password), headers=HTTPS).status for line in drive}

    assert answers() == {207}
    done = nodes.first.run(group, act, login, *further)
    assert done.returncode == 0, done.stderr
    assert answers() == {401}  # the very next requests, on the connections that are open
    for line in drive:
        line.close()


def test_guesses_at_all_nodes_fill_one_vessel(nodes: Nodes) -> None:
    login, guesses = "come.prototype", 5  # login.guesses; he has not logged in at these nodes yet

    def enters(at: Callable[[str, str], Dav], password: str, address: str) -> bool:
        sent = {"Depth": "0", "X-Forwarded-For": address}
        reply = at(login, password).request("PROPFIND", (), b"", sent)
        assert reply.status in (207, 401)
        return reply.status == 207

    turns = itertools.cycle([nodes.on_first, nodes.on_second])
    for number in range(guesses):
        assert not enters(next(turns), f"guess {number}", "198.51.100.7")
    for _ in range(2):
        assert not enters(next(turns), PASSWORD, "198.51.100.7"), "no more is examined from there"
    for _ in range(2):
        assert enters(next(turns), PASSWORD, "198.51.100.8")


# Work that is done for all.


def test_each_alert_is_sent_once_though_every_process_of_every_node_sends(
    nodes: Nodes, mail: Post
) -> None:
    names = [f"alerte-{number}.pdf" for number in range(8)]
    turns = itertools.cycle([nodes.on_first, nodes.on_second])
    for name in names:
        assert next(turns)(AUTHOR).put((*BOX, name), pdf(name)).status == 201

    def told() -> Counter[tuple[str, str]]:
        """How often whom of what; also by two mails of one Message-ID."""
        found = [(str(m["X-RcptTo"]), link) for m in mail.mails() for link in post.links(m)]
        return Counter(one for one in found if "alerte-" in one[1])

    def is_quiet() -> bool:
        queue = nodes.first.json("alerts", "queue")
        ours = [one for one in queue if {line["name"] for line in one["lines"]} & set(names)]
        told = {line["name"] for one in ours for line in one["lines"]}
        states = {recipient["state"] for one in ours for recipient in one["recipients"]}
        return told == set(names) and "sent" in states and not states & {"queued", "sending"}

    wait_for(is_quiet, 40, "all mails")
    time.sleep(1.5)  # a second one would come with the next rounds
    assert set(told().values()) == {1}
    people = {person for person, _ in told()}
    assert len(told()) == len(people) * len(names)
    assert {deposits(nodes.first, AUTHOR)[name]["state"] for name in names} == {"sealed"}


# The proxy's part in it.


def test_while_the_store_is_away_names_are_still_listed_and_refusals_explained(
    nodes: Nodes, store: Proxy
) -> None:
    expert = nodes.through(EXPERT)
    store.away = True
    try:
        for node in ("node1", "node2"):
            nodes.proxy.await_state(node, "DOWN")
        assert expert.propfind(PLANS).status == 207
        refused = expert.put((*PLANS, "plus tard.txt"), b"later")
        assert refused.status == 503
        assert "momentanément indisponible" in refused.message
    finally:
        store.away = False
    for node in ("node1", "node2"):
        nodes.proxy.await_state(node, "UP")
    assert expert.put((*PLANS, "plus tard.txt"), b"later").status == 201
