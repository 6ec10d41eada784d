"""GNOME's gvfs: G1 to G3. One PUT, never a lock."""

from tests.replay.answers import both, content, explained, has, lists, writable
from tests.replay.bodies import asking, pdf
from tests.replay.script import Client, Play, Row, Sealed, Unseen

GVFS = Client("gvfs/1.54.4", "Accept-Language: fr-fr", asks_first="connection")
MOUNTABLE = both(writable, has("MS-Author-Via", "DAV"))
NAMED = asking(
    "D:creationdate", "D:displayname", "D:getcontentlength", "D:getcontenttype", "D:getetag",
    "D:getlastmodified", "D:resourcetype",
)  # fmt: skip
DEPTH_0 = "Content-Type: application/xml | Depth: 0"
DEPTH_1 = "Content-Type: application/xml | Depth: 1"
MTIME = "X-OC-Mtime: 1718382000"


def test_g1_a_file_copied_in_is_one_deposit_and_is_not_replaced(player: Play) -> None:
    file, other = pdf("G1"), pdf("G1 otherwise")
    climbing = [
        row
        for path in ("B", "D", "/dav", "/")
        for row in (
            Row("OPTIONS", path, "", None, 200, MOUNTABLE),
            Row("PROPFIND", path, DEPTH_1, NAMED, 207),
        )
    ]
    player(GVFS).play(
        *climbing,
        Row("PROPFIND", "B/g1.pdf", DEPTH_0, NAMED, 404),
        Row("PUT", "B/g1.pdf", f"Overwrite: F | {MTIME}", file, 201),
        Unseen("g1.pdf"),
        Sealed("g1.pdf"),
        Row("PUT", "B/g1.pdf", f"Overwrite: F | {MTIME}", other, 412),
        Row("PUT", "B/g1.pdf", f"Overwrite: T | {MTIME}", other, 403, explained),
        becomes={"g1.pdf": file},
    )


def test_g2_a_new_folder_is_named(player: Play) -> None:
    made = "B/Untitled%20Folder/"
    player(GVFS).play(
        Row("MKCOL", made, "", None, 201),
        Row("PROPFIND", "B/Photos%20G2", DEPTH_0, NAMED, 404),
        Row("PROPFIND", made, DEPTH_0, NAMED, 207),
        Row("MOVE", made, "Destination: B/Photos%20G2/ | Overwrite: F", None, 201),
        Row("PROPFIND", "B", DEPTH_1, NAMED, 207, lists("Photos G2")),
    )


def test_g3_a_program_saves_again_until_the_piece_is_sealed(player: Play) -> None:
    second = pdf("G3 second")
    player(GVFS).play(
        Row("HEAD", "B/g3.odt", "", None, 404),
        Row("PUT", "B/g3.odt", "", pdf("G3 first"), 201, has("etag")),
        Row("HEAD", "B/g3.odt", "", None, 200, has("etag")),
        Row("PUT", "B/g3.odt", "If-Match: {etag}", second, 204),
        Sealed("g3.odt"),
        Row("HEAD", "B/g3.odt", "", None, 200, has("etag")),
        Row("PUT", "B/g3.odt", "If-Match: {etag}", pdf("G3 third"), 403, explained),
        Row("GET", "B/g3.odt", "", None, 200, content(second)),
        becomes={"g3.odt": second},
    )
