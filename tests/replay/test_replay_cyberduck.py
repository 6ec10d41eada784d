"""Cyberduck: C1 to C3."""

from tests.replay.answers import inside, lists
from tests.replay.bodies import ALLPROP, pdf, setting
from tests.replay.script import Client, Play, Row, Unseen
from tests.replay.wire import Expecting

CYBERDUCK = Client("Cyberduck/9.1.3.42945 (Mac OS X/14.6.1) (aarch64)", "Connection: Keep-Alive")
XML = "Content-Type: text/xml; charset=UTF-8"
MODIFIED = setting(
    "<S:lastmodified>Fri, 14 Jun 2024 16:20:00 GMT</S:lastmodified>", 'xmlns:S="SAR:"'
)


def test_c1_a_large_file_is_sent_when_it_is_invited(player: Play) -> None:
    file = pdf("C1", 2_000_000)
    player(CYBERDUCK).play(
        Row("HEAD", "/dav", "", None, 200),
        Row("PUT", "B/c1.pdf", "", Expecting(file), 201),
        Row("PROPFIND", "B", f"{XML} | Depth: 1", ALLPROP, 207, lists("c1.pdf")),
        Row("PROPPATCH", "B/c1.pdf", XML, MODIFIED, 207, inside(200)),
        becomes={"c1.pdf": file},
    )


def test_c2_a_temporary_name_that_is_given_up_is_one_deposit(player: Play) -> None:
    file, temporary = pdf("C2"), "c2.pdf-1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
    player(CYBERDUCK).play(
        Row("PUT", f"B/{temporary}", "", Expecting(file), 201),
        Row("MOVE", f"B/{temporary}", "Destination: B/c2.pdf | Overwrite: T", None, 201),
        Unseen(temporary),
        becomes={"c2.pdf": file},
    )


def test_c3_a_part_of_a_file_is_refused_and_nothing_is_changed(player: Play) -> None:
    first, rest = pdf("C3 first", 100), pdf("C3 rest", 100)
    player(CYBERDUCK).play(
        Row("PUT", "B/c3.pdf", "Content-Range: bytes 100-199/200", rest, 400),
        Row("PROPFIND", "B/c3.pdf", f"{XML} | Depth: 0", ALLPROP, 404),
        Row("PUT", "B/c3.pdf", "", Expecting(first), 201),
        Row("PUT", "B/c3.pdf", "Content-Range: bytes 100-199/200", Expecting(rest), 400),
        becomes={"c3.pdf": first},
    )
