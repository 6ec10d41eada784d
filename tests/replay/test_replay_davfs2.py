"""davfs2, which sends a file long after it was closed: D1 to D3."""

import pytest

from tests.replay.answers import both, explained, has, inside, prop, says
from tests.replay.bodies import asking, lockinfo, pdf, setting
from tests.replay.script import Client, NewConnection, Play, Row, Sealed, Unseen, Wait
from tests.replay.wire import Unanswered

DAVFS2 = Client(
    "davfs2/1.7.1 neon/0.33.0", "Connection: TE | TE: trailers", asks_first="connection"
)
XML = "Content-Type: application/xml"
LOCKING = f"{XML} | Depth: 0 | Timeout: Second-1800"
LOCKINFO = lockinfo("davfs2 cabinet/lecteur expertise")
GRANTED = both(has("lock-token"), says(b">davfs2 cabinet/lecteur expertise</D:owner>"))
NAMED = asking(
    "D:resourcetype", "D:getcontentlength", "D:getetag", "D:getlastmodified", "A:executable",
    namespaces=' xmlns:A="http://apache.org/dav/props/"',
)  # fmt: skip
FREE = "If: <url> (<T>) | If-None-Match: *"


def test_d1_a_file_is_sent_ten_seconds_after_cp_has_ended(player: Play) -> None:
    file = pdf("D1")
    player(DAVFS2).play(
        Row("PROPFIND", "B/", f"{XML} | Depth: 1", NAMED, 207),
        Row("LOCK", "B/d1.pdf", f"{LOCKING} | If-None-Match: *", LOCKINFO, 201, GRANTED),
        Row("HEAD", "B/d1.pdf", "", None, 200, has("content-length", "0")),
        Unseen("d1.pdf"),
        Wait(10),
        Row("PUT", "B/d1.pdf", FREE, file, (201, 204), has("etag")),
        Row("UNLOCK", "B/d1.pdf", "Lock-Token: <T>", None, 204),
        becomes={"d1.pdf": file},
    )


def test_d1_a_file_is_sent_on_the_condition_that_nobody_changed_it(player: Play) -> None:
    file = pdf("D1 matched")
    player(DAVFS2).play(
        Row("LOCK", "B/d1-match.pdf", f"{LOCKING} | If-None-Match: *", LOCKINFO, 201, GRANTED),
        Row("HEAD", "B/d1-match.pdf", "", None, 200, has("etag")),
        Wait(10),
        Row("PUT", "B/d1-match.pdf", "If: <url> (<T>) | If-Match: {etag}", file, (201, 204)),
        Row("UNLOCK", "B/d1-match.pdf", "Lock-Token: <T>", None, 204),
        becomes={"d1-match.pdf": file},
    )


@pytest.mark.usefixtures("long_sealed")
def test_d1_a_sealed_name_is_refused_at_lock(player: Play) -> None:
    player(DAVFS2).play(
        Row("LOCK", "B/d1-sealed.pdf", f"{LOCKING} | If-None-Match: *", LOCKINFO, 412),
        Row("LOCK", "B/d1-sealed.pdf", LOCKING, LOCKINFO, 423, explained),
    )


@pytest.mark.usefixtures("long_sealed")
def test_d1_whatever_is_refused_to_davfs2_is_shown_as_locked(player: Play) -> None:
    executable = setting("<A:executable>T</A:executable>", 'xmlns:A="http://apache.org/dav/props/"')
    player(DAVFS2).play(
        Row("PUT", "B/d1-sealed.pdf", "", pdf("D1 otherwise"), 423, explained),
        Row("PUT", "B/d1-sealed.pdf", "", b"", 423, explained),
        Row("DELETE", "B/d1-sealed.pdf", "", None, 423, explained),
        Row("MOVE", "B/d1-sealed.pdf", "Destination: B/d1-b.pdf | Overwrite: T", None, 423,
            explained),
        Row("PUT", "D/08%20Plans/d1.pdf", "", pdf("D1"), 423, explained),
        Row("LOCK", "D/08%20Plans/d1.pdf", LOCKING, LOCKINFO, 423, explained),
        Row("MKCOL", "D/08%20Plans/d1/", "", None, 423, explained),
        Row("PROPPATCH", "B/d1-sealed.pdf", XML, executable, 207, inside(403)),
        refused=("d1-sealed.pdf", "d1.pdf"),
    )  # fmt: skip


def test_d2_a_lock_that_is_refreshed_for_fifteen_minutes_keeps_the_name(player: Play) -> None:
    file = pdf("D2")
    refresh = Row("LOCK", "B/d2.pdf", "Timeout: Second-1800 | If: (<T>)", None, 200)
    minutes = [step for _ in range(15) for step in (Wait(900, parts=15), refresh)]
    player(DAVFS2).play(
        Row("LOCK", "B/d2.pdf", f"{LOCKING} | If-None-Match: *", LOCKINFO, 201, GRANTED),
        *minutes,
        Unseen("d2.pdf"),
        Row("PROPFIND", "B/d2.pdf", f"{XML} | Depth: 0", NAMED, 207,
            prop("{DAV:}getcontentlength", "0")),
        Row("PUT", "B/d2.pdf", FREE, file, (201, 204)),
        Row("UNLOCK", "B/d2.pdf", "Lock-Token: <T>", None, 204),
        becomes={"d2.pdf": file},
    )  # fmt: skip


def test_d3_a_put_whose_answer_was_lost_succeeds_again_after_the_seal(player: Play) -> None:
    file = pdf("D3")
    player(DAVFS2).play(
        Row("LOCK", "B/d3.pdf", f"{LOCKING} | If-None-Match: *", LOCKINFO, 201, GRANTED),
        Row("PUT", "B/d3.pdf", FREE, Unanswered(file)),
        Sealed("d3.pdf"),
        NewConnection(),
        Row("PUT", "B/d3.pdf", FREE, file, 204),
        Row("UNLOCK", "B/d3.pdf", "Lock-Token: <T>", None, 204),
        becomes={"d3.pdf": file},
    )
