"""KDE's kio: K1. Each request asks without credentials first, on connections of its own."""

from tests.replay.answers import lists
from tests.replay.bodies import asking, pdf
from tests.replay.script import Client, Play, Row, Unseen

KDE = Client(
    "Mozilla/5.0 (X11; Linux x86_64) KIO/6.13 kioworker/6.13.0",
    "Connection: keep-alive | Accept-Language: fr-FR,en;q=0.9",
    asks_first="request",
)
NAMED = asking(
    "D:creationdate", "D:getcontentlength", "D:displayname", "D:source", "D:getcontentlanguage",
    "D:getcontenttype", "D:getlastmodified", "D:getetag", "D:supportedlock", "D:lockdiscovery",
    "D:resourcetype", "D:quota-available-bytes", "D:quota-used-bytes",
)  # fmt: skip
XML = "Content-Type: text/xml; charset=utf-8 | Depth: "


def test_k1_a_file_copied_in_and_renamed_is_one_deposit(player: Play) -> None:
    file = pdf("K1")
    player(KDE).play(
        Row("PROPFIND", "B/k1.pdf", f"{XML}0", NAMED, 404),
        Row("PUT", "B/k1.pdf", "", file, 201),
        Row("MKCOL", "B/Photos%20K1", "", None, 201),
        Row("MOVE", "B/k1.pdf", "Destination: B/k1-renamed.pdf | Depth: infinity | Overwrite: F",
            None, 201),
        Unseen("Photos K1"),
        Row("PROPFIND", "B", f"{XML}1", NAMED, 207, lists("k1-renamed.pdf", "Photos K1")),
        becomes={"k1-renamed.pdf": file},
    )  # fmt: skip
