"""DAVx5, as Android's file manager: A1 and A2. An empty file first, its content minutes later."""

from tests.replay.answers import content, has, prop_has, writable
from tests.replay.bodies import asking, pdf
from tests.replay.script import Client, NewConnection, Play, Row, Sealed, Unseen, Wait
from tests.replay.wire import Chunked

DAVX5 = Client(
    "DAVx5/4.4.5-ose (dav4jvm; okhttp/4.12.0) Android/14",
    "Accept-Language: fr-FR, fr;q=0.7, *;q=0.5 | Connection: Keep-Alive",
)
NAMED = asking(
    "D:resourcetype", "D:current-user-privilege-set", "D:displayname", "D:getetag",
    "D:getcontenttype", "D:getcontentlength", "D:getlastmodified", "D:quota-available-bytes",
    "D:quota-used-bytes",
)  # fmt: skip
XML = "Content-Type: application/xml; charset=utf-8 | Depth: "
BINDS = prop_has("{DAV:}current-user-privilege-set", "{DAV:}bind")


def test_a1_a_document_is_deposited_when_its_content_has_come(player: Play) -> None:
    file = pdf("A1", 700_000)
    player(DAVX5).play(
        Row("OPTIONS", "B/", "", None, 200, writable),
        Row("PROPFIND", "B/", f"{XML}1", NAMED, 207, BINDS),
        Row("PUT", "B/a1.pdf", "If-None-Match: *", b"", 201),
        Wait(120),
        NewConnection(),
        Row("HEAD", "B/a1.pdf", "", None, 200, has("content-length", "0")),
        Unseen("a1.pdf"),
        Row("PUT", "B/a1.pdf", "", Chunked(file), 204),
        Unseen("a1.pdf"),
        Sealed("a1.pdf"),
        Row("PUT", "B/a1.pdf", "If-None-Match: *", b"", 412),
        becomes={"a1.pdf": file},
    )


def test_a2_an_empty_document_is_never_published(player: Play) -> None:
    witness = pdf("A2 witness")
    player(DAVX5).play(
        Row("PUT", "B/a2.pdf", "If-None-Match: *", b"", 201),
        Row("PUT", "B/a2.pdf", "", b"", 204),
        Row("PUT", "B/a2-witness.pdf", "", witness, 201),
        Sealed("a2-witness.pdf"),
        Row("GET", "B/a2.pdf", "", None, 200, content(b"")),
        Unseen("a2.pdf"),
        Row("DELETE", "B/a2.pdf", "", None, 204),
        becomes={"a2-witness.pdf": witness},
    )
