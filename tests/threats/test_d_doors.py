"""One engine below all doors; no side door (threats D06 to D08, D11, D12, D18, D22, D23)."""

import base64
import hashlib
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from urllib.parse import quote

import pytest

from davserver.demo.history import ARCHIVES
from davserver.providers.provider import VERBS
from tests.clients import CLOSED, DOSSIER, EXPERT
from tests.conftest import Start
from tests.console import Console
from tests.dav import Dav, Names, Reply, address
from tests.post import Post, settings, text
from tests.serving import Server, wait_for
from tests.threats.rooms import (
    BOX,
    NOTES,
    OTHER,
    OWNER,
    PDF,
    READER,
    STRANGER,
    cut,
    fresh,
    grant,
    group,
    room,
    sealed,
    tree,
)

Act = tuple[str, Names, Names]  # method, path, destination


def forbidden(piece: Names, hidden: Names, read: Names) -> list[tuple[str, Act]]:
    """Ten acts, each with the login of who may not do it."""
    return [
        (OWNER, ("PUT", piece, ())),
        (OWNER, ("DELETE", piece, ())),
        (OWNER, ("MOVE", piece, (*BOX, "autre.pdf"))),
        (EXPERT, ("PUT", piece, ())),
        (EXPERT, ("DELETE", piece, ())),
        (OTHER, ("PUT", (*BOX, "intruse.pdf"), ())),
        (OTHER, ("MKCOL", (*NOTES, "dossier"), ())),
        (READER, ("GET", (*hidden, "x.pdf"), ())),
        (READER, ("COPY", (*read, "x.pdf"), (*NOTES, "y.pdf"))),
        (EXPERT, ("MOVE", (DOSSIER, "04 Boîtes aux lettres"), (DOSSIER, "boîtes"))),
    ]


def by_dav(server: Server, login: str, act: Act) -> tuple[int, str]:
    method, path, to = act
    person = server.dav(login)
    headers = {"Destination": server.url + address(*to)} if to else {}
    reply = person.request(method, path, PDF * 2 if method == "PUT" else b"", headers)
    return reply.status, reply.message


def by_command(server: Server, login: str, act: Act) -> tuple[int, str]:
    """What the command line says of the same act; it tries the operation itself."""
    method, path, to = act
    options = ["--to", "/" + "/".join(to)] if to else []
    options += ["--size", str(len(PDF) * 2)] if method == "PUT" else []
    told = Console(server.data).json(
        "rights", "explain", login, method, "/" + "/".join(path), *options
    )
    assert told["allowed"] is False
    return told["status"], told["reason"]


def test_d06_ten_forbidden_acts_are_refused_alike_by_every_door(start: Start) -> None:
    server = start({"DAVSERVER_DEPOSIT__COURTESY_LOCK": "0"})
    owner, expert, piece = server.dav(OWNER), server.dav(EXPERT), (*BOX, "scellée.pdf")
    owner.put(piece, PDF)
    hidden, read = room(server, "x.pdf", closed=True), room(server, "x.pdf")
    sealed(expert, piece)
    before = tree(expert, (DOSSIER,))

    for login, act in forbidden(piece, hidden, read):
        refused = by_dav(server, login, act)
        assert refused[0] in (403, 404), (login, act)
        explained = by_command(server, login, act)
        assert explained[0] == refused[0], (login, act)
        if refused[0] == 403:
            assert explained[1] == refused[1], (login, act)

    assert tree(expert, (DOSSIER,)) == before


def test_d07_no_side_door_tells_of_what_is_hidden(demo: Server) -> None:
    """Reports, whole listings, the page of a folder, people, the drive kit."""
    reader, expert = demo.dav(READER), demo.dav(EXPERT)
    outer = room(demo, "lu.pdf")
    hidden = (*outer, fresh("introuvable"))
    expert.mkcol(hidden)
    cut(demo, hidden)
    expert.put((*hidden, "secrète.pdf"), PDF + b"contenu introuvable")
    word = hidden[-1].split()[0].encode()
    digest = hashlib.sha256(PDF + b"contenu introuvable").hexdigest().encode()
    anew = (
        b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>infinite</D:sync-level>'
        b'<D:prop><D:getetag/><D:acl/><c:checksums xmlns:c="http://owncloud.org/ns"/></D:prop>'
        b"</D:sync-collection>"
    )
    everything = b'<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'
    asks: list[Reply] = [
        *(reader.request("REPORT", outer[:depth], anew) for depth in (1, 2, 3)),
        *(reader.propfind(outer[:depth], "1", everything) for depth in range(4)),
        reader.get(outer),
        reader.request("GET", outer, b"", {"Accept": "application/zip"}),
        reader.request("GET", outer, b"", {"Accept": "application/davmount+xml"}),
        reader.request("GET", address(*outer) + "?zip=1&search=introuvable"),
        reader.propfind("/principals/", "1"),
        reader.request("GET", "/kit/"),
        reader.request("GET", "/"),
        reader.request("SEARCH", outer, b"<D:searchrequest xmlns:D='DAV:'/>"),
        reader.copy(outer, (*outer, "x")),
    ]
    for number, reply in enumerate(asks):
        assert word not in reply.body and "trouvable" not in str(reply.headers), number
        assert digest not in reply.body and digest[:40] not in reply.body, number
        assert not reply.body.startswith(b"PK")


def test_d07_no_mail_tells_of_what_is_hidden(start: Start, tmp_path: Path) -> None:
    post = Post(tmp_path / "maildir")
    post.start()
    server = start(settings(post, window=2))
    expert, outer = server.dav(EXPERT), room(server)
    hidden = (*outer, "caché")
    expert.mkcol(hidden)
    cut(server, hidden)

    expert.put((*hidden, "secrète.pdf"), PDF)
    expert.put((*outer, "publique.pdf"), PDF)

    people = {row["login"]: row["email"] for row in server.json("user", "list")}
    told: dict[str, str] = {}

    def all_told() -> bool:
        told.update({str(mail["X-RcptTo"]): text(mail) for mail in post.mails()})
        return {people[READER], people[OTHER], people[EXPERT]} <= set(told)

    wait_for(all_told, 30, "the mails")
    assert server.stop() == 0
    post.stop()
    for address_, words in told.items():
        assert "publique.pdf" in words
        assert ("secrète.pdf" in words) == (address_ == people[EXPERT]), address_
    assert all("caché" not in words for who, words in told.items() if who != people[EXPERT])


def test_d07_what_was_seen_before_it_was_hidden_is_told_no_more(demo: Server) -> None:
    """The feed of changes begins anew, and what went or came inside is in none of its answers."""
    reader, expert, folder = demo.dav(READER), demo.dav(EXPERT), room(demo, "a.pdf")
    known = tree(reader, NOTES)
    token = reader.propfind(NOTES, "0", _TOKEN).xml.findtext(".//{DAV:}sync-token") or ""
    cut(demo, folder)
    expert.move((*folder, "a.pdf"), (*folder, "b.pdf"))

    after = _REPORT.replace(b"TOKEN", token.encode())
    assert reader.request("REPORT", NOTES, after).status == 403
    gone = set(known) - set(tree(reader, NOTES))
    assert gone == {path for path in known if quote(folder[-1]) in path}


_TOKEN = b'<D:propfind xmlns:D="DAV:"><D:prop><D:sync-token/></D:prop></D:propfind>'
_REPORT = (
    b'<D:sync-collection xmlns:D="DAV:"><D:sync-token>TOKEN</D:sync-token>'
    b"<D:sync-level>infinite</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
)


def test_d08_no_file_in_the_tree_changes_any_rule(demo: Server) -> None:
    expert, reader, folder = demo.dav(EXPERT), demo.dav(READER), room(demo, "lu.pdf")
    console = Console(demo.data)
    path = "/" + "/".join(folder)
    before = console.json("rights", "show", path)
    rules = (".htaccess", ".acl", "acl.json", ".davserver", "davserver.toml", "davserver.json",
             ".permissions", "davserver.sqlite", "web.config", ".git")  # fmt: skip
    assert {expert.get((*place, name)).status for name in rules for place in (folder, (DOSSIER,))
            } == {404}  # fmt: skip

    for name in rules:
        assert expert.put((*folder, name), b"deny from all\nallow *\n").status == 201, name
    assert console.json("rights", "show", path) == before
    assert reader.get((*folder, "lu.pdf")).status == 200
    for name in rules:
        assert expert.delete((*folder, name)).status == 204, name
    assert console.json("rights", "show", path) == before


def test_d11_no_address_leads_to_a_content_by_its_hash_or_number(demo: Server) -> None:
    """A blob of a dossier, asked by one who is in another."""
    expert, stranger = demo.dav(EXPERT), demo.dav(STRANGER)
    path = (*room(demo, closed=True), "x.pdf")
    tag = expert.put(path, PDF + b"d11").headers["etag"].strip('"')
    digest = hashlib.sha256(PDF + b"d11").hexdigest()
    wanted = (
        *(f"/{room}/{word}" for room in ("blobs", "blob", "dav", "files", "node", "spool", "data")
          for word in (digest, tag, digest[:2], "1", "2")),
        f"/dav/..%2f..%2fblobs/{digest}", f"/dav/%2e%2e/blobs/{digest}", f"/blobs/{digest[:2]}/",
        "/davserver.sqlite", "/dav/davserver.sqlite",
        address(CLOSED, digest), address(CLOSED, tag), address(CLOSED, "02 Convocations", digest),
    )  # fmt: skip
    for target in wanted:
        reply = stranger.request("GET", target)
        assert reply.status in (400, 404), (target, reply.status)
        assert PDF not in reply.body
    # Nor does knowing its tag or its hash make a request succeed.
    for headers in (
        {"If-None-Match": f'"{tag}"'}, {"If-Match": f'"{tag}"'}, {"Range": "bytes=0-9"},
        {"If": f'(["{tag}"])'}, {"OC-Checksum": f"SHA256:{digest}"},
    ):  # fmt: skip
        assert stranger.request("GET", path, b"", headers).status == 404, headers


def test_d11_known_bytes_are_uploaded_like_unknown_ones(demo: Server) -> None:
    """No answer, no skipped transfer and no haste tells that the server has them already."""
    owner, expert = demo.dav(OWNER), demo.dav(EXPERT)
    known = PDF * 300 + b"known to another dossier"
    assert expert.put(("Espace de l'expert", "d11.pdf"), known).status == 201
    taken: dict[bool, list[float]] = {True: [], False: []}
    replies = []
    for number in range(16):
        is_known = number % 2 == 0
        content = known if is_known else known[:-8] + f"{number:08}".encode()
        begun = time.perf_counter()
        reply = owner.put((*BOX, f"d11 {number}.pdf"), content)
        taken[is_known].append(time.perf_counter() - begun)
        replies.append((reply.status, reply.reason, sorted(reply.headers)))
        assert owner.delete((*BOX, f"d11 {number}.pdf")).status == 204

    assert replies == [replies[0]] * 16
    assert 0.4 < median(taken[True]) / median(taken[False]) < 2.5


def test_d12_who_may_look_and_not_download_gets_no_byte(demo: Server) -> None:
    reader, folder = demo.dav(READER), room(demo, "vue.pdf")
    grant(demo, folder, group(demo), "naviguer,consulter")
    owner, path = demo.dav(OWNER), (*folder, "vue.pdf")
    before = tree(owner, BOX)

    assert reader.propfind(path, "0").status == 207
    for reply in (
        reader.get(path),
        reader.request("HEAD", path),
        reader.get(path, Range="bytes=0-9"),
        reader.request("HEAD", path, b"", {"Range": "bytes=0-9"}),
        reader.get(path, If_None_Match="*"),
        reader.get(path, Accept="application/zip"),
        owner.copy(path, (*BOX, "copie.pdf")),
        owner.copy(folder, (*BOX, "copie")),
        owner.move(path, (*BOX, "copie.pdf")),
    ):
        assert reply.status == 403
        assert PDF[:9] not in reply.body
        assert "content-range" not in reply.headers and "repr-digest" not in reply.headers
    zipped = reader.request("GET", folder, b"", {"Accept": "application/zip"})
    assert PDF[:9] not in zipped.body
    assert tree(owner, BOX) == before


@pytest.mark.parametrize("scope", ["exclusive", "shared"])
def test_d18_a_lock_of_a_free_name_in_anothers_box_is_refused_and_makes_nothing(
    demo: Server, scope: str
) -> None:
    owner, other = demo.dav(OWNER), demo.dav(OTHER)
    before = tree(owner, (DOSSIER,))
    for folder in (BOX, NOTES, (DOSSIER,), (DOSSIER, ARCHIVES)):
        name = (*folder, f"{fresh('verrou')}.pdf")
        reply = other.lock(name, scope=scope)
        assert (reply.status, reply.headers.get("lock-token")) == (403, None), folder
        assert other.get(name).status == owner.get(name).status == 404

    assert tree(owner, (DOSSIER,)) == before
    assert owner.put((*BOX, name[-1]), PDF).status == 201
    assert owner.delete((*BOX, name[-1])).status == 204


SUMS: dict[str, Callable[[bytes], str]] = {
    "Content-Digest": lambda c: (
        f"sha-256=:{base64.b64encode(hashlib.sha256(c).digest()).decode()}:"
    ),
    "OC-Checksum": lambda c: f"SHA1:{hashlib.sha1(c).hexdigest()}",
    "Content-MD5": lambda c: base64.b64encode(hashlib.md5(c).digest()).decode(),
}


@pytest.mark.parametrize("header", SUMS)
@pytest.mark.parametrize("chunked", [False, True])
def test_d22_a_content_that_has_not_the_checksum_it_was_sent_with_is_refused(
    demo: Server, header: str, chunked: bool
) -> None:
    owner, name = demo.dav(OWNER), (*BOX, f"{fresh('somme')}.pdf")
    wrong = b"j" + PDF[1:]
    for old in (None, PDF):
        body = iter([wrong]) if chunked else wrong
        reply = owner.request("PUT", name, body, {header: SUMS[header](PDF)}, chunked=chunked)
        assert (reply.status, reply.reason) == (400, "Somme de controle differente")
        got = owner.get(name)
        assert (got.status, got.body) == ((200, old) if old else (404, got.body))
        if old is None:
            right = owner.request("PUT", name, PDF, {header: SUMS[header](PDF)})
            assert right.status == 201
    assert owner.delete(name).status == 204


DOORS = ("/", "/dav/", "/dav/x", "/kit/", "/kit/windows", "/principals/", "/principals/users/1",
         "/blobs/", "/admin", "/static/x.css", "/.well-known/webdav", "/:dir_browser/style.css",
         "/healthz/", "/healthz/x")  # fmt: skip


@pytest.mark.parametrize("agent", ["test", "Mozilla/5.0", "WebDAVFS/3.0.0", "Microsoft-WebDAV"])
def test_d23_whoever_does_not_say_who_he_is_gets_401_at_every_door(
    demo: Server, agent: str
) -> None:
    nobody = Dav(demo.url, agent=agent)
    body = None
    for target in (*DOORS, address(DOSSIER), address(*BOX, slash=True)):
        for method in VERBS:
            headers = {"Depth": "0", "Destination": demo.url + "/dav/y", "Lock-Token": "<x>"}
            reply = nobody.request(method, target, b"", headers)
            assert reply.status == 401, (method, target, reply.status)
            assert reply.headers["www-authenticate"].startswith("Basic ")
            if method != "HEAD":
                body = body or reply.body
                assert reply.body == body, (method, target)
        for method in ("POST", "TRACE", "PATCH", "SEARCH", "ACL", "BIND", "CONNECT"):
            if method != "CONNECT":
                assert nobody.request(method, target).status in (401, 405, 501), (method, target)


def test_d23_the_health_page_alone_is_open_and_says_nothing(demo: Server) -> None:
    nobody = Dav(demo.url)
    for method in ("GET", "HEAD", "PUT", "DELETE", "PROPFIND"):
        reply = nobody.request(method, "/healthz")
        assert reply.status == 200
        assert method == "HEAD" or json.loads(reply.body) == {"status": "ok"}
    host, port = demo.url.removeprefix("http://").split(":")
    for target in ("*", "http://evil.example/dav/", "//evil.example/dav/"):
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(f"OPTIONS {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert line.recv(4096).split(b" ")[1] in (b"401", b"400"), target
