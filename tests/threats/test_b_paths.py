"""B: paths and names. One spelling is one object and one decision, or an error."""

import unicodedata

import pytest

from tests.console import Console
from tests.dav import Dav, Names, address
from tests.serving import Server, wait_for
from tests.threats.scene import AUTHOR, BOX, OTHER, PDF, PLANS, ask, nothing_happens, to

# What no name can be, as a segment of a path.
SEPARATORS = ("a%2Fb", "a%2fb", "a%5Cb", "a%5cb", "%2F", "..%2F..%2Fsecret", "%2e%2e%5Csecret")
CONTROLS = ("a%00b", "a%01b", "a%0d%0aX:%201", "a%09b", "a%1Fb", "a%7Fb", "a%C2%85b", "a%C2%9Fb")
POISON = ("a%EF%BF%BEb", "a%EF%BF%BFb", "a%F0%9F%BF%BEb", "a%F4%8F%BF%BFb",
          "a%ED%A0%80b", "a%ED%BF%BFb", "%ED%A0%BD%ED%B8%80")  # fmt: skip
REORDERING = ("%E2%80%AEfdp.exe", "a%E2%80%AAb", "a%E2%80%ABb", "a%E2%80%ADb", "a%E2%81%A6b",
              "a%E2%81%A7b", "a%E2%81%A8b", "a%E2%81%A9b", "%E2%80%8Ea", "a%E2%80%8F")  # fmt: skip
NO_UTF8 = ("%ff%fe", "a%C3", "%C0%AF", "%E0%80%AF", "a%7", "a%zz", "a%", "%u002e")
DOTS = ("%2e", "%2E%2e", ".%2e", ".", "..")


def require_no_door(server: Server, expert: Dav, room: Names, *segments: str) -> None:
    """Nobody makes, finds or changes anything under these names: the first by any method, the
    others, which pass the same parser, by those that make a name."""
    expert.put((*room, "x"), b"x")
    base = address(*room)
    others = ("MKCOL", "LOCK", "GET", "PROPFIND", "DELETE", "PROPPATCH", "UNLOCK", "REPORT")
    with nothing_happens(server, room, expert):
        for segment in segments:
            for method in ("PUT", *(others if segment == segments[0] else ())):
                reply = ask(expert, method, f"{base}/{segment}", body=b"<y/>")
                assert reply.status == 400, (method, segment, reply)
            for source, target in (("x", segment), (segment, "y")):
                reply = ask(expert, "MOVE", f"{base}/{source}", to(expert, f"/{target}", *room))
                assert reply.status == 400, (source, target, reply)


def test_b01_an_encoded_separator_is_in_no_name(demo: Server, expert: Dav, room: Names) -> None:
    require_no_door(demo, expert, room, *SEPARATORS)


def test_b01_what_is_decoded_once_is_never_decoded_again(expert: Dav, room: Names) -> None:
    expert.mkcol((*room, "a"))
    expert.put((*room, "a", "b"), b"deep")

    assert ask(expert, "PUT", address(*room) + "/a%252Fb", body=b"flat").status == 201
    assert ask(expert, "COPY", address(*room) + "/a%252Fb", to(expert, "/c%2500", *room)).status
    assert expert.get((*room, "a", "b")).body == b"deep"
    assert ask(expert, "GET", address(*room) + "/a%252Fb").body == b"flat"
    assert set(expert.names(room)) == {"a", "a%2Fb", "c%00"}


@pytest.mark.parametrize(
    "way",
    ["/in%2F..%2F..%2Fsecret", "/..%2Fsecret", "/%2e%2e/secret", "/in/../secret",
     "/in/%2e%2e/%2e%2e/secret", "/in%5C..%5Csecret", "/in/..%252Fsecret/../secret"],
)  # fmt: skip
def test_b02_a_destination_passes_the_parser_of_the_request_line(
    demo: Server, expert: Dav, room: Names, way: str
) -> None:
    expert.mkcol((*room, "in"))
    expert.put((*room, "x"), b"x")
    expert.put((*room, "secret"), b"secret")

    with nothing_happens(demo, room, expert):
        for method in ("COPY", "MOVE"):
            reply = ask(expert, method, address(*room, "x"), to(expert, way, *room))
            assert reply.status == 400, reply
            assert ask(expert, "PUT", address(*room) + way, body=b"y").status == 400


def test_b02_a_way_out_of_ones_box_leads_nowhere(demo: Server, author: Dav) -> None:
    with nothing_happens(demo, PLANS, author):
        for out in ("/..%2F..%2F08%20Plans%2Fx.pdf", "/../../08%20Plans/x.pdf"):
            plan = address(*PLANS, "Plan RDC ind. C.pdf")
            reply = ask(author, "COPY", plan, to(author, out, *BOX))
            assert reply.status == 400, reply


def test_b03_a_destination_is_split_before_it_is_decoded(
    demo: Server, expert: Dav, room: Names
) -> None:
    expert.put((*room, "x"), b"x")
    expert.put((*room, "a"), b"a")

    with nothing_happens(demo, room, expert):
        # « ? » is in no name, since no Windows could hold it: refused with words.
        for end, status in (("%3Fb.pdf", 403), ("?b", 400), ("?", 400), ("#b", 400), ("#", 400),
                            ("\tb", 400)):  # fmt: skip
            for method in ("MOVE", "COPY"):
                reply = ask(expert, method, address(*room, "x"), to(expert, f"/a{end}", *room))
                assert reply.status == status, (end, reply)
    for name, target in (("a;b.pdf", "a%3Bb.pdf"), ("a;c.pdf", "a;c.pdf"), ("a#b", "a%23b")):
        moved = ask(expert, "COPY", address(*room, "x"), to(expert, f"/{target}", *room))
        assert moved.status == 201
        assert expert.get((*room, name)).body == b"x"
    assert expert.get((*room, "a")).body == b"a"


def test_b03_a_destination_that_is_not_escaped_keeps_its_last_letter(
    expert: Dav, room: Names
) -> None:
    expert.put((*room, "x"), b"x")

    # « à » is C3 A0, « Å » C3 85: both look like white space where bytes are read as letters.
    for name in ("voilà", "Å"):
        assert ask(expert, "COPY", address(*room, "x"), to(expert, f"/{name}", *room)).status == 201
        assert expert.get((*room, name)).body == b"x"


def test_b04_a_name_that_begins_like_another_is_another(
    demo: Server, expert: Dav, author: Dav, room: Names
) -> None:
    for name in ("boxA", "boxAB", "box"):
        expert.mkcol((*room, name))
        expert.put((*room, name, "f"), name.encode())
    console = Console(demo.data)
    path = "/".join(("", *room, "boxA"))
    console.well("rights", "grant", path, AUTHOR, "tout")
    console.well("rights", "cut", "/".join(("", *room, "boxAB")))

    assert author.put((*room, "boxA", "g"), b"g").status == 201
    assert author.put((*room, "box", "g"), b"g").status == 403
    assert author.get((*room, "boxAB", "f")).status == 404
    assert author.get((*room, "box", "f")).body == b"box"
    # In the tree: nothing is inside what its name begins with, and nothing goes with it.
    held = expert.lock((*room, "boxA"), Depth="infinity").headers["lock-token"]
    assert expert.put((*room, "boxAB", "g"), b"g").status == 201
    expert.unlock((*room, "boxA"), held)
    assert expert.move((*room, "boxA"), (*room, "boxAB", "boxA")).status == 201
    assert expert.delete((*room, "box")).status == 204
    assert expert.get((*room, "boxAB", "boxA", "f")).body == b"boxA"
    assert expert.get((*room, "boxAB", "f")).body == b"boxAB"


def test_b05_capitals_change_no_decision(demo: Server, expert: Dav, author: Dav) -> None:
    room = (*PLANS, "capitales")
    secret = (*room, "secret")
    for folder in (room, secret):
        expert.mkcol(folder)
    expert.put((*secret, "f.pdf"), b"f")
    expert.put((*room, "verrou.pdf"), b"f")
    Console(demo.data).well("rights", "cut", "/".join(("", *secret)))
    held = expert.lock((*room, "verrou.pdf")).headers["lock-token"]

    with nothing_happens(demo, room, expert):
        for spelling in ("secret", "SECRET", "Secret", "ſecret"):
            for deeper in ((), ("f.pdf",), ("F.PDF",)):
                path = (*room, spelling, *deeper)
                for method in ("GET", "PROPFIND", "DELETE", "PROPPATCH"):
                    assert author.request(method, path).status in (400, 404), (method, path)
                assert author.put(path, b"y").status in (403, 409), path
        for raw in ("/DAV/", "/Dav" + address(*secret)[4:], "/dav2/", "/dav%2F"):
            assert author.propfind(raw, "0").status in (400, 404), raw
        for name in ("VERROU.PDF", "Verrou.pdf"):
            assert expert.put((*room, name), b"y").status in (403, 423), name
            assert expert.delete((*room, name)).status in (403, 423), name
    expert.unlock((*room, "verrou.pdf"), held)


NFC = "Dire n°3 récapitulatif.pdf"
NFD = unicodedata.normalize("NFD", NFC)


def test_b06_a_macs_form_of_a_name_is_the_same_deposit(demo: Server, author: Dav) -> None:
    other = demo.dav(OTHER)
    assert author.put((*BOX, NFC), PDF).status == 201
    wait_for(lambda: other.get((*BOX, NFC)).status == 200, 20, "the seal")

    with nothing_happens(demo, BOX, author, other):
        assert author.put((*BOX, NFD), b"autre").status == 403
        assert author.put((*BOX, NFD), b"autre", If_None_Match="*").status == 412
        assert author.mkcol((*BOX, NFD)).status == 405
        assert author.delete((*BOX, NFD)).status == 403
        for name in (NFC, NFD):
            assert other.get((*BOX, name)).body == PDF
    assert other.names(BOX).count(NFC) == 1
    assert NFD not in other.names(BOX)


@pytest.mark.parametrize(
    ("name", "twin"),
    [("plan.pdf", "PLAN.pdf"), ("État.pdf", "éTAT.PDF"), ("fiche.pdf", "ﬁche.pdf"),
     ("strasse.pdf", "straße.pdf"), ("σας.pdf", "ΣΑΣ.pdf"), ("été.pdf", "E\u0301TE\u0301.pdf"),
     ("\u0390.pdf", "\u03aa\u0301.pdf")],
)  # fmt: skip
def test_b06_twins_are_refused_and_replace_nothing(
    demo: Server, expert: Dav, author: Dav, room: Names, name: str, twin: str
) -> None:
    for person, place in ((expert, room), (author, BOX)):
        assert person.put((*place, name), PDF).status == 201
        assert person.put((*place, "x.pdf"), b"x").status in (201, 204)
        etag = person.get((*place, name)).headers["etag"]

        for reply in (
            person.put((*place, twin), b"autre"),
            person.request("PUT", (*place, twin), iter([b"autre"]), chunked=True),
            person.copy((*place, "x.pdf"), (*place, twin)),
            person.move((*place, "x.pdf"), (*place, twin)),
        ):
            assert reply.status == 403, reply
            assert name in reply.message or unicodedata.normalize("NFC", name) in reply.message
        assert person.mkcol((*place, twin)).status == 405
        found = person.get((*place, twin))
        assert (found.body, found.headers["etag"]) == (PDF, etag)
        composed = unicodedata.normalize("NFC", name)
        assert [n for n in person.names(place) if n.lower() == composed.lower()] == [composed]
        person.delete((*place, name))
        person.delete((*place, "x.pdf"))


def test_b06_names_that_are_not_the_same_stay_apart(expert: Dav, room: Names) -> None:
    names = ("nº 1.pdf", "no 1.pdf", "n° 1.pdf", "d'œuvre.pdf", "d’œuvre.pdf", "doeuvre.pdf")
    for name in names:
        assert expert.put((*room, name), name.encode()).status == 201

    assert {name: expert.get((*room, name)).body.decode() for name in names} == {
        name: name for name in names
    }


def test_b07_a_name_that_no_listing_can_carry_is_refused(
    demo: Server, expert: Dav, room: Names
) -> None:
    require_no_door(demo, expert, room, *POISON, *CONTROLS)

    assert expert.propfind(room).xml is not None


def test_b08_controls_and_reordering_signs_are_refused_and_shown_nowhere(
    demo: Server, expert: Dav, room: Names
) -> None:
    require_no_door(demo, expert, room, *REORDERING, "a%0d%0aX:%201", "a%7f")

    console = Console(demo.data)
    for shown in (console.well("journal", "list"), console.well("alerts", "queue"), demo.log()):
        assert not set("\r\x7f\u202e\u202a\u2066\u200e") & set(shown)


def test_b09_what_is_no_text_is_no_name(demo: Server, expert: Dav, room: Names) -> None:
    require_no_door(demo, expert, room, *NO_UTF8, *DOTS, "a%00b")


def test_b09_a_long_name_meets_no_limit_of_a_disk(demo: Server, expert: Dav, room: Names) -> None:
    expert.put((*room, "x"), b"x")
    deep = (*room, *["dossier assez long pour compter"] * 20)
    with nothing_happens(demo, room, expert):
        for name in ("n" * 300, "é" * 121, "n" * 4_000):
            for reply in (
                expert.put((*room, name), b"y"),
                expert.mkcol((*room, name)),
                expert.lock((*room, name)),
                expert.move((*room, "x"), (*room, name)),
                expert.copy((*room, "x"), (*room, name)),
            ):
                assert reply.status == 403, (len(name), reply)
            assert expert.get((*room, name)).status == 404
        assert expert.put((*room, "n" * 9_000), b"y").status in (403, 414, 431)
        assert expert.put(deep, b"y").status == 409
    statuses = [expert.mkcol(deep[:length]).status for length in range(len(room) + 1, len(deep))]
    made = statuses.count(201)
    assert 10 < made < 20
    assert statuses == [201] * made + [403] + [409] * (len(statuses) - made - 1)


@pytest.mark.embedded
def test_b09_the_store_knows_no_name_of_a_user(demo: Server, expert: Dav, room: Names) -> None:
    expert.put((*room, "Pièce très reconnaissable.pdf"), b"reconnaissable")

    kept = [path.name for path in (demo.data / "blobs").rglob("*") if path.is_file()]
    assert len(kept) > 1
    assert {len(name) for name in kept if set(name) <= set("0123456789abcdef")} == {40}
    assert not any("reconnaissable" in str(path) for path in demo.data.rglob("*"))


IMPOSSIBLE = ("CON", "con.pdf", "aux.txt", "NUL.tar.gz", "LPT1", "com¹.txt", "CONIN$", "x.txt.",
              "x.txt ", "x.txt. .", " x.txt", "x.txt::$DATA", "x.txt:flux", "a:b", "a*b", 'a"b',
              "a<b", "a|b", "a?b", "a\u200bb")  # fmt: skip


def test_b10_what_windows_cannot_hold_is_refused_with_words(
    demo: Server, expert: Dav, author: Dav, room: Names
) -> None:
    expert.put((*room, "x.txt"), b"x")
    expert.mkcol((*room, "d"))

    with nothing_happens(demo, room, expert):
        for name in IMPOSSIBLE:
            replies = [expert.put((*room, name), b"y"), author.put((*BOX, name), PDF)]
            if name in IMPOSSIBLE[::6]:  # one rule, whatever the door
                replies += [
                    expert.mkcol((*room, name)),
                    expert.lock((*room, name)),
                    expert.copy((*room, "x.txt"), (*room, name)),
                    expert.move((*room, "x.txt"), (*room, name)),
                    expert.move((*room, "d"), (*room, name)),
                ]
            for reply in replies:
                assert (reply.status, reply.message.endswith(".")) == (403, True), (name, reply)
            # Nor does it reach another name's object, as it would on Windows.
            assert expert.get((*room, name)).status == 404, name
            assert expert.delete((*room, name)).status == 404, name


def test_b11_the_address_of_a_folder_names_no_file(demo: Server, expert: Dav, room: Names) -> None:
    expert.put((*room, "f"), b"f")
    expert.mkcol((*room, "d"))
    slash = address(*room, "f", slash=True)
    lock = (
        b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        b"<D:locktype><D:write/></D:locktype></D:lockinfo>"
    )
    change = (
        b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="x"/></D:prop></D:set>'
        b"</D:propertyupdate>"
    )

    with nothing_happens(demo, room, expert):
        for method, target, body, headers in (
            ("PUT", address(*room, "neuf", slash=True), b"x", ()),
            ("PUT", slash, b"x", ()),
            ("PUT", address(*room, "d", slash=True), b"x", ()),
            ("LOCK", address(*room, "neuf", slash=True), lock, ()),
            ("LOCK", slash, lock, ()),
            ("DELETE", slash, b"", ()),
            ("PROPPATCH", slash, change, ()),
            ("MOVE", slash, b"", (to(expert, "/g", *room),)),
            ("COPY", slash, b"", (to(expert, "/g", *room),)),
        ):
            assert ask(expert, method, target, *headers, body=body).status == 409, (method, target)
        assert expert.put((*room, "d"), b"x").status == 405
    assert ask(expert, "MKCOL", address(*room, "e", slash=True)).status == 201
    moved = ask(expert, "MOVE", address(*room, "e"), to(expert, "/h/", *room))
    assert moved.status == 201
    assert ask(expert, "DELETE", address(*room, "h", slash=True)).status == 204
    # A Destination decides the same with a slash and without: what overwrites replaces a folder.
    for slashes, target, status in (("/", "g", 201), ("", "g", 204), ("/", "d", 204)):
        copied = ask(expert, "COPY", address(*room, "f"), to(expert, f"/{target}{slashes}", *room))
        assert copied.status == status
        assert expert.get((*room, target)).body == b"f"


@pytest.mark.parametrize(
    "name",
    ["50 % & +1", "a+b", "a#b", "a&b", "a;b", "a=b,c", "d'œuvre", "l’eau", "naïf [1]", "%25",
     "a%2fb", "%2e%2e", "a@b!$()", "~{x}^`", "&lt;b&gt;", "a%00b"],
)  # fmt: skip
def test_b13_awkward_names_come_back_as_they_were(expert: Dav, room: Names, name: str) -> None:
    assert expert.put((*room, name), name.encode()).status == 201

    assert expert.names(room) == [name]
    (href,) = [e.text or "" for e in expert.propfind(room).xml.findall("{*}response/{*}href")[1:]]
    assert set(href) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                            "-._~%/!$&'()*+,;=:@")  # fmt: skip
    assert ask(expert, "GET", href).body == name.encode()
    tag = expert.get((*room, name)).headers["etag"]
    assert ask(expert, "PUT", href, ("If", f"<{href}> ([{tag}])"), body=b"2").status == 204
    moved = ask(expert, "MOVE", href, ("Destination", f"{expert.url}{href}.bak"))
    assert moved.status == 201
    assert expert.names(room) == [f"{name}.bak"]
    assert expert.get((*room, f"{name}.bak")).body == b"2"
