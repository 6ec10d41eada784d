"""C: what WebDAV's acts do to contents. Whole and as asked, or refused."""

import time

import pytest

from tests.clients import SlowUpload
from tests.console import Console
from tests.dav import Dav, Names, address
from tests.serving import Server, wait_for
from tests.threats.scene import AUTHOR, BOX, EXPERT, OTHER, PDF, PLANS, ask, nothing_happens, to

DIGITS = "9" * 5_000


@pytest.mark.parametrize(
    ("destination", "status"),
    [
        ("//evil.example/dav/g", 502),
        ("http://evil.example/dav/g", 502),
        ("https://127.0.0.1:1/dav/g", 502),
        ("ftp://127.0.0.1/dav/g", 502),
        ("http:/dav/g", 502),
        ("http://", 400),
        ("http://[::1/dav/g", 400),
        ("javascript:alert(1)", 400),
        ("x", 400),
        ("", 400),
        ("?x", 400),
    ],
)
def test_c11_a_destination_elsewhere_is_refused(
    demo: Server, expert: Dav, room: Names, destination: str, status: int
) -> None:
    expert.put((*room, "x"), b"x")

    with nothing_happens(demo, room, expert):
        for method in ("COPY", "MOVE"):
            forwarded = ("X-Forwarded-Host", "evil.example")
            reply = ask(
                expert, method, address(*room, "x"), ("Destination", destination), forwarded
            )
            assert reply.status == status, reply
        assert ask(expert, "COPY", address(*room, "x")).status == 400


def test_c11_what_stands_before_or_behind_the_address_changes_it_not(
    demo: Server, expert: Dav, room: Names
) -> None:
    expert.put((*room, "x"), b"x")
    host, path = expert.url.removeprefix("http://"), address(*room)

    with nothing_happens(demo, room, expert):
        for destination, status in (
            (f"http://{host}@evil.example{path}/g", 502),
            (f"http://{host}:1{path}/g", 502),
            (f"http://{host}.evil.example{path}/g", 502),
            (f"http://{host}{path}/g?x", 400),
            (f"http://{host}{path}/g#x", 400),
            (f"http://{host}/autre{path}/g", 403),
        ):
            told = ("Destination", destination)
            assert ask(expert, "MOVE", address(*room, "x"), told).status == status, destination
    # KDE writes its login before the host: this server's own name decides.
    told = ("Destination", f"http://quelquun@{host}{path}/g")
    assert ask(expert, "MOVE", address(*room, "x"), told).status == 201


def test_c12_a_part_of_a_file_cannot_be_written(demo: Server, expert: Dav, room: Names) -> None:
    expert.put((*room, "f"), b"entier")

    with nothing_happens(demo, room, expert):
        for name in ("f", "neuf"):
            for header, value in (
                ("Content-Range", "bytes 0-1/6"),
                ("Content-Range", "bytes */6"),
                ("X-Update-Range", "append"),
                ("X-Update-Range", "bytes=0-1"),
                ("OC-Chunked", "1"),
            ):
                told = (header, value)
                assert ask(expert, "PUT", address(*room, name), told, body=b"xx").status == 400
            for method in ("PATCH", "POST"):
                told = ("X-Update-Range", "append")
                reply = ask(expert, method, address(*room, name), told, body=b"xx")
                assert reply.status == 405


def test_c13_nobody_sees_a_growing_file(demo: Server, expert: Dav, room: Names) -> None:
    """The expert's file is replaced, and another comes: both are what they were until the end."""
    other = demo.dav(OTHER)
    expert.put((*room, "ancien"), b"ancien")
    uploads = [SlowUpload(demo, EXPERT, (*room, name), 30_000) for name in ("ancien", "neuf")]

    with nothing_happens(demo, room, expert, other):
        for _ in range(3):
            for upload in uploads:
                upload.send(b"x" * 8_000)
            time.sleep(0.9)
        for person in (expert, other):
            assert person.get((*room, "ancien")).body == b"ancien"
            assert person.request("HEAD", (*room, "ancien")).headers["content-length"] == "6"
            assert person.get((*room, "neuf")).status == 404
            assert person.names(room) == ["ancien"]
    assert expert.copy(room, (*PLANS, "copie d'essai")).status == 201
    assert expert.names((*PLANS, "copie d'essai")) == ["ancien"]
    for upload in uploads:
        upload.send(b"x" * 6_000)
    assert [upload.answer() for upload in uploads] == [204, 201]
    for name in ("ancien", "neuf"):
        assert other.get((*room, name)).body == b"x" * 30_000
    expert.delete((*PLANS, "copie d'essai"))


@pytest.mark.parametrize("login", [EXPERT, AUTHOR])
@pytest.mark.parametrize("act", ["DELETE file", "MOVE file", "DELETE folder", "MOVE folder"])
def test_c14_what_is_answered_201_is_there(demo: Server, room: Names, login: str, act: str) -> None:
    """At half of a transfer that has taken its name, its name or its folder goes."""
    person = demo.dav(login)
    folder = (*(room if login == EXPERT else BOX), f"parent {act}")
    name, elsewhere = (*folder, "f.pdf"), (*folder[:-1], f"ailleurs {act}")
    assert person.mkcol(folder).status == 201
    upload = SlowUpload(demo, login, name, len(PDF))
    for start in (0, 500, 1_000):  # over more than the two seconds after which a name is taken
        upload.send(PDF[start : start + 500])
        time.sleep(1.3)

    method, what = act.split()
    source = name if what == "file" else folder
    meanwhile = ask(person, method, address(*source), to(person, "", *elsewhere))
    assert meanwhile.status in (201, 204, 404, 409, 423), meanwhile
    upload.send(PDF[1_500:])

    answered = upload.answer()
    assert answered in (201, 409, 423)
    # Folder and file go together; a name that goes alone is free, and the content takes it.
    assert answered == (201 if what == "file" else 409)
    found = person.get(name)
    assert (found.status, found.body if answered == 201 else b"") == (
        (200, PDF) if answered == 201 else (404, b"")
    )
    # A transfer that was refused leaves no beginning, wherever its folder is by now.
    if act == "MOVE folder":
        assert person.names(elsewhere) == []
    for left in (folder, elsewhere):
        person.delete(left)


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-1", 206, b"01"),
        ("bytes=-2", 206, b"89"),
        ("bytes=5-", 206, b"56789"),
        ("bytes=8-100", 206, b"89"),
        ("bytes=-100", 206, b"0123456789"),
        ("bytes=5-2", 200, b"0123456789"),
        ("lines=0-1", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("bytes=" + ",".join(["0-0"] * 7_000), 200, b"0123456789"),
        ("bytes=" + ",".join(["0-0"] * 200_000), 431, None),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=+1-2", 200, b"0123456789"),
        ("bytes=1_0-2", 200, b"0123456789"),
        (f"bytes=0-{DIGITS}", 200, b"0123456789"),
        (f"bytes={DIGITS}-", 200, b"0123456789"),
        (f"bytes=-{DIGITS}", 200, b"0123456789"),
        ("bytes=0-999999999999999999", 206, b"0123456789"),
        ("bytes=-0", 416, None),
        ("bytes=10-", 416, None),
        ("bytes=999999999999999999-", 416, None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_c15_a_range_is_what_was_asked_or_the_whole(
    expert: Dav, room: Names, asked: str, status: int, content: bytes | None
) -> None:
    expert.put((*room, "f"), b"0123456789")

    reply = ask(expert, "GET", address(*room, "f"), ("Range", asked))

    assert reply.status == status
    assert content is None or reply.body == content
    if status == 206:
        start = b"0123456789".index(reply.body)
        told = f"bytes {start}-{start + len(reply.body) - 1}/10"
        assert reply.headers["content-range"] == told


def test_c16_properties_change_nothing_of_a_sealed_piece(demo: Server, author: Dav) -> None:
    other, name = demo.dav(OTHER), (*BOX, "datée.pdf")
    author.put(name, PDF)
    wait_for(lambda: other.get(name).status == 200, 20, "the seal")
    stamps = "".join(
        f"<Z:Win32{kind}>{value}</Z:Win32{kind}>"
        for kind, value in (
            ("CreationTime", "Tue, 12 Mar 2024 10:00:00 GMT"),
            ("LastModifiedTime", "Tue, 12 Mar 2024 10:00:00 GMT"),
            ("FileAttributes", "00000020"),
        )
    )

    with nothing_happens(demo, BOX, author, other):
        told = author.proppatch(name, stamps)  # what Explorer does last: its copy has not failed
        assert (told.status, b"200 OK" in told.body) == (207, True)
        for person, properties in (
            (author, "<D:getetag>x</D:getetag>"),
            (author, "<D:getcontentlength>1</D:getcontentlength>"),
            (author, "<D:getlastmodified>Tue, 12 Mar 2024 10:00:00 GMT</D:getlastmodified>"),
            (author, "<D:creationdate>2024-03-12T10:00:00Z</D:creationdate>"),
            (author, "<D:displayname>autre.pdf</D:displayname>"),
            (author, f"{stamps}<T:note>à relire</T:note>"),
            (other, stamps),
        ):
            refused = person.proppatch(name, properties)
            assert refused.status == 207, refused
            assert b"200 OK" not in refused.body


def test_c17_a_hidden_folder_survives_who_would_make_it_anew(
    demo: Server, expert: Dav, assistant: Dav, room: Names
) -> None:
    hidden = (*room, "invisible")
    expert.mkcol(hidden)
    expert.put((*hidden, "f"), b"f")
    expert.put((*room, "x"), b"x")
    Console(demo.data).well("rights", "cut", "/".join(("", *hidden)))
    assert assistant.propfind(hidden).status == 404

    with nothing_happens(demo, room, expert):
        for reply in (
            assistant.mkcol(hidden),
            assistant.request("MKCOL", address(*hidden, slash=True)),
            assistant.put(hidden, b"y"),
            assistant.lock(hidden),
            assistant.copy((*room, "x"), hidden),
            assistant.mkcol((*room, "INVISIBLE")),
        ):
            assert reply.status == 403, reply
            assert "invisible" not in reply.body.decode().lower()
        for reply in (assistant.mkcol((*hidden, "y")), assistant.put((*hidden, "f"), b"y")):
            absent = assistant.mkcol((*room, "absent", "y"))
            assert (reply.status, reply.body) == (absent.status, absent.body) == (409, absent.body)
    assert expert.get((*hidden, "f")).body == b"f"


def test_c18_mkcol_with_a_body_is_refused(demo: Server, expert: Dav, room: Names) -> None:
    with nothing_happens(demo, room, expert):
        for kind in ("", "text/plain", "application/x-www-form-urlencoded", "application/xml"):
            told = {"Content-Type": kind} if kind else {}
            bodies = [b"<x/>", b'<D:propfind xmlns:D="DAV:"/>']
            if kind != "application/xml":
                bodies.append(b'<D:mkcol xmlns:D="DAV:"/>')
            for body in bodies:
                sized = expert.request("MKCOL", (*room, "d"), body, told)
                chunked = expert.request("MKCOL", (*room, "d"), iter([body]), told, chunked=True)
                assert (sized.status, chunked.status) == (415, 415), kind


def test_c19_who_cleans_up_after_a_refusal_removes_no_piece(demo: Server, author: Dav) -> None:
    name, other = (*BOX, "nettoyée.pdf"), demo.dav(OTHER)
    author.put(name, PDF)
    wait_for(lambda: other.get(name).status == 200, 20, "the seal")

    with nothing_happens(demo, BOX, author, other):
        for refused in (author.put(name, PDF * 2), author.delete(name)):
            assert (refused.status, "déposée" in refused.message) == (403, True)
        assert author.mkcol(name).status == 405


@pytest.mark.embedded
def test_c19_elsewhere_the_journal_tells_which_bytes_to_bring_back(
    demo: Server, expert: Dav, room: Names
) -> None:
    content = b"la version d'avant " * 9
    expert.put((*room, "f.pdf"), content)
    too_large = {"X-Expected-Entity-Length": str(30_000_000_000)}
    refused = expert.request("PUT", (*room, "f.pdf"), iter([b"x"]), too_large, chunked=True)
    assert refused.status == 413
    assert expert.get((*room, "f.pdf")).body == content
    assert expert.delete((*room, "f.pdf")).status == 204

    lines = Console(demo.data).json("journal", "list", "--last", "1")
    (removed,) = [line["facts"] for line in lines if line["act"] == "node.remove"]
    assert removed["path"].endswith("f.pdf")
    kept = [path for path in (demo.data / "blobs").rglob("*") if path.is_file()]
    assert content in [path.read_bytes() for path in kept]
