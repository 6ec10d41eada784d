"""A17 and A18: XML that does harm, and listings without an end. nginx has no part in it."""

import pytest

from tests.dav import Dav, Names
from tests.threats.doors import Door, cpu_seconds

ENTITIES = {
    "external": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    "parameter": '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>',
    "attribute": '<!DOCTYPE a [<!ENTITY x "y"><!ATTLIST a b CDATA "&x;">]>',
    "bomb": "<!DOCTYPE a [<!ENTITY x0 'ha'>"
    + "".join(f"<!ENTITY x{n} '{f'&x{n - 1};' * 10}'>" for n in range(1, 12))
    + "<!ENTITY x '&x11;'>]>",
    "quadratic": f"<!DOCTYPE a [<!ENTITY x '{'a' * 50_000}'>]>",
    "empty": "<!DOCTYPE a>",
}
PROPFIND = '<D:propfind xmlns:D="DAV:"><D:prop><D:a>{}</D:a></D:prop></D:propfind>'
PROPPATCH = (
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="urn:t">{}</a></D:prop></D:set>'
    "</D:propertyupdate>"
)
LOCK = (
    '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/>'
    "</D:locktype><D:owner>{}</D:owner></D:lockinfo>"
)
BODIES = {"PROPFIND": PROPFIND, "PROPPATCH": PROPPATCH, "LOCK": LOCK}
TENTH = 0.1  # seconds
TIMES = 3  # each is asked so often: the clock of processes is coarse


@pytest.fixture
def file(door: Door) -> Names:
    path = (*door.room(), "f.pdf")
    assert door.look().put(path, b"%PDF").status == 201
    return path


def ask(door: Door, method: str, path: Names, body: str | bytes) -> tuple[int, float]:
    """The status, and the seconds of processor time that one answer costs."""
    data = body if isinstance(body, bytes) else body.encode()
    head = door.head(method, path, "Depth: 0", f"Content-Length: {len(data)}")
    pids = door.server.workers()
    before = cpu_seconds(pids)
    for _ in range(TIMES):
        status, _ = door.ask(head + data)
    return status, (cpu_seconds(pids) - before) / TIMES


@pytest.mark.parametrize("method", BODIES)
@pytest.mark.parametrize("kind", ENTITIES)
def test_a17_xml_with_a_doctype_is_refused(door: Door, file: Names, method: str, kind: str) -> None:
    used = "" if kind in ("parameter", "attribute", "empty") else "&x;" * 10
    before = door.look().propfind(file, "0").body

    status, seconds = ask(door, method, file, ENTITIES[kind] + BODIES[method].format(used))

    assert status == 400
    assert seconds < TENTH
    assert door.look().propfind(file, "0").body == before


def test_a17_a_doctype_in_another_alphabet_is_a_doctype(door: Door, file: Names) -> None:
    text = '<?xml version="1.0" encoding="utf-16"?>' + ENTITIES["external"] + PROPFIND.format("&x;")

    assert ask(door, "PROPFIND", file, text.encode("utf-16"))[0] == 400


@pytest.mark.parametrize("method", BODIES)
def test_a17_five_thousand_levels_are_refused(door: Door, file: Names, method: str) -> None:
    deep = "<x>" * 5_000 + "</x>" * 5_000

    status, seconds = ask(door, method, file, BODIES[method].format(deep))

    assert status == 400
    assert seconds < TENTH


@pytest.mark.parametrize("method", BODIES)
def test_a17_a_body_beyond_256_kib_is_refused(door: Door, file: Names, method: str) -> None:
    status, seconds = ask(door, method, file, BODIES[method].format("x" * 262_144))

    assert status == 413
    assert seconds < TENTH


def test_a17_a_long_body_in_chunks_is_refused_too(door: Door, file: Names) -> None:
    look = door.look()
    text = PROPFIND.format("x" * 1_000_000).encode()
    pieces = (text[at : at + 50_000] for at in range(0, len(text), 50_000))

    assert look.request("PROPFIND", file, pieces, {"Depth": "0"}, chunked=True).status == 413


def named(count: int) -> str:
    names = "".join(f"<p{n} xmlns='urn:t'/>" for n in range(count))
    return f'<D:propfind xmlns:D="DAV:"><D:prop>{names}</D:prop></D:propfind>'


@pytest.mark.parametrize(("count", "status"), [(400, 207), (501, 400), (5_000, 400)])
def test_a17_more_than_five_hundred_names_are_refused(
    door: Door, file: Names, count: int, status: int
) -> None:
    found, seconds = ask(door, "PROPFIND", file, named(count))

    assert found == status
    assert seconds < TENTH


def test_a17_dead_properties_of_a_resource_stay_below_64_kib(door: Door, file: Names) -> None:
    look: Dav = door.look()
    piece = "x" * 20_000
    statuses = [look.proppatch(file, f"<T:p{n}>{piece}</T:p{n}>").status for n in range(5)]

    assert statuses == [207, 207, 207, 507, 507]
    assert look.proppatch(file, f"<T:q>{'x' * 200_000}</T:q>").status == 507
    everything = look.propfind(file, "0").body
    assert len(everything) < 70_000


@pytest.mark.parametrize("headers", [{"Depth": "infinity"}, {"Depth": "Infinity"}])
def test_a18_a_tree_is_never_listed_whole(door: Door, headers: dict[str, str]) -> None:
    look, room = door.look(), door.room()
    for target in ("/", "/dav/", room):
        reply = look.request("PROPFIND", target, b"", headers)
        assert reply.status == 403
        assert reply.xml.find("{DAV:}propfind-finite-depth") is not None
        assert b"multistatus" not in reply.body


def test_a18_without_a_depth_the_members_are_listed_and_nothing_below_them(door: Door) -> None:
    look, room = door.look(), door.room()
    assert look.mkcol((*room, "d")).status == 201
    assert look.mkcol((*room, "d", "deeper")).status == 201

    reply = look.request("PROPFIND", room)

    assert reply.status == 207
    assert b"/d/" in reply.body and b"deeper" not in reply.body
