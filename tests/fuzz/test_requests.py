"""Whatever a client sends over a socket is answered, never by a failure, and leaves a sound site.

In short here; ``./run fuzz`` is the long form. The site is verified at its end.
"""

import socket
from http.client import HTTPResponse
from urllib.parse import quote

import pytest
from hypothesis import strategies as st

from tests.dav import Dav, Names, address
from tests.fuzz import texts
from tests.fuzz.conftest import Fuzz
from tests.serving import Server

METHODS = (
    "GET",
    "HEAD",
    "OPTIONS",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "MKCOL",
    "DELETE",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "POST",
    "PATCH",
)
ROOM: Names = ("Espace de l'expert", "bruit")
# 502: a destination elsewhere. 507: more properties or locks than there is room for.
ANSWERED = {200, 201, 204, 206, 207, 304, *range(400, 432), 502, 507}
_names = st.sampled_from(("", "/a", "/b", "/d/", "/d/e", "/A", "/%C3%A9", "/e%CC%81"))
_targets = st.one_of(
    _names.map(lambda name: address(*ROOM) + name),
    texts.PATHS.map(lambda text: address(*ROOM) + "/" + text),
    texts.PATHS,
).map(lambda text: quote(text[:3_000], safe="/%?#*:@;+~$.!&'()=,"))
_destinations = st.one_of(_names.map(lambda name: address(*ROOM) + name), texts.URLS)
_headers = st.fixed_dictionaries(
    {}, optional={**texts.HEADERS, "destination": _destinations, "authorization": texts.BASICS}
)
_bodies = st.one_of(st.just(b""), texts.XML, st.binary(max_size=200))


@pytest.mark.timeout(0)
def test_every_request_is_answered_and_none_by_a_failure(demo: Server, fuzz: Fuzz) -> None:
    people = [demo.dav("apolline.testard"), demo.dav("cabinet.brumaire-kalve")]
    assert people[0].mkcol(ROOM).status == 201
    assert people[0].mkcol((*ROOM, "d")).status == 201

    def tried(number: int, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        status = answered(demo, people[number], method, target or "/", headers, body)
        assert status in ANSWERED, (status, method, target, headers, body)

    fuzz(
        "requests",
        tried,
        st.sampled_from((0, 0, 0, 1)),
        st.sampled_from(METHODS),
        _targets,
        _headers,
        _bodies,
        part=2,
    )
    assert "unexpected failure" not in demo.log()
    assert "Traceback" not in demo.log()


def answered(
    server: Server, person: Dav, method: str, target: str, headers: dict[str, str], body: bytes
) -> int:
    """The status of the answer; raises where the connection ends without one."""
    fields = {**person.authorization(), **{name.title(): text for name, text in headers.items()}}
    lines = [f"{method} {target if target.startswith('/') else '/' + target} HTTP/1.1"]
    lines += [f"Host: 127.0.0.1:{server.port}", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {text.strip()}" for name, text in fields.items()]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as wire:
        wire.sendall(head + body)
        answer = HTTPResponse(wire, method=method)
        answer.begin()
        answer.read()
    return answer.status
