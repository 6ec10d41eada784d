"""LibreOffice: L1 and L2 by its own WebDAV, L3 on a drive that Windows mounts."""

from tests.replay import explorer
from tests.replay.answers import both, content, explained, has, prop, says, writable
from tests.replay.bodies import asking, lockinfo, pdf
from tests.replay.script import Client, Play, Row, Unseen

LIBREOFFICE = Client("LibreOffice 24.8.4.2 curl/8.11.0", "Accept: */*", asks_first="connection")
XML = "Content-Type: application/xml"
LOCKING = f"{XML} | Depth: 0 | Timeout: Second-180"
LOCKINFO = lockinfo("LibreOffice - cabinet")
NAMED = asking(
    "D:resourcetype", "U:IsReadOnly", "D:getcontenttype", "D:supportedlock",
    namespaces=' xmlns:U="http://ucb.openoffice.org/dav/props/"',
)  # fmt: skip
READ_ONLY = both(prop("{DAV:}supportedlock", ""), says(b"<D:multistatus"))


def test_l1_a_new_document_saved_is_one_deposit(player: Play) -> None:
    file = pdf("L1")
    player(LIBREOFFICE).play(
        Row("OPTIONS", "B/l1.odt", "", None, 200, writable),
        Row("PROPFIND", "B/l1.odt", f"{XML} | Depth: 0", NAMED, 404),
        Row("LOCK", "B/l1.odt", LOCKING, LOCKINFO, 201, has("lock-token")),
        Row("PUT", "B/l1.odt", "If: (<T>)", file, 204),
        Row("UNLOCK", "B/l1.odt", "Lock-Token: <T>", None, 204),
        becomes={"l1.odt": file},
    )


def test_l2_a_sealed_document_opens_read_only(player: Play, long_sealed: dict[str, bytes]) -> None:
    player(LIBREOFFICE).play(
        Row("PROPFIND", "B/l2.odt", f"{XML} | Depth: 0", NAMED, 207, READ_ONLY),
        Row("LOCK", "B/l2.odt", LOCKING, LOCKINFO, 423, explained),
        Row("GET", "B/l2.odt", "", None, 200, content(long_sealed["l2.odt"])),
        Row("PUT", "B/l2.odt", "", pdf("L2 otherwise"), 403, explained),
    )


def test_l3_its_lock_file_on_a_drive_is_taken_in_and_shown_to_nobody(player: Play) -> None:
    path, name = "B/.~lock.l3.odt%23", ".~lock.l3.odt#"
    player(explorer.WINDOWS).play(
        *explorer.copies(path, b",CABINET/maitre,PC-12,14.06.2024 16:20,file:///C:/Users/maitre;"),
        Unseen(name),
        Row("DELETE", path, "", None, 204),
        Row("PROPFIND", path, "Depth: 0", b"", 404),
    )
