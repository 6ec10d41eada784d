"""Finder, cp and Cocoa programs on a Mac: M1 to M6."""

from tests.replay.answers import (
    both,
    content,
    explained,
    inside,
    lacks,
    lists,
    prop,
    writable,
)
from tests.replay.bodies import pdf
from tests.replay.finder import (
    APPLE_DOUBLE,
    DS_STORE,
    FINDER,
    GRANTED,
    LOCKINFO,
    LOCKING,
    NAMED,
    QUOTA,
    XML,
    begins,
    copies,
    drags,
    unlocks,
)
from tests.replay.script import NewConnection, Play, Row, Sealed, Unseen, Wait
from tests.replay.wire import Chunked


def test_m1_a_file_dragged_in_finder_is_one_deposit_without_its_side_files(player: Play) -> None:
    file, path, side = pdf("M1", 300_000), "B/e%CC%81tat-m1.pdf", "B/._e%CC%81tat-m1.pdf"
    assert (len(APPLE_DOUBLE), len(DS_STORE)) == (4_096, 6_148)
    player(FINDER).play(
        Row("OPTIONS", "/dav", "User-Agent: WebDAVLib/1.3 | Connection: close", b"", 200,
            writable),
        Row("PROPFIND", "/dav", f"{XML}0", QUOTA, 207, inside(404), within=1.0),
        Row("PROPFIND", path, f"{XML}0", NAMED, 404),
        Row("PROPFIND", side, f"{XML}0", NAMED, 404),
        *drags(path, side, file),
        Wait(2),
        Row("LOCK", path, LOCKING, LOCKINFO, 200, GRANTED),
        Row("GET", path, "If-None-Match: {etag}", None, (200, 304)),
        unlocks(path),
        Row("PUT", "B/.DS_Store", "", None, 201),
        Row("LOCK", "B/.DS_Store", LOCKING, LOCKINFO, 200, GRANTED),
        Row("PUT", "B/.DS_Store", "X-Expected-Entity-Length: 6148 | If: (<T>)",
            Chunked(DS_STORE), 204),
        unlocks("B/.DS_Store"),
        Row("PROPFIND", "B", f"{XML}1", NAMED, 207, lists("état-m1.pdf")),
        Row("GET", side, "", None, 200, content(APPLE_DOUBLE)),
        Unseen("._état-m1.pdf"),
        Unseen(".DS_Store"),
        becomes={"état-m1.pdf": file},
    )  # fmt: skip


def test_m2_a_mac_may_touch_what_it_copied_for_two_minutes_after_the_seal(player: Play) -> None:
    file = pdf("M2", 1_000)
    player(FINDER).play(
        *copies("B/m2.pdf", file),
        Sealed("m2.pdf"),
        Wait(40),
        Row("LOCK", "B/m2.pdf", LOCKING, LOCKINFO, 200, GRANTED),
        unlocks("B/m2.pdf"),
        Wait(360),
        Row("LOCK", "B/m2.pdf", LOCKING, LOCKINFO, 403, explained),
        becomes={"m2.pdf": file},
    )


def test_m3_a_body_shorter_than_finder_said_changes_nothing(player: Play) -> None:
    file, said = pdf("M3", 300_000), "X-Expected-Entity-Length: 300000 | If: (<T>)"
    player(FINDER).play(
        *begins("B/m3.pdf"),
        Row("PUT", "B/m3.pdf", said, Chunked(file[:120_000]), 400),
        Row("PROPFIND", "B/m3.pdf", f"{XML}0", NAMED, 207, prop("{DAV:}getcontentlength", "0")),
        Unseen("m3.pdf"),
        Row("PUT", "B/m3.pdf", said, Chunked(file), 204),
        unlocks("B/m3.pdf"),
        becomes={"m3.pdf": file},
    )


def test_m4_an_untitled_folder_is_renamed(player: Play) -> None:
    untitled = "B/untitled%20folder/"
    player(FINDER).play(
        Row("PROPFIND", "B/untitled%20folder", f"{XML}0", NAMED, 404),
        Row("MKCOL", untitled, "", None, 201),
        Row("PROPFIND", "B", f"{XML}1", NAMED, 207, lists("untitled folder")),
        Row("PROPFIND", untitled, f"{XML}1", NAMED, 207),
        Row("MOVE", untitled, "Destination: B/Photos%20M4/", None, 201),
        Row("PROPFIND", "B", f"{XML}1", NAMED, 207,
            both(lists("Photos M4"), lacks("untitled folder"))),
    )  # fmt: skip


def test_m5_a_taken_name_is_refused_at_the_first_step(
    player: Play, long_sealed: dict[str, bytes]
) -> None:
    player(FINDER).play(
        Row("PUT", "B/m5.pdf", "", None, 403, explained),
        Row("LOCK", "B/m5.pdf", LOCKING, LOCKINFO, 403, explained),
        *copies("B/m5-other.pdf", pdf("M5")),
        Row("MOVE", "B/m5-other.pdf", "Destination: B/m5.pdf", None, 403, explained),
        Row("GET", "B/m5.pdf", "", None, 200, content(long_sealed["m5.pdf"])),
        Row("DELETE", "B/m5-other.pdf", "", None, 204),
    )


def test_m6_a_program_saves_over_its_own_unfinished_file(player: Play) -> None:
    folder, new = "B/m6.txt.sb-ac6800a0-t3YBFI/", b"second text\n"
    player(FINDER).play(
        *copies("B/m6.txt", b"first text\n"),
        Row("MKCOL", folder, "", None, 201),
        *copies(f"{folder}m6.txt", new),
        Unseen("m6.txt.sb-ac6800a0-t3YBFI"),
        Row("MOVE", f"{folder}m6.txt", "Destination: B/m6.txt", None, 204),
        Row("DELETE", folder, "", None, 204),
        NewConnection(),
        Row("GET", "B/m6.txt", "", None, 200, content(new)),
        Row("PROPFIND", folder, f"{XML}0", NAMED, 404),
        becomes={"m6.txt": new},
    )


def test_m6_a_program_that_saves_over_a_sealed_piece_keeps_its_text(
    player: Play, long_sealed: dict[str, bytes]
) -> None:
    folder, new = "B/m6-sealed.txt.sb-ac6800a0-t3YBFI/", b"second text\n"
    player(FINDER).play(
        Row("MKCOL", folder, "", None, 201),
        *copies(f"{folder}m6-sealed.txt", new),
        Row("MOVE", f"{folder}m6-sealed.txt", "Destination: B/m6-sealed.txt", None, 403, explained),
        Row("GET", f"{folder}m6-sealed.txt", "", None, 200, content(new)),
        Row("GET", "B/m6-sealed.txt", "", None, 200, content(long_sealed["m6-sealed.txt"])),
        Unseen("m6-sealed.txt.sb-ac6800a0-t3YBFI"),
    )
