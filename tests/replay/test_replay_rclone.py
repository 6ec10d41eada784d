"""rclone: R1 to R3. What fails is deleted a second later."""

from tests.replay.answers import content, explained, prop
from tests.replay.bodies import asking, pdf
from tests.replay.script import Client, Play, Row, Wait
from tests.replay.wire import Cut

RCLONE = Client("rclone/v1.66.0", "Referer: http://localhost/dav/")
NAMED = asking("D:displayname", "D:getlastmodified", "D:getcontentlength", "D:resourcetype")


def test_r1_a_file_copied_in_is_one_deposit(player: Play) -> None:
    file = pdf("R1", 48_213)
    player(RCLONE).play(
        Row("PROPFIND", "B/", "Depth: 1", NAMED, 207),
        Row("MKCOL", "B/", "", None, 405),
        Row("PUT", "B/r1.pdf", "Content-Type: application/pdf", file, 201),
        Row("PROPFIND", "B/r1.pdf", "Depth: 0", NAMED, 207,
            prop("{DAV:}getcontentlength", "48213")),
        becomes={"r1.pdf": file},
    )  # fmt: skip


def test_r2_a_sealed_piece_outlives_a_failed_copy(
    player: Play, long_sealed: dict[str, bytes]
) -> None:
    player(RCLONE).play(
        Row("PUT", "B/r2.pdf", "", pdf("R2 otherwise"), 403, explained),
        Wait(1),
        Row("DELETE", "B/r2.pdf", "", None, 403, explained),
        Row("GET", "B/r2.pdf", "Depth: 0", None, 200, content(long_sealed["r2.pdf"])),
    )


def test_r3_a_copy_that_broke_off_leaves_nothing(player: Play) -> None:
    player(RCLONE).play(
        Row("PUT", "B/r3.pdf", "", Cut(pdf("R3", 300_000), 900_000), 400),
        Wait(1),
        Row("DELETE", "B/r3.pdf", "", None, (204, 404)),
        Row("PROPFIND", "B/r3.pdf", "Depth: 0", NAMED, 404),
    )
