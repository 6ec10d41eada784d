"""A04, A05, A10, A14 to A16: what stands before a body.

Behind nginx: nginx itself answers 400 to what is ambiguous, 414 to a request line and 400 to a
header beyond its buffers (of the same sizes), 405 to TRACE and CONNECT; it drops header names with
an underscore too.
"""

import pytest

from tests.threats.doors import EXPERT, LAWYER, Door

BODY = b"3\r\nabc\r\n0\r\n\r\n"


def refused(door: Door, request: bytes, *statuses: int) -> None:
    """Fails unless the request gets one of ``statuses``, the close, and has no effect."""
    status, closed = door.ask(request)
    assert status in statuses
    assert closed


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 3", "Content-Length: 1"),
        ("Content-Length: 3", "Content-Length: 3"),
        ("Content-Length: 3", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 3"),
        ("Content-Length: +3",),
        ("Content-Length: 0_3",),
        ("Content-Length: -1",),
        ("Content-Length: 3, 3",),
    ],
)
def test_a04_two_lengths_or_a_signed_one_are_refused(door: Door, fields: tuple[str, ...]) -> None:
    room = door.room()

    refused(door, door.head("PUT", (*room, "x"), *fields) + BODY, 400)
    assert door.look().names(room) == []


def test_a05_a_coding_with_a_blank_before_its_colon_is_refused(door: Door) -> None:
    room = door.room()

    refused(door, door.head("PUT", (*room, "x"), "Transfer-Encoding : chunked") + BODY, 400)
    assert door.look().names(room) == []


def test_a05_chunks_under_http_1_0_are_refused(door: Door) -> None:
    room = door.room()
    head = door.head("PUT", (*room, "x"), "Transfer-Encoding: chunked")

    refused(door, head.replace(b"HTTP/1.1", b"HTTP/1.0") + BODY, 400)
    assert door.look().names(room) == []


def test_a10_a_request_line_beyond_8_kib_is_refused(door: Door) -> None:
    fits = "/dav/?" + "a" * (8_192 - len("GET /dav/? HTTP/1.1"))

    assert door.ask(door.head("GET", fits[:-64]))[0] == 200
    refused(door, door.head("GET", fits + "a"), 414)
    refused(door, door.head("GET", "/dav/" + "a" * 1_000_000), 414)


def test_a10_a_header_beyond_32_kib_is_refused_while_it_comes(door: Door) -> None:
    status = 400 if door.nginx else 431
    endless = (b"X: " + b"a" * 1_000 + b"\r\n" for _ in range(100_000))
    start = door.head("GET", "/dav/", login="")[:-2]

    assert door.ask(start, *endless) == (status, True)
    refused(door, door.head("GET", "/dav/", "X: " + "a" * 40_000, login=""), status)
    refused(door, door.head("GET", "/dav/", *["X: aaaa"] * 10_000, login=""), status)


@pytest.mark.parametrize(
    "fields",
    [("Host: localhost",), ("X-A: a", " folded"), ("X-A: a", "\tfolded"), ("X-A: a\0b",)],
    ids=["two hosts", "folded", "folded by a tab", "NUL"],
)
def test_a14_a_head_that_can_be_read_in_two_ways_is_refused(
    door: Door, fields: tuple[str, ...]
) -> None:
    refused(door, door.head("GET", "/dav/", *fields), 400)


@pytest.mark.parametrize("method", ["GET", "MOVE", "PUT"])
def test_a14_a_request_without_host_is_refused(door: Door, method: str) -> None:
    head = door.head(method, "/dav/x", "Destination: /dav/y")

    refused(door, head.replace(f"Host: {door.host}\r\n".encode(), b""), 400)


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X_Forwarded_Host", "Forwarded"])
def test_a15_no_client_says_which_hosts_are_this_server(door: Door, name: str) -> None:
    room, look = door.room(), door.look()
    assert look.put((*room, "a"), b"a").status == 201
    value = "host=evil" if name == "Forwarded" else "evil"
    fields = (f"{name}: {value}", "Destination: http://evil/dav/Espace%20de%20l'expert/y")
    wanted = (502,) if door.nginx or name != "Forwarded" else (403, 502)

    assert door.ask(door.head("MOVE", (*room, "a"), *fields))[0] in wanted
    assert look.names(room) == ["a"]


@pytest.mark.parametrize(
    "name", ["Remote-User", "Remote_User", "X-Remote-User", "X-Forwarded-User"]
)
def test_a15_no_header_says_who_asks(door: Door, name: str) -> None:
    head = door.head("PROPFIND", "/dav/", "Depth: 0", f"{name}: {EXPERT}", login="")

    assert door.ask(head)[0] == 401


def test_a15_an_underscore_does_not_speak_for_a_proxy(nginx: Door) -> None:
    """Straight to the davserver, whose peer is the proxy that it trusts."""
    straight = Door(nginx.server)
    plain = ("Depth: 0", "X-Forwarded-Proto: http")

    assert straight.ask(straight.head("PROPFIND", "/dav/", *plain))[0] == 403
    for spelt in ("X_Forwarded_Proto: https", "X-Forwarded_Proto: https"):
        assert straight.ask(straight.head("PROPFIND", "/dav/", *plain, spelt))[0] == 403


def test_a15_what_a_client_says_of_its_own_way_is_overwritten(nginx: Door) -> None:
    """Else a client on plain http would make davserver believe that its password was safe."""
    assert nginx.nginx
    forged = nginx.head("PROPFIND", "/dav/", "Depth: 0", "X-Forwarded-Proto: http")
    assert nginx.ask(forged)[0] == 207


@pytest.mark.parametrize(
    "method", ["TRACE", "PATCH", "SEARCH", "ACL", "BIND", "REBIND", "POST", "CONNECT", "MKCALENDAR"]
)
def test_a16_what_is_not_on_the_list_of_verbs_does_not_exist(door: Door, method: str) -> None:
    room, look = door.room(), door.look()
    assert look.put((*room, "kept"), b"kept").status == 201
    overrides = [
        f"{name}: DELETE"
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
    ]

    status, _ = door.ask(door.head(method, (*room, "kept"), *overrides, "Content-Length: 0"))
    assert status in (405, 501)
    assert look.get((*room, "kept")).body == b"kept"


def test_a16_a_report_reads_what_one_may_see_and_nothing_else(door: Door) -> None:
    """REPORT is a verb here (RFC 6578): it is asked of the gate, and no override changes it."""
    look = door.look()
    hidden = door.room()
    body = (
        b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
        b"<D:prop><D:getetag/></D:prop></D:sync-collection>"
    )
    fields = ("Depth: 0", "X-HTTP-Method-Override: DELETE", f"Content-Length: {len(body)}")

    assert door.ask(door.head("REPORT", hidden, *fields, login=LAWYER) + body)[0] == 404
    assert door.ask(door.head("REPORT", hidden, *fields, login=EXPERT) + body)[0] == 207
    assert look.names(hidden) == []
