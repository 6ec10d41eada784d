"""What programs write beside a document: taken in by every method, and no deposit. A document that
bears such a name is refused aloud."""

import pytest

from tests.clients import DOSSIER, box
from tests.dav import Dav, Names
from tests.serving import Server, wait_for

OWNER, OTHER, EXPERT = "cabinet.brumaire-kalve", "cabinet.ortie-lambda", "apolline.testard"
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
NOTES: Names = (DOSSIER, "03 Notes aux parties et comptes rendus")  # a lawyer only reads there
WINDOWS = "Microsoft-WebDAV-MiniRedir/10.0.22631"
FINDER = "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)"
WORD_97 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(30_000)
THUMBNAILS = WORD_97[:1_024] + "Root Entry".encode("utf-16-le") + "Catalog".encode("utf-16-le")
OWNER_FILE = (b"\x05ORTIE".ljust(54) + b"\x05\0" + "ORTIE".encode("utf-16-le")).ljust(162)
LITTER = {
    "._Pièce n°12.pdf": b"\x00\x05\x16\x07" + b"\x00" * 4_092,
    ".DS_Store": b"\x00\x00\x00\x01Bud1" + b"\x00" * 6_140,
    "Thumbs.db": THUMBNAILS + bytes(90_000),
    "ehthumbs.db": THUMBNAILS,
    "desktop.ini": b"[.ShellClassInfo]\r\n",
    ".directory": b"[Desktop Entry]\n",
    ".hidden": b"x\n",
    ".localized": b"x",
    ".metadata_never_index": b"x",
    ".apdisk": b'<?xml version="1.0"?><plist/>',
    ".TemporaryItems": b"x",
    ".Trashes": b"x",
    ".Trash-1000": b"x",
    ".Spotlight-V100": b"x",
    ".fseventsd": b"x",
    "~$Dire n°3.docx": OWNER_FILE,
    ".Dire.odt.swp": b"b0VIM 9.0" + bytes(12_000),
    ".Dire.odt.swx": b"b0VIM 9.0",
    ".~lock.Dire n°3.odt#": b",ortie,poste,;",
    "~lock.Dire n°3.odt#": b",ortie,poste,;",
}
TEMPORARY = (
    "~WRD0001.tmp", "~WRL0002.tmp", "34429E5E.tmp", "lu1234abc.tmp", "4913", "Dire n°3.docx~",
    ".goutputstream-A1B2C3", ".fuse_hidden0001", ".nfs0001", "x.pdf.part", "x.pdf.crdownload",
    "n.txt.sb-ac6800a0-t3YBFI", "(A Document Being Saved By Pages)",
)  # fmt: skip


@pytest.fixture
def others(demo: Server) -> list[Dav]:
    return [demo.dav(OTHER), demo.dav(EXPERT)]


def require_unseen(others: list[Dav], path: Names) -> None:
    """Nobody else knows of it, by whatever method he asks."""
    for other in others:
        assert path[-1] not in other.names(path[:-1])
        for method in ("GET", "HEAD", "PROPFIND", "DELETE", "PROPPATCH"):
            body = b""
            if method == "PROPPATCH":
                body = (
                    b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a xmlns="x"/></D:prop>'
                    b"</D:set></D:propertyupdate>"
                )
            assert other.request(method, path, body, {"Depth": "0"}).status in (400, 404), method


def played(author: Dav, others: list[Dav], folder: Names, name: str, content: bytes) -> None:
    """Every method on a side file, as programs use them."""
    path, copy, moved = (*folder, name), (*folder, f"._{name} (2)"), (*folder, f"._{name} (3)")
    if name in TEMPORARY:
        copy, moved = (*folder, f"copie de {name}.tmp"), (*folder, "autre.tmp")
    stamp = "<Z:Win32LastModifiedTime>Tue, 12 Mar 2024 10:00:00 GMT</Z:Win32LastModifiedTime>"
    assert author.request("PROPFIND", path, b"", {"Depth": "0"}).status == 404
    assert author.put(path).status == 201
    locked = author.lock(path)
    assert locked.status == 200
    held = locked.headers["lock-token"]
    assert author.proppatch(path, stamp, If=f"({held})").status == 207
    assert author.put(path, content, If=f"({held})").status == 204
    assert author.request("HEAD", path).headers["content-length"] == str(len(content))
    assert author.get(path).body == content
    assert author.get(path, If_None_Match=author.get(path).headers["etag"]).status == 304
    assert author.propfind(path, "0").status == 207
    assert author.request("OPTIONS", path).status == 200
    require_unseen(others, path)
    assert author.unlock(path, held).status == 204
    assert author.copy(path, copy).status == 201
    assert author.move(copy, moved).status == 201
    assert author.get(moved).body == content
    assert author.delete(moved).status == 204
    assert author.delete(path).status == 204
    assert author.get(path).status == 404
    # A lock on a free name makes it, too.
    locked = author.lock(path)
    assert locked.status == 201
    assert author.delete(path, If=f"({locked.headers['lock-token']})").status == 204


@pytest.mark.parametrize("name", LITTER)
def test_litter_is_taken_in_by_every_method_and_seen_by_nobody_else(
    demo: Server, others: list[Dav], name: str
) -> None:
    played(demo.dav(OWNER, agent=FINDER), others, BOX, name, LITTER[name])


@pytest.mark.parametrize("name", TEMPORARY)
def test_temporary_files_are_taken_in_by_every_method_and_seen_by_nobody_else(
    demo: Server, others: list[Dav], name: str
) -> None:
    played(demo.dav(OWNER, agent=WINDOWS), others, BOX, name, b"%PDF-1.4 en cours" * 9)


def test_a_name_of_eight_digits_is_excels_only_from_windows(demo: Server) -> None:
    windows, phone = demo.dav(OWNER, agent=WINDOWS), demo.dav(OWNER, agent="DAVx5/4.4")
    windows.put((*BOX, "34429E5E"), b"x")
    phone.put((*BOX, "20240312"), b"une photo")

    wait_for(lambda: "20240312" in demo.dav(OTHER).names(BOX), 20, "the seal")
    assert "34429E5E" not in demo.dav(OTHER).names(BOX)
    windows.delete((*BOX, "34429E5E"))


@pytest.mark.parametrize("agent", [FINDER, WINDOWS])
@pytest.mark.parametrize("name", [".DS_Store", "._Note.pdf", "~$Note.docx", "desktop.ini"])
def test_where_one_only_reads_macs_and_windows_leave_theirs_by_every_method(
    demo: Server, others: list[Dav], agent: str, name: str
) -> None:
    contents = {**LITTER, "._Note.pdf": b"\x00\x05\x16\x07", "~$Note.docx": OWNER_FILE}
    content = contents[name]
    played(demo.dav(OWNER, agent=agent), others, NOTES, name, content)
    assert demo.dav(OWNER, agent="gvfs/1.50").put((*NOTES, name), content).status == 403


def test_two_people_have_each_their_own_side_file_of_one_name(demo: Server) -> None:
    name = (*NOTES, ".DS_Store")
    contents = {login: b"\x00\x00\x00\x01Bud1" + login.encode() for login in (OWNER, OTHER, EXPERT)}
    for login, content in contents.items():
        assert demo.dav(login, agent=FINDER).put(name, content).status == 201
    for login, content in contents.items():
        assert demo.dav(login, agent=FINDER).get(name).body == content
        assert demo.dav(login, agent=FINDER).delete(name).status == 204


def test_side_files_are_listed_to_their_creator_and_leave_a_folder_empty(demo: Server) -> None:
    mac = demo.dav(OWNER, agent=FINDER)
    folder = (*BOX, "Photos du 12")
    assert mac.mkcol(folder).status == 201
    assert mac.put((*folder, ".DS_Store"), LITTER[".DS_Store"]).status == 201
    assert mac.names(folder) == []  # so that a Mac can remove it
    assert mac.put((*folder, "une.jpg"), b"\xff\xd8\xff").status == 201
    assert set(mac.names(folder)) == {".DS_Store", "une.jpg"}

    assert mac.move(folder, (*BOX, "Photos du 13")).status == 201
    assert mac.get((*BOX, "Photos du 13", ".DS_Store")).body == LITTER[".DS_Store"]
    assert mac.delete((*BOX, "Photos du 13")).status == 204


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("~$Constat.pdf", b"%PDF-1.4" + b"x" * 3_000_000),
        ("~$Constat.pdf", b"%PDF-1.4" + b"x" * 500),
        ("._Constat.pdf", b"%PDF-1.4" + b"x" * 500),
        (".DS_Store", b"PK\x03\x04" + b"x" * 500),
        ("Thumbs.db", b"\xff\xd8\xff" + b"x" * 500),
        ("desktop.ini", b"[" + b"x" * 70_000),
        ("desktop.ini", b"Note au dossier"),
        ("~$Dire.doc", WORD_97),
        ("~$notes.txt", b"Le mur penche."),
        ("._notes.txt", b"Le mur penche."),
        ("Thumbs.db", WORD_97 + bytes(3_000_000)),
        (".Dire.odt.swp", b"Le mur penche."),
        (".~lock.Dire.odt#", b"Le mur penche."),
        ("._gros.pdf", b"\x00\x05\x16\x07" + b"x" * 20_000_001),
    ],
)
def test_a_document_under_a_technical_name_is_refused_aloud_never_swallowed(
    demo: Server, name: str, content: bytes
) -> None:
    for agent in (FINDER, WINDOWS, "rclone/v1.60"):
        author = demo.dav(OWNER, agent=agent)
        author.delete((*BOX, "passage.tmp"))
        author.delete((*BOX, name))
        whole = author.put((*BOX, name), content)
        chunked = author.request("PUT", (*BOX, name), iter([content]), chunked=True)
        for reply in (whole, chunked):
            assert (reply.status, name in reply.message) == (403, True), reply
        assert author.get((*BOX, name)).status == 404
        # Not by a detour either: a document is not renamed to be forgotten.
        author.put((*BOX, "vraie.pdf"), b"%PDF-1.4 vraie")
        assert author.move((*BOX, "vraie.pdf"), (*BOX, name)).status == 403
        assert author.get((*BOX, "vraie.pdf")).status == 200
        author.move((*BOX, "vraie.pdf"), (*BOX, "passage.tmp"))
        assert author.move((*BOX, "passage.tmp"), (*BOX, name)).status == 403
        assert author.copy((*BOX, "passage.tmp"), (*BOX, name)).status == 403
        author.delete((*BOX, "passage.tmp"))


def test_no_shared_document_gets_the_name_of_litter(expert: Dav) -> None:
    folder, other = (DOSSIER, "08 Plans"), ("Espace de l'expert",)
    document = (*folder, "contrat.pdf")
    assert expert.put(document, b"%PDF-1.4 contrat").status == 201

    for place in (folder, other):
        for name in LITTER:
            reply = expert.move(document, (*place, name))
            assert (reply.status, "fichier technique" in reply.message) == (403, True), name
    # What a program calls a document that it is saving is another matter.
    assert expert.move(document, (*folder, "~WRL0002.tmp")).status == 201
    assert expert.move((*folder, "~WRL0002.tmp"), document).status == 201
    assert expert.delete(document).status == 204


def test_nothing_of_all_this_is_a_deposit_a_mail_or_a_byte_counted(demo: Server) -> None:
    wanted = {*LITTER, *TEMPORARY}
    told = {
        line["name"]
        for mail in demo.json("alerts", "queue")
        if mail["kind"] != "opération refusée"
        for line in mail["lines"]
    }

    assert not wanted & {line["name"] for line in demo.json("deposits", "list")}
    assert not wanted & told
    demo.verify()  # its quotas are the sums of what is not a side file
