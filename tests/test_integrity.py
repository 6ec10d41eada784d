"""Checksums that clients send and read, and the dates of documents."""

import base64
import hashlib
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.clients import box
from tests.dav import Dav, Names
from tests.serving import Server, wait_for

OWNER, OTHER = "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
SPACE: Names = ("Espace de l'expert",)
PDF = b"%PDF-1.4\n" + b"intact " * 20_000
OLD = 1_600_000_000  # 2020-09-13T12:26:40Z
OLD_HTTP = "Sun, 13 Sep 2020 12:26:40 GMT"


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


SUMS: dict[str, tuple[str, Callable[[bytes], str]]] = {
    "OC-Checksum SHA1": ("OC-Checksum", lambda c: f"SHA1:{hashlib.sha1(c).hexdigest()}"),
    "OC-Checksum MD5": ("OC-Checksum", lambda c: f"MD5:{hashlib.md5(c).hexdigest().upper()}"),
    "OC-Checksum SHA256": ("OC-Checksum", lambda c: f"SHA256:{hashlib.sha256(c).hexdigest()}"),
    "OC-Checksum ADLER32": ("OC-Checksum", lambda c: f"Adler32:{zlib.adler32(c):08x}"),
    "Content-Digest": (
        "Content-Digest",
        lambda c: f"unixsum=:AAA=:, sha-256=:{b64(hashlib.sha256(c).digest())}:",
    ),
    "Repr-Digest": ("Repr-Digest", lambda c: f"sha-512=:{b64(hashlib.sha512(c).digest())}:"),
    "Digest": ("Digest", lambda c: f"SHA-256={b64(hashlib.sha256(c).digest())},unixsum=5"),
    "Content-MD5": ("Content-MD5", lambda c: b64(hashlib.md5(c).digest())),
}


@pytest.fixture
def owner(demo: Server) -> Dav:
    return demo.dav(OWNER)


@pytest.mark.parametrize("kind", SUMS)
def test_a_content_that_is_not_the_one_announced_leaves_nothing(
    demo: Server, owner: Dav, kind: str
) -> None:
    header, told = SUMS[kind]
    name = (*BOX, f"{kind}.pdf")
    turned = b"j" + PDF[1:]

    refused = owner.request("PUT", name, turned, {header: told(PDF)})
    assert (refused.status, refused.reason) == (400, "Somme de controle differente")
    assert "rien n'a été enregistré" in refused.message
    assert owner.get(name).status == 404
    chunked = owner.request("PUT", name, iter([turned]), {header: told(PDF)}, chunked=True)
    assert chunked.status == 400
    assert owner.get(name).status == 404

    assert owner.request("PUT", name, PDF, {header: told(PDF)}).status == 201
    assert owner.request("PUT", name, turned, {header: told(PDF)}).status == 400
    assert owner.get(name).body == PDF
    assert owner.delete(name).status == 204


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("OC-Checksum", "SHA1:zz"),
        ("OC-Checksum", "SHA1"),
        ("Content-Digest", "sha-256=abc"),
        ("Content-Digest", "sha-256=:a:"),
        ("Content-MD5", "???"),
        ("Content-MD5", "\u00e9"),
        ("Digest", "MD5=\u00e9"),
        ("Digest", "SHA-256"),
    ],
)
def test_a_malformed_checksum_is_refused_not_passed_over(
    owner: Dav, header: str, value: str
) -> None:
    assert owner.request("PUT", (*BOX, "somme.pdf"), PDF, {header: value}).status == 400
    assert owner.get((*BOX, "somme.pdf")).status == 404


def test_an_unknown_algorithm_is_passed_over(owner: Dav) -> None:
    reply = owner.request("PUT", (*BOX, "inconnu.pdf"), PDF, {"OC-Checksum": "SHA3-256:00ff"})

    assert reply.status == 201
    owner.delete((*BOX, "inconnu.pdf"))


def test_everybody_may_check_what_he_reads(expert: Dav) -> None:
    name = (*SPACE, "contrôlable.pdf")
    digest = hashlib.sha256(PDF)
    put = expert.put(name, PDF)
    got = expert.get(name)
    part = expert.get(name, Range="bytes=0-9")
    body = (
        b'<D:propfind xmlns:D="DAV:"><D:prop><c:checksums xmlns:c="http://owncloud.org/ns"/>'
        b"</D:prop></D:propfind>"
    )
    found = expert.propfind(name, "0", body).xml

    for reply in (put, got, part):
        assert reply.headers["repr-digest"] == f"sha-256=:{b64(digest.digest())}:"
        assert reply.headers["oc-checksum"] == f"SHA256:{digest.hexdigest()}"
    told = found.findtext(".//{http://owncloud.org/ns}checksums/{http://owncloud.org/ns}checksum")
    assert told == f"SHA256:{digest.hexdigest()}"
    expert.delete(name)


def test_a_document_bears_the_date_that_its_program_tells(
    demo: Server, owner: Dav, expert: Dav
) -> None:
    name = (*BOX, "datée.pdf")
    put = owner.request("PUT", name, PDF, {"X-OC-Mtime": str(OLD)})
    assert put.headers["x-oc-mtime"] == "accepted"
    assert put.headers["last-modified"] == OLD_HTTP
    assert owner.get(name).headers["last-modified"] == OLD_HTTP
    wait_for(lambda: expert.get(name).status == 200, 20, "the seal")
    assert expert.get(name).headers["last-modified"] == OLD_HTTP

    # When it was deposited is the server's word alone.
    row = next(x for x in demo.json("deposits", "list") if x["name"] == "datée.pdf")
    received = datetime.fromisoformat(row["received_at"])
    assert abs((datetime.now(UTC) - received).total_seconds()) < 120


@pytest.mark.parametrize(
    "said", ["", "hier", "-1", "100", "1e40", "nan", "inf", str(2**70), "4102444800"]
)
def test_a_date_that_cannot_be_is_not_accepted(expert: Dav, said: str) -> None:
    name = (*SPACE, "sans date.txt")
    reply = expert.request("PUT", name, b"x", {"X-OC-Mtime": said})

    assert reply.status == 201
    assert "x-oc-mtime" not in reply.headers
    assert reply.headers["last-modified"].split()[3] == str(datetime.now(UTC).year)
    expert.delete(name)


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2020 00:00:00 +999999999999999",
        "hier",
        "",
    ],
)
def test_an_absurd_date_is_passed_over(expert: Dav, date: str) -> None:
    name = (*SPACE, "absurde.txt")
    expert.put(name, b"x")

    assert expert.get(name, If_Modified_Since=date).status == 200
    assert expert.get(name, If_Unmodified_Since=date).status == 200
    assert expert.get(name, If_Range=date, Range="bytes=0-0").status in (200, 206)
    stamp = f'<S:lastmodified xmlns:S="SAR:">{date}</S:lastmodified>'
    assert expert.proppatch(name, stamp).status == 207
    assert expert.get(name).status == 200
    expert.delete(name)


@pytest.mark.parametrize(
    "property_",
    [
        f"<Z:Win32LastModifiedTime>{OLD_HTTP}</Z:Win32LastModifiedTime>",
        '<S:lastmodified xmlns:S="SAR:">2020-09-13T12:26:40Z</S:lastmodified>',
        "<D:lastmodified>2020-09-13T12:26:40+00:00</D:lastmodified>",
    ],
)
def test_explorer_and_cyberduck_set_the_date_by_a_property(expert: Dav, property_: str) -> None:
    name = (*SPACE, "propriété.txt")
    expert.put(name, b"x")

    assert expert.proppatch(name, property_).status == 207
    assert expert.get(name).headers["last-modified"] == OLD_HTTP
    body = (
        b'<D:propfind xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:prop>'
        b"<Z:Win32LastModifiedTime/><Z:Win32CreationTime/><Z:Win32LastAccessTime/>"
        b"<Z:Win32FileAttributes/></D:prop></D:propfind>"
    )
    found = expert.propfind(name, "0", body).xml
    prefix = ".//{urn:schemas-microsoft-com:}"
    assert found.findtext(prefix + "Win32LastModifiedTime") == OLD_HTTP
    assert found.findtext(prefix + "Win32FileAttributes") == "00000020"
    assert len(found.findall(".//{DAV:}propstat")) == 1
    expert.delete(name)


def test_an_older_date_hides_no_newer_content(expert: Dav) -> None:
    name = (*SPACE, "remplacée.txt")
    first = expert.put(name, b"premier")
    seen = first.headers["last-modified"]
    expert.request("PUT", name, b"second", {"X-OC-Mtime": str(OLD)})

    # By the date alone the newer content looks older than what the client has.
    assert expert.get(name, If_Modified_Since=seen).body == b"second"
    assert expert.put(name, b"perdu", If_Unmodified_Since=seen).status == 412
    expert.request("PUT", name, b"autre, meme date", {"X-OC-Mtime": str(OLD)})
    assert expert.get(name, If_Modified_Since=OLD_HTTP).body == b"autre, meme date"
    assert expert.get(name, If_Range=OLD_HTTP, Range="bytes=0-4").status == 200
    assert expert.put(name, b"troisieme", If_Unmodified_Since=OLD_HTTP).status == 204
    expert.delete(name)


def test_a_sealed_piece_keeps_its_date(demo: Server, owner: Dav, expert: Dav) -> None:
    name = (*BOX, "date figée.pdf")
    owner.put(name, PDF + b"fixe")
    wait_for(lambda: expert.get(name).status == 200, 20, "the seal")
    before = expert.get(name).headers["last-modified"]

    stamp = f"<Z:Win32LastModifiedTime>{OLD_HTTP}</Z:Win32LastModifiedTime>"
    assert owner.proppatch(name, stamp).status == 207
    again = owner.request("PUT", name, PDF + b"fixe", {"X-OC-Mtime": str(OLD)})
    assert (again.status, again.headers.get("x-oc-mtime")) == (204, None)
    assert expert.get(name).headers["last-modified"] == before
