"""Two files whose names are one to the server (capitals, « ß » and « ss »): none takes the place of
the other in silence. The same file under its own name, in any form of its accents, is replaced."""

import unicodedata

import pytest

from tests.clients import DOSSIER, box
from tests.conftest import Start
from tests.serving import Server

AUTHOR, EXPERT = "cabinet.brumaire-kalve", "apolline.testard"
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
WINDOWS = "Microsoft-WebDAV-MiniRedir/10.0.22631"
FINDER = "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)"
STATUSES = {
    "curl/8.14.1": 403, "rclone/v1.60.1": 403, "gvfs/1.50.3": 403, "davfs2/1.7.1 neon/0.33.0": 423,
    WINDOWS: 403, FINDER: 403,
}  # fmt: skip
PAIRS = (
    ("Acte.txt", "acte.txt"), ("straße.pdf", "strasse.pdf"), ("ﬁche.pdf", "fiche.pdf"),
    ("\u212a.pdf", "k.pdf"), ("Éte\u0301.pdf", "ÉTÉ.pdf"), ("x.tmp", "X.tmp"),
)  # fmt: skip


@pytest.fixture(scope="module")
def open_long(start: Start) -> Server:
    """A server on which nothing is sealed for ten minutes."""
    return start(
        {"DAVSERVER_DEPOSIT__QUIET_LOCKED": "600", "DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "600"}
    )


@pytest.mark.parametrize("agent", STATUSES)
def test_what_is_unfinished_is_not_replaced_by_another_spelling(
    open_long: Server, agent: str
) -> None:
    author, refused = open_long.dav(AUTHOR, agent=agent), STATUSES[agent]
    author.put((*BOX, "venu.pdf"), b"vient d'ailleurs")
    for first, second in PAIRS:
        one, two = (*BOX, first), (*BOX, second)
        assert author.put(one, b"aaa").status == 201
        replies = [
            author.put(two, b"bbbb"),
            author.put(two),
            author.request("PUT", two, iter([b"bbbb"]), chunked=True),
            author.lock(two),
            author.move((*BOX, "venu.pdf"), two, Overwrite="T"),
            author.copy((*BOX, "venu.pdf"), two, Overwrite="T"),
        ]
        assert [reply.status for reply in replies] == [refused] * 6, (first, replies)
        stored = unicodedata.normalize("NFC", first)
        assert all(stored in reply.message for reply in replies), replies[0].message
        assert author.mkcol(two).status == 405
        assert author.put(two, b"bbbb", If_None_Match="*").status == 412
        # What a program takes back of what it could not send is not the other file.
        if agent is not WINDOWS:
            assert author.delete(two).status == refused
        assert author.get(one).body == b"aaa"
        assert author.delete(one).status == 204
    author.delete((*BOX, "venu.pdf"))


def test_a_form_of_the_accents_is_no_other_spelling(open_long: Server) -> None:
    mac = open_long.dav(AUTHOR, agent=FINDER)
    one, two = (*BOX, "état.pdf"), (*BOX, "e\u0301tat.pdf")
    assert mac.put(one, b"aaa").status == 201
    assert mac.put(two, b"bbbb").status == 204
    assert mac.lock(two).status == 200
    assert mac.get(one).body == b"bbbb"
    mac.delete(one)


@pytest.mark.parametrize("agent", STATUSES)
def test_folders_of_two_spellings_keep_each_its_files(open_long: Server, agent: str) -> None:
    author = open_long.dav(AUTHOR, agent=agent)
    author.mkcol((*BOX, "Lot"))
    assert author.put((*BOX, "Lot", "x.pdf"), b"aaa").status == 201

    reply = author.put((*BOX, "lot", "x.pdf"), b"bbbb")
    # Explorer asks before it writes over a file, and calls a folder as its user typed it.
    if agent is WINDOWS:
        assert reply.status == 204
    else:
        assert (reply.status, "Lot »" in reply.message) == (STATUSES[agent], True)
        assert "Donnez un autre nom à votre dossier." in reply.message
        assert author.get((*BOX, "Lot", "x.pdf")).body == b"aaa"
    # Nor does a new one go there: who has both folders would replace it by that of the other.
    reply = author.put((*BOX, "lot", "y.pdf"), b"cc")
    if agent is WINDOWS:
        assert reply.status == 201
    else:
        assert (reply.status, "Lot »" in reply.message) == (STATUSES[agent], True)
        assert "Donnez un autre nom à votre dossier." in reply.message
    assert author.put((*BOX, "Lot", "z.pdf"), b"cc").status == 201
    author.delete((*BOX, "Lot"))


@pytest.mark.parametrize("agent", [WINDOWS, FINDER])
def test_an_unfinished_file_or_folder_is_renamed_by_its_capitals_alone(
    open_long: Server, agent: str
) -> None:
    author = open_long.dav(AUTHOR, agent=agent)
    old, new = (*BOX, f"NOTE {agent[:3]}.pdf"), (*BOX, f"Note {agent[:3]}.pdf")
    author.put(old)
    held = author.lock(old).headers["lock-token"]
    assert author.put(old, b"%PDF-1.4 a", If=f"({held})").status == 204
    author.unlock(old, held)
    assert author.move(old, new, Overwrite="F").status in (201, 204)
    assert new[-1] in author.names(BOX)
    held = author.lock(new).headers["lock-token"]
    assert author.put(new, b"%PDF-1.4 b", If=f"({held})").status == 204
    assert author.unlock(new, held).status == 204
    assert author.get(new).body == b"%PDF-1.4 b"

    author.mkcol((*BOX, f"PHOTOS {agent[:3]}"))
    assert author.move((*BOX, f"PHOTOS {agent[:3]}"), (*BOX, f"Photos {agent[:3]}")).status < 300
    assert author.put((*BOX, f"Photos {agent[:3]}", "p.jpg"), b"\xff\xd8").status == 201
    author.delete((*BOX, f"Photos {agent[:3]}"))


def test_the_experts_own_documents_neither(open_long: Server) -> None:
    expert = open_long.dav(EXPERT, agent="rclone/v1.60.1")
    plans = (DOSSIER, "08 Plans")
    assert expert.put((*plans, "Coupe.pdf"), b"aaa").status == 201
    assert expert.put((*plans, "coupe.pdf"), b"bbbb").status == 403
    assert expert.get((*plans, "Coupe.pdf")).body == b"aaa"
    assert expert.put((*plans, "Coupe.pdf"), b"cc").status == 204


def test_an_invisible_look_alike_is_refused_over_the_drive(open_long: Server) -> None:
    author = open_long.dav(AUTHOR)
    for name in ("a\u00adb.pdf", "a\u200cb.pdf", "a\u034fb.pdf", "a\u180eb.pdf", "a\u3164b.pdf",
                 "a\U000e0041b.pdf", "Constat.pdf\u00a0", "\u3000Constat.pdf"):  # fmt: skip
        for reply in (author.put((*BOX, name), b"x"), author.mkcol((*BOX, name))):
            assert (reply.status, "pas possible" in reply.message) == (403, True), name
