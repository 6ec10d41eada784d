"""E: conditions. One that is malformed or does not hold refuses, and never counts as absent."""

import itertools
from functools import partial

import pytest

from davserver.errors import BadRequest
from davserver.providers.conditions import Conditions
from tests.dav import Dav, Names, address
from tests.serving import Server
from tests.threats.scene import ask, nothing_happens, to
from tests.timing import within

GONE = "<opaquelocktoken:00000000-0000-0000-0000-000000000000>"
_LOCK = (
    b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    b"<D:locktype><D:write/></D:locktype></D:lockinfo>"
)
_CHANGE = (
    b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="x"/></D:prop></D:set>'
    b"</D:propertyupdate>"
)
# Every method that writes, with a body that it takes.
WRITING = {"PUT": b"y", "MKCOL": b"", "LOCK": _LOCK, "DELETE": b"", "MOVE": b"", "COPY": b"",
           "PROPPATCH": _CHANGE}  # fmt: skip


def test_e06_a_tag_with_a_whole_url_counts(demo: Server, expert: Dav, room: Names) -> None:
    for name in ("a", "b"):
        expert.put((*room, name), name.encode())
    etag = expert.get((*room, "a")).headers["etag"]
    path = address(*room, "a")
    tags = (f"<{demo.url}{path}>", f"<{path}>", f"<http://127.0.0.1:{demo.port}{path}>")

    with nothing_happens(demo, room, expert):
        for told in (
            *(f'{tag} (["wrong"])' for tag in tags),
            *(f"{tag} ({GONE})" for tag in tags),
            *(f"{tag} (Not [{etag}])" for tag in tags),
            *(f'{tag} ([{etag}] ["wrong"])' for tag in tags),
            f"<http://evil.example{path}> ([{etag}])",
            f"<{address(*room, 'absent')}> ([{etag}])",
            f"<{demo.url}/> ([{etag}])",
        ):
            for target in ("a", "b"):
                reply = ask(expert, "PUT", address(*room, target), ("If", told), body=b"c")
                assert reply.status == 412, (told, reply)
        for told in ("<a> (<urn:x>)", f"<{demo.url}/dav/%zz> (<urn:x>)"):
            reply = ask(expert, "PUT", path, ("If", told), body=b"c")
            assert reply.status == 400, (told, reply)
    for tag in tags:
        tag_now = expert.get((*room, "a")).headers["etag"]
        new = f"new {tag}".encode()
        told = f"{tag} ([{tag_now}])"
        assert ask(expert, "PUT", path, ("If", told), body=new).status == 204


@pytest.mark.parametrize(
    ("header", "value"),
    [("If-Match", "*"), ("If-Match", '"abc"'), ("If-Match", 'W/"abc", "d"'), ("If", '(["abc"])'),
     ("If", f"({GONE})"), ("If", f"(Not <urn:x> {GONE})")],
)  # fmt: skip
def test_e07_a_condition_on_what_is_not_there_does_not_hold(
    demo: Server, expert: Dav, room: Names, header: str, value: str
) -> None:
    with nothing_happens(demo, room, expert):
        for method, body in WRITING.items():
            told = ((header, value), to(expert, "", *room, "y"))
            reply = ask(expert, method, address(*room, "absent"), *told, body=body)
            wanted = 412 if method in ("PUT", "MKCOL", "LOCK") else 404
            assert reply.status == wanted, (method, reply)


JUNK = ("(", "()", "(<a>", "junk", "(<a>) junk", "([abc])", '(["a"', '(["a"]', "<a>", ",", "[]",
        "<a> <b> (<c>)", "(<a>,<b>)", ")", "(Not)", "(Not Not <a>)", '["a"]', "(<>)", "(< >)",
        "(<a b>)", "(<a>))", "((<a>))", "<> (<a>)", '(W/"a")', "(<a>) <b> (<c>) x",
        "(,<a>)")  # fmt: skip
HEAPS = ("(" * 20_000, "(<a>) " * 1_300 + "(", "<" * 8_000, "(Not " * 1_600, "(" + "<a>" * 2_700,
         '(["' + "a" * 8_000, "(" + " " * 8_000 + "x", "<a" + " " * 8_000, "\t" * 8_000 + "(",
         "(<a>)," * 1_300 + ",", "(<a> " + "[" * 8_000, "(<a>)" * 6_000 + "(")  # fmt: skip


def test_e08_a_malformed_condition_refuses(demo: Server, expert: Dav, room: Names) -> None:
    expert.put((*room, "f"), b"f")
    methods = itertools.cycle(WRITING.items())

    with nothing_happens(demo, room, expert):
        for junk in JUNK:
            for name in ("f", "neuf"):
                for method, body in (("PUT", b"y"), next(methods)):
                    told = (("If", junk), to(expert, "", *room, "y"))
                    reply = ask(expert, method, address(*room, name), *told, body=body)
                    assert reply.status == 400, (junk, method, name, reply)


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_e08_a_malformed_entity_tag_refuses(expert: Dav, room: Names, header: str) -> None:
    for junk in (
        '"',
        "abc",
        '"a',
        '"a" b',
        "*, *",
        '"a"b"c"',
        "W/",
        "()",
        "'a'",
        '"x""y"',
        '"x" "y"',
    ):
        reply = ask(expert, "PUT", address(*room, "neuf"), (header, junk), body=b"x")
        assert reply.status == 400, junk
    assert expert.names(room) == []


def test_e08_junk_costs_no_time(expert: Dav, room: Names) -> None:
    def refused(junk: str) -> None:
        with pytest.raises(BadRequest):
            Conditions({"if": junk}, frozenset({"127.0.0.1"}))

    for junk in (*JUNK, *HEAPS):
        within(0.05, partial(refused, junk))
    for junk in HEAPS:
        reply = ask(expert, "PUT", address(*room, "neuf"), ("If", junk), body=b"x")
        assert reply.status in (400, 431), junk[:20]
    assert expert.names(room) == []


def test_e09_two_contents_have_two_tags(expert: Dav, room: Names) -> None:
    """Of one size, within one second, under one name and under several."""
    name = (*room, "f")
    contents = [f"{number:04}".encode() for number in range(6)]
    tags = [expert.put(name, content).headers["etag"] for content in contents]

    assert len(set(tags)) == len(contents)
    assert all(tag.startswith('"') for tag in tags)  # strong ones
    for old in tags[:-1]:
        assert expert.put(name, b"late", If_Match=old).status == 412
        assert expert.put(name, b"late", If=f"([{old}])").status == 412
        assert expert.delete(name, If_Match=old).status == 412
        resumed = expert.get(name, Range="bytes=2-", If_Range=old)
        assert (resumed.status, resumed.body) == (200, contents[-1])
        assert expert.get(name, If_None_Match=old).status == 200
    resumed = expert.get(name, Range="bytes=2-", If_Range=tags[-1])
    assert (resumed.status, resumed.body) == (206, contents[-1][2:])
    date = expert.get(name).headers["last-modified"]
    expert.put(name, b"9999")
    resumed = expert.get(name, Range="bytes=2-", If_Range=date)
    assert (resumed.status, resumed.body) in ((200, b"9999"), (206, b"99"))
    assert expert.put(name, b"0000", If_Match=f"{tags[0]}, W/{tags[1]}").status == 412
