"""Microsoft Office: O1 and O2 through a drive that Windows mounts, O3 by the document's address."""

from tests.replay import explorer
from tests.replay.answers import both, content, explained, has, lists, writable
from tests.replay.bodies import lockinfo, pdf
from tests.replay.explorer import LOCKINFO, LOCKING, WINDOWS
from tests.replay.script import Client, Play, Row, Unseen

WORD = Client("Microsoft Office Word 2014 (16.0.17928) Windows NT 10.0", "X-Office-Version: 16.0")
WORD_LOCKING = 'Content-Type: text/xml; charset="utf-8" | Depth: 0 | Timeout: Second-3600'
WORD_LOCKINFO = lockinfo("<D:href>CABINET\\maitre</D:href>")
BASIC = has("www-authenticate", 'Basic realm="davserver", charset="UTF-8"')
MOUNTABLE = both(writable, has("MS-Author-Via", "DAV"))
OWNER_FILE = b"\x06Maitre" + bytes(155)


def test_o1_word_does_not_change_a_sealed_document_and_loses_no_text(
    player: Play, long_sealed: dict[str, bytes]
) -> None:
    before, typed = long_sealed["o1.docx"], pdf("O1 typed", 20_000)
    owner, temporary = "B/~%24o1.docx", "B/~WRD0001.tmp"
    player(WINDOWS).play(
        Row("LOCK", "B/o1.docx", LOCKING, LOCKINFO, 423, explained),
        Row("GET", "B/o1.docx", "", None, 200, content(before)),
        *explorer.copies(owner, OWNER_FILE),
        *explorer.copies(temporary, typed),
        Row("MOVE", "B/o1.docx", "Destination: B/~WRL0002.tmp | Overwrite: F", b"", 403, explained),
        Row("MOVE", temporary, "Destination: B/o1.docx | Overwrite: T", b"", 403, explained),
        Row("GET", temporary, "", None, 200, content(typed)),
        Unseen("~$o1.docx"),
        Unseen("~WRD0001.tmp"),
        Row("DELETE", owner, "", None, 204),
        Row("GET", "B/o1.docx", "", None, 200, content(before)),
    )


def test_o2_excels_swap_on_an_unfinished_deposit_is_one_deposit(player: Play) -> None:
    path, new, old = "B/o2.xlsx", "B/34429E5E.tmp", "B/A9A97EC7.tmp"
    last = pdf("O2 last", 30_000)
    player(WINDOWS).play(
        *explorer.begins(path),
        *explorer.writes(path, pdf("O2 first", 20_000)),
        *explorer.copies(new, last),
        explorer.unlocks(path),
        Row("PROPFIND", old, "Depth: 0", b"", 404),
        Row("MOVE", path, f"Destination: {old} | Overwrite: F", b"", 201),
        Row("MOVE", new, f"Destination: {path} | Overwrite: F", b"", 201),
        Row("DELETE", old, "", None, 204),
        Row("PROPFIND", "B", "Depth: 1", b"", 207, lists("o2.xlsx")),
        becomes={"o2.xlsx": last},
    )


def test_o3_word_by_address_writes_what_is_open_and_reads_what_is_sealed(
    player: Play, long_sealed: dict[str, bytes]
) -> None:
    last = pdf("O3 last", 30_000)
    player(WORD).play(
        Row("OPTIONS", "B/", "Authorization: Bearer", None, 401, BASIC),
        Row("OPTIONS", "B/", "", None, 200, MOUNTABLE),
        Row("PUT", "B/o3-open.docx", "", pdf("O3 first"), 201),
        Row("HEAD", "B/o3-open.docx", "", None, 200, has("etag")),
        Row("LOCK", "B/o3-open.docx", WORD_LOCKING, WORD_LOCKINFO, 200, has("lock-token")),
        Row("GET", "B/o3-open.docx", "If-None-Match: {etag}", None, 200),
        Row("PUT", "B/o3-open.docx", "If: (<T>)", last, 204),
        Row("UNLOCK", "B/o3-open.docx", "Lock-Token: <T>", None, 204),
        Row("HEAD", "B/o3.docx", "", None, 200, has("etag")),
        Row("LOCK", "B/o3.docx", WORD_LOCKING, WORD_LOCKINFO, 423, explained),
        Row("GET", "B/o3.docx", "If-None-Match: {etag}", None, 200,
            content(long_sealed["o3.docx"])),
        Row("PUT", "B/o3.docx", "If: (<T>)", last, 403, explained),
        becomes={"o3-open.docx": last},
    )  # fmt: skip
