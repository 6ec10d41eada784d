"""What WebDAV servers are known to get wrong, the stock framework among them: each once."""

import base64
import itertools
import socket

import pytest

from tests.dav import Dav, Names, address
from tests.serving import PASSWORD, Server

SPACE: Names = ("Espace de l'expert",)
DOSSIER = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
_numbers = itertools.count()


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


@pytest.mark.parametrize("path", ["/", "/dav/", "/principals/"])
def test_a_whole_tree_is_never_listed_at_once(expert: Dav, path: str) -> None:
    reply = expert.propfind(path, "infinity")

    assert reply.status == 403
    assert b"propfind-finite-depth" in reply.body


def test_a_file_has_no_depth(expert: Dav, room: Names) -> None:
    expert.put((*room, "f"), b"f")

    assert expert.request("PROPFIND", (*room, "f")).status == 207


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
