"""What WebDAV servers are known to get wrong, the stock framework among them: each once."""

import base64
import concurrent.futures
import itertools
import socket

import pytest

from tests.dav import Dav, Names, address
from tests.serving import PASSWORD, Server

SPACE: Names = ("Espace de l'expert",)
DOSSIER = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
_numbers = itertools.count()


@pytest.fixture
def expert(demo: Server) -> Dav:
    return demo.dav("apolline.testard")


@pytest.fixture
def room(expert: Dav) -> Names:
    """A new folder in the expert's space."""
    folder = (*SPACE, f"essai {next(_numbers)}")
    assert expert.mkcol(folder).status == 201
    return folder


def raw(server: Server, text: bytes, *, shut: bool = True) -> bytes:
    """Send bytes as they are and read all that comes back."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sock:
        sock.sendall(text)
        if shut:
            sock.shutdown(socket.SHUT_WR)
        answer = b""
        while block := sock.recv(65_536):
            answer += block
    return answer


def head(method: str, path: Names, login: str = "apolline.testard", *lines: str) -> bytes:
    pair = base64.b64encode(f"{login}:{PASSWORD}".encode()).decode()
    first = f"{method} {address(*path)} HTTP/1.1"
    text = "\r\n".join([first, "Host: 127.0.0.1", f"Authorization: Basic {pair}", *lines, "", ""])
    return text.encode("latin-1")


def test_a_body_cut_short_leaves_nothing(demo: Server, expert: Dav, room: Names) -> None:
    request = head("PUT", (*room, "court.pdf"), "apolline.testard", "Content-Length: 1000")

    raw(demo, request + b"x" * 100)

    assert expert.names(room) == []


def test_a_body_cut_short_leaves_the_old_content(demo: Server, expert: Dav, room: Names) -> None:
    expert.put((*room, "ancien.pdf"), b"ancien")
    before = expert.get((*room, "ancien.pdf"))
    request = head("PUT", (*room, "ancien.pdf"), "apolline.testard", "Content-Length: 1000")

    raw(demo, request + b"x" * 100)

    after = expert.get((*room, "ancien.pdf"))
    assert (after.body, after.headers["etag"]) == (b"ancien", before.headers["etag"])


def test_a_chunked_body_without_end_leaves_nothing(demo: Server, expert: Dav, room: Names) -> None:
    request = head("PUT", (*room, "x"), "apolline.testard", "Transfer-Encoding: chunked")

    raw(demo, request + b"5\r\nabcde\r\n")

    assert expert.names(room) == []


def test_a_chunked_body_shorter_than_expected_is_refused(expert: Dav, room: Names) -> None:
    expected = {"X-Expected-Entity-Length": "300000"}

    cut = expert.request("PUT", (*room, "x"), iter([b"y" * 120_000]), expected, chunked=True)
    assert cut.status == 400
    assert expert.names(room) == []

    whole = expert.request("PUT", (*room, "x"), iter([b"y" * 300_000]), expected, chunked=True)
    assert whole.status == 201


def test_put_with_if_match_on_a_missing_name_makes_nothing(expert: Dav, room: Names) -> None:
    for headers in (
        {"If_Match": "*"},
        {"If_Match": '"abc"'},
        {"If": '(["abc"])'},
        {"If": "(<opaquelocktoken:none>)"},
    ):
        assert expert.put((*room, "x"), b"x", **headers).status == 412
    assert expert.names(room) == []


def test_mkcol_honours_if(expert: Dav, room: Names) -> None:
    reply = expert.request("MKCOL", (*room, "d"), b"", {"If": "(<opaquelocktoken:none>)"})

    assert reply.status == 412
    assert expert.names(room) == []


def test_a_tagged_if_with_a_whole_url_is_honoured(demo: Server, expert: Dav, room: Names) -> None:
    expert.put((*room, "a"), b"a")
    tag = f"<{demo.url}{address(*room, 'a')}>"

    assert expert.put((*room, "a"), b"b", If=f'{tag} (["wrong"])').status == 412
    etag = expert.get((*room, "a")).headers["etag"]
    assert expert.put((*room, "a"), b"b", If=f"{tag} ([{etag}])").status == 204


@pytest.mark.parametrize(
    "junk", ["(", "()", "(<a>", "junk", "(<a>) junk", "([abc])", '(["a"', "(" * 20_000]
)
def test_a_malformed_condition_is_refused(expert: Dav, room: Names, junk: str) -> None:
    assert expert.put((*room, "x"), b"x", If=junk).status in (400, 431)
    assert expert.names(room) == []


def test_two_contents_never_have_one_etag(expert: Dav, room: Names) -> None:
    tags = set()
    for content in (b"aaaa", b"bbbb", b"cccc"):
        tags.add(expert.put((*room, "x"), content).headers["etag"])

    assert len(tags) == 3
    assert all(tag.startswith('"') for tag in tags)


def test_encoded_slashes_and_controls_are_no_names(expert: Dav, room: Names) -> None:
    base = address(*room)
    for name in ("a%2Fb", "a%5Cb", "a%00b", "a%01b", "a%0d%0aX:1", "%ff%fe", "%2e%2e", "%2e", "a%7",
                 "%EF%BF%BE", "%ED%A0%80"):  # fmt: skip
        assert expert.request("PUT", f"{base}/{name}", b"x").status in (400, 403), name
    assert expert.names(room) == []


@pytest.mark.parametrize(
    "name",
    ["a?b", "a;b", "a#b", "50 % & +1", "d'œuvre", "l’eau", "naïf [1]", "a=b,c", "%25", "a%2fb"],
)
def test_awkward_names_come_back_as_they_were(expert: Dav, room: Names, name: str) -> None:
    status = expert.put((*room, name), b"x").status

    if "?" in name:
        assert status == 403  # no computer with Windows could hold it
    else:
        assert status == 201
        assert expert.names(room) == [name]
        href = expert.propfind(room).xml.findall("{DAV:}response/{DAV:}href")[1].text or ""
        assert expert.request("GET", href).body == b"x"


def test_a_destination_is_decoded_once_and_after_it_is_split(expert: Dav, room: Names) -> None:
    expert.put((*room, "x"), b"x")
    expert.put((*room, "a"), b"a")
    base = expert.url + address(*room)

    for end in ("/a%2Fb", "/..%2Fa", "/a?b", "/%2e%2e/a", "/a#b"):
        reply = expert.request("MOVE", (*room, "x"), b"", {"Destination": base + end})
        assert reply.status in (400, 403), end
    assert expert.get((*room, "a")).body == b"a"
    assert expert.get((*room, "x")).body == b"x"


@pytest.mark.parametrize(
    "to", ["http://evil.example/dav/x", "//evil.example/x", "ftp://a/b", "x", ""]
)
def test_a_destination_elsewhere_is_refused(expert: Dav, room: Names, to: str) -> None:
    expert.put((*room, "x"), b"x")

    reply = expert.request(
        "COPY", (*room, "x"), b"", {"Destination": to, "X-Forwarded-Host": "evil.example"}
    )

    assert reply.status in (400, 502)
    assert expert.names(room) == ["x"]


def test_a_slash_after_a_file_name_makes_no_other_file(expert: Dav, room: Names) -> None:
    assert expert.request("PUT", address(*room, "x", slash=True), b"x").status in (405, 409)
    assert expert.names(room) == []


def test_a_folder_moved_or_copied_onto_its_own_ancestor_loses_nothing(
    expert: Dav, room: Names
) -> None:
    expert.mkcol((*room, "sub"))
    expert.put((*room, "sub", "f"), b"f")

    assert expert.copy((*room, "sub"), room).status == 403
    assert expert.move((*room, "sub"), room).status == 403
    assert expert.move(room, (*room, "sub", "x")).status == 403
    assert expert.move((*room, "sub"), (*room, "sub")).status == 403
    assert expert.get((*room, "sub", "f")).body == b"f"


def test_a_folder_that_holds_a_locked_file_is_not_removed_without_its_token(
    expert: Dav, room: Names
) -> None:
    expert.put((*room, "f"), b"f")
    expert.put((*room, "g"), b"g")
    held = expert.lock((*room, "f")).headers["lock-token"]

    assert expert.delete(room).status == 423
    assert expert.move(room, (*SPACE, "ailleurs")).status == 423
    assert sorted(expert.names(room)) == ["f", "g"]
    assert expert.delete(room, If=f"<{address(*room, 'f')}> ({held})").status in (204, 412)


def test_a_refused_lock_of_a_new_name_makes_nothing(expert: Dav, room: Names) -> None:
    assert expert.lock(room, Depth="infinity").status == 200

    assert expert.lock((*room, "nouveau")).status == 423
    assert expert.names(room) == []


def test_copy_of_depth_0_copies_the_folder_alone(expert: Dav, room: Names) -> None:
    expert.mkcol((*room, "a"))
    expert.put((*room, "a", "f"), b"f")

    assert expert.copy((*room, "a"), (*room, "b"), Depth="0").status == 201
    assert expert.names((*room, "b")) == []


def test_mkcol_with_a_body_is_refused(expert: Dav, room: Names) -> None:
    assert expert.request("MKCOL", (*room, "d"), b"<x/>").status == 415
    assert expert.request("MKCOL", (*room, "d"), iter([b"<x/>"]), chunked=True).status == 415
    assert expert.names(room) == []


def test_a_part_of_a_file_cannot_be_written(expert: Dav, room: Names) -> None:
    expert.put((*room, "f"), b"entier")

    assert expert.put((*room, "f"), b"xx", Content_Range="bytes 0-1/6").status == 400
    assert expert.get((*room, "f")).body == b"entier"


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-1", 206, b"01"),
        ("bytes=-2", 206, b"89"),
        ("bytes=5-", 206, b"56789"),
        ("bytes=8-100", 206, b"89"),
        ("bytes=5-2", 200, b"0123456789"),
        ("lines=0-1", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("bytes=-0", 416, None),
        ("bytes=10-", 416, None),
    ],
)
def test_a_range_is_what_was_asked_or_the_whole(
    expert: Dav, room: Names, asked: str, status: int, content: bytes | None
) -> None:
    expert.put((*room, "f"), b"0123456789")

    reply = expert.get((*room, "f"), Range=asked)

    assert reply.status == status
    assert content is None or reply.body == content


def test_a_whole_tree_is_never_listed_at_once(expert: Dav, room: Names) -> None:
    reply = expert.propfind(room, "infinity")

    assert reply.status == 403
    assert b"propfind-finite-depth" in reply.body


def test_the_names_of_all_properties_are_told(expert: Dav, room: Names) -> None:
    body = b'<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>'

    found = expert.propfind(room, "0", body).xml.findall(".//{DAV:}prop/*")
    names = {element.tag for element in found}

    assert {"{DAV:}resourcetype", "{DAV:}getlastmodified", "{DAV:}lockdiscovery"} <= names


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>',
        b"<D:propfind",
        b'<D:propfind xmlns:D="DAV:"/>',
        b'<D:propfind xmlns:D="DAV:"><D:prop>' + b"<D:a/>" * 5_000 + b"</D:prop></D:propfind>",
    ],
)
def test_hostile_xml_is_refused(expert: Dav, room: Names, body: bytes) -> None:
    assert expert.propfind(room, "0", body).status == 400


def test_dead_properties_are_bounded(expert: Dav, room: Names) -> None:
    expert.put((*room, "f"), b"f")

    assert expert.proppatch((*room, "f"), f"<T:big>{'x' * 200_000}</T:big>").status == 507
    assert expert.proppatch((*room, "f"), "<T:note>à relire</T:note>").status == 207
    named = b'<D:propfind xmlns:D="DAV:"><D:prop><T:note xmlns:T="urn:test"/></D:prop></D:propfind>'
    assert "à relire" in expert.propfind((*room, "f"), "0", named).body.decode()


def test_a_locks_token_is_shown_to_its_owner_alone_and_serves_nobody_else(demo: Server) -> None:
    expert, lawyer = demo.dav("apolline.testard"), demo.dav("cabinet.ortie-lambda")
    note = (DOSSIER, "03 Notes aux parties et comptes rendus", "à verrouiller.pdf")
    expert.put(note, b"%PDF")
    held = expert.lock(note).headers["lock-token"]
    token = held.strip("<>").encode()

    assert token in expert.propfind(note, "0").body
    assert token not in lawyer.propfind(note, "0").body
    assert lawyer.unlock(note, held).status == 403
    assert lawyer.put(note, b"autre", If=f"({held})").status == 403
    assert expert.put(note, b"autre", If=f"({held})").status == 204
    expert.unlock(note, held)


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Basic //79", "Bearer x", "Digest a=b"],
)
def test_whoever_does_not_say_who_he_is_gets_401(demo: Server, header: str) -> None:
    nobody = Dav(demo.url)
    headers = {"Authorization": header} if header else {}

    for method in ("OPTIONS", "PROPFIND", "GET", "PUT", "DELETE", "LOCK", "MKCOL", "COPY"):
        reply = nobody.request(method, (DOSSIER,), b"", headers)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Basic ")
        assert reply.headers["dav"] == "1, 2"


def test_unknown_methods_do_not_exist(expert: Dav, room: Names) -> None:
    for method in ("PATCH", "TRACE", "SEARCH", "ACL", "BIND", "POST"):
        assert expert.request(method, room).status == 405
    override = {"X-HTTP-Method-Override": "DELETE"}
    assert expert.request("POST", room, b"", override).status == 405
    assert expert.propfind(room).status == 207


def test_pieces_never_run_in_this_origin(expert: Dav, room: Names) -> None:
    expert.put((*room, "x.svg"), b"<svg onload='alert(1)'/>")

    headers = expert.get((*room, "x.svg")).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]


def test_fifty_moves_to_one_name_make_one(expert: Dav, room: Names) -> None:
    for number in range(20):
        expert.put((*room, f"f{number}"), b"f")

    def move(number: int) -> int:
        return expert.move((*room, f"f{number}"), (*room, "but"), Overwrite="F").status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(move, range(20)))

    assert sorted(statuses) == [201] + [412] * 19
    assert len(expert.names(room)) == 20


def test_the_roots_are_never_moved_or_removed(expert: Dav) -> None:
    for path in ((), SPACE, (DOSSIER,)):
        assert expert.delete(path).status == 403
    assert expert.move((DOSSIER,), (*SPACE, "x")).status == 403
    assert expert.copy((), (*SPACE, "x")).status == 403
    assert expert.put(("nouveau",), b"x").status == 403
    assert expert.mkcol(("nouveau",)).status == 403


def test_the_site_itself_answers_like_a_collection(demo: Server, expert: Dav) -> None:
    assert expert.request("OPTIONS", "/").headers["ms-author-via"] == "DAV"
    assert expert.request("OPTIONS", "*").status == 200
    listing = expert.propfind("/", "1")
    assert listing.status == 207
    assert [e.text for e in listing.xml.iter("{DAV:}href")] == ["/", "/dav/"]
    assert expert.request("GET", "/nothing").status == 404
    assert expert.propfind("/DAV/", "0").status == 404


def test_no_answer_and_no_log_line_tells_a_secret_or_a_path(demo: Server, expert: Dav) -> None:
    for reply in (
        expert.get((*SPACE, "absent")),
        expert.request("PROPFIND", "/dav/%zz"),
        Dav(demo.url, "apolline.testard", "faux").get(SPACE),
    ):
        assert str(demo.data).encode() not in reply.body
        assert b"Traceback" not in reply.body
    assert PASSWORD not in demo.log().replace(f"Mot de passe de tous les comptes : {PASSWORD}", "")
    assert base64.b64encode(f":{PASSWORD}".encode()).decode()[4:-4] not in demo.log()
