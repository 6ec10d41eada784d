"""Windows Explorer: W1 to W6. Each script's table is the whole story of one gesture."""

from tests.replay.answers import both, content, explained, has, inside, lists, prop, writable
from tests.replay.bodies import pdf
from tests.replay.explorer import (
    FOUR,
    LOCKINFO,
    LOCKING,
    TEXT_XML,
    TWO,
    WINDOWS,
    begins,
    unlocks,
    writes,
)
from tests.replay.script import NewConnection, Play, Row, Sealed, Unseen, Wait
from tests.replay.wire import Cut

MOUNTABLE = both(writable, has("MS-Author-Via", "DAV"))


def test_w1_a_file_dragged_into_the_box_is_one_deposit(player: Play) -> None:
    file = pdf("W1", 48_213)
    player(WINDOWS).play(
        Row("OPTIONS", "/dav", "User-Agent: DavClnt", b"", 200, MOUNTABLE),
        Row("PROPFIND", "/", "Depth: 0", b"", 207),
        Row("PROPFIND", "/dav", "Depth: 0", b"", 207),
        Row("PROPFIND", "D", "Depth: 0", b"", 207),
        Row("PROPFIND", "B", "Depth: 0", b"", 207),
        Row("PROPFIND", "B", "Depth: 1", b"", 207),
        Row("PROPFIND", "B/w1.pdf", "Depth: 0", b"", 404),
        *begins("B/w1.pdf"),
        Unseen("w1.pdf"),
        Wait(150),
        NewConnection(),
        *writes("B/w1.pdf", file),
        unlocks("B/w1.pdf"),
        Row("PROPFIND", "B", "Depth: 1", b"", 207, lists("w1.pdf")),
        Unseen("w1.pdf"),
        becomes={"w1.pdf": file},
    )


def test_w2_a_file_deleted_and_sent_again_in_mid_copy_is_sealed_once(player: Play) -> None:
    file = pdf("W2")
    player(WINDOWS).play(
        Row("PUT", "B/w2.pdf", "", b"", 201),
        Row("LOCK", "B/w2.pdf", LOCKING, LOCKINFO, 200, has("lock-token")),
        Row("DELETE", "B/w2.pdf", "If: (<T>)", None, 204),
        Row("PUT", "B/w2.pdf", "", file, 201),
        Row("LOCK", "B/w2.pdf", LOCKING, LOCKINFO, 200, has("lock-token")),
        unlocks("B/w2.pdf"),
        becomes={"w2.pdf": file},
    )


def test_w3_a_copy_that_is_aborted_leaves_nothing(player: Play) -> None:
    player(WINDOWS).play(
        Row("PUT", "B/w3.pdf", "", b"", 201),
        Row("LOCK", "B/w3.pdf", LOCKING, LOCKINFO, 200, has("lock-token")),
        Row("PUT", "B/w3.pdf", "If: (<T>)", Cut(pdf("W3", 300_000), 900_000), 400),
        Row("PROPFIND", "B/w3.pdf", "Depth: 0", b"", 207, prop("{DAV:}getcontentlength", "0")),
        unlocks("B/w3.pdf"),
        Row("DELETE", "B/w3.pdf", "", None, 204),
        Row("PROPFIND", "B/w3.pdf", "Depth: 0", b"", 404),
    )


def test_w4_a_new_folder_is_renamed(player: Play) -> None:
    player(WINDOWS).play(
        Row("PROPFIND", "B/New%20folder", "Depth: 0", b"", 404),
        Row("MKCOL", "B/New%20folder", "", b"", 201),
        Row("PROPPATCH", "B/New%20folder", TEXT_XML, FOUR, 207, inside(200)),
        Row("PROPFIND", "B/New%20folder/desktop.ini", "Depth: 0", b"", 404),
        Row("MOVE", "B/New%20folder", "Destination: B/Photos | Overwrite: F", b"", 201),
        Row("PROPFIND", "B", "Depth: 1", b"", 207, lists("Photos")),
    )


def test_w5_a_piece_sealed_six_minutes_ago_stays_as_it_is(
    player: Play, long_sealed: dict[str, bytes]
) -> None:
    file = long_sealed["w5.pdf"]
    player(WINDOWS).play(
        Row("DELETE", "B/w5.pdf", "", None, 403, explained),
        Row("MOVE", "B/w5.pdf", "Destination: B/w5b.pdf | Overwrite: F", b"", 403, explained),
        Row("LOCK", "B/w5.pdf", LOCKING, LOCKINFO, 423, explained),
        Row("PUT", "B/w5.pdf", "", b"", 403, explained),
        Row("PUT", "B/w5.pdf", "", pdf("W5 otherwise", 5_000), 403, explained),
        Row("PUT", "B/w5.pdf", "", file, 204),
        Row("PROPPATCH", "B/w5.pdf", TEXT_XML, TWO, 207, inside(403)),
        Row("GET", "B/w5.pdf", "", None, 200, content(file)),
        refused=("w5.pdf",),
    )


def test_w6_a_new_text_document_is_sealed_under_the_name_it_is_given(player: Play) -> None:
    empty = "B/Nouveau%20document%20texte.txt"
    text = b"Constat du 14 juin.\n"
    player(WINDOWS).play(
        Row("PUT", empty, "", b"", 201),
        Row("LOCK", empty, LOCKING, LOCKINFO, 200, has("lock-token")),
        Row("PROPPATCH", empty, f"{TEXT_XML} | If: (<T>)", FOUR, 207, inside(200)),
        unlocks(empty),
        Row("MOVE", empty, "Destination: B/w6%20note.txt | Overwrite: F", b"", 201),
        Wait(70),
        Unseen("w6 note.txt"),
        Row("LOCK", "B/w6%20note.txt", LOCKING, LOCKINFO, 200, has("lock-token")),
        Row("PUT", "B/w6%20note.txt", "If: (<T>)", text, 204),
        unlocks("B/w6%20note.txt"),
        Sealed("w6 note.txt"),
        Row("PROPFIND", empty, "Depth: 0", b"", 404),
        becomes={"w6 note.txt": text},
    )
