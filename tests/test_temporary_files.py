"""Documents under temporary names: their author is told, and can still give them their names."""

from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests.conftest import Start
from tests.post import Post, settings, text
from tests.serving import Server, wait_for
from tests.test_side_files import BOX, FINDER, LITTER, OTHER, OWNER, WINDOWS

PDF = b"%PDF-1.4\n" + b"x" * 3_000
BIG = b"%PDF-1.4\n" + b"x" * 3_000_000
UNLUCKY = ("Constat.pdf~", "Constat.tmp", "vidéo.part", "x.crdownload", "4913", "20240612")
TOLD = {"DAVSERVER_DEPOSIT__TEMPORARY_TOLD": "5", "DAVSERVER_DEPOSIT__SIDE_FILE_LIFE": "6"}


@pytest.fixture(scope="module")
def told(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Post]]:
    """A server on which temporary files are told of after two seconds, and the mail server."""
    post = Post(tmp_path_factory.mktemp("post") / "maildir")
    post.start()
    yield start({**settings(post, window=1), **TOLD}), post
    post.stop()


def words_of(post: Post, subject: str, name: str) -> list[EmailMessage]:
    """The mails of such a subject that tell of ``name``."""
    return [mail for mail in post.mails() if subject in str(mail["Subject"]) and name in text(mail)]


def test_a_document_under_a_temporary_name_is_told_to_its_author_and_kept_for_him(
    told: tuple[Server, Post],
) -> None:
    server, post = told
    windows = server.dav(OWNER, agent=WINDOWS)
    for name in UNLUCKY:
        assert windows.put((*BOX, name), BIG).status == 201
    windows.put((*BOX, "perdu.pdf"), BIG + b"perdu")
    assert windows.move((*BOX, "perdu.pdf"), (*BOX, "perdu.pdf~")).status == 201
    mac = server.dav(OWNER, agent=FINDER)
    mac.mkcol((*BOX, "n.pages.sb-ac6800a0-t3YBFI"))
    assert mac.put((*BOX, "n.pages.sb-ac6800a0-t3YBFI", "n.pages"), BIG).status == 201
    assert mac.put((*BOX, ".DS_Store"), LITTER[".DS_Store"]).status == 201
    for name in (*UNLUCKY, "perdu.pdf~", "n.pages"):
        wait_for(lambda name=name: words_of(post, "pas déposé", name), 40, name)  # type: ignore[misc]
    # Longer than side files live.
    wait_for(lambda: mac.get((*BOX, ".DS_Store")).status == 404, 20, "the end of the litter")
    for name in (*UNLUCKY, "perdu.pdf~"):
        assert windows.get((*BOX, name)).body[:5] == b"%PDF-", name
        assert len(words_of(post, "pas déposé", name)) == 1
    assert not words_of(post, "pas déposé", ".DS_Store")
    (owner,) = [u for u in server.json("user", "list") if u["login"] == OWNER]
    (mail,) = words_of(post, "pas déposé", "Constat.pdf~")
    assert str(mail["X-RcptTo"]) == owner["email"]
    assert "effacé le" in text(mail)

    # Given its name it is a deposit, received when its content came.
    (line,) = [
        line
        for line in server.json("journal", "list")
        if line["act"] == "temporary.receive" and "Constat.pdf~" in str(line)
    ]
    assert windows.move((*BOX, "Constat.pdf~"), (*BOX, "Constat.pdf")).status == 201
    wait_for(lambda: server.dav(OTHER).get((*BOX, "Constat.pdf")).status == 200, 20, "the seal")
    (piece,) = [x for x in server.json("deposits", "list") if x["name"] == "Constat.pdf"]
    assert piece["received_at"] == line["at"]
    assert piece["late_seconds"] == 0 or piece["number"]


def test_what_keeps_its_temporary_name_is_gone_once_its_author_was_told(start: Start) -> None:
    server = start({**TOLD, "DAVSERVER_DEPOSIT__TEMPORARY_LIFE": "1"})
    mac = server.dav(OWNER, agent=FINDER)
    mac.mkcol((*BOX, "n.pages.sb-ac6800a0-t3YBFI"))
    mac.put((*BOX, "n.pages.sb-ac6800a0-t3YBFI", "n.pages"), BIG)
    mac.put((*BOX, "Constat.tmp"), BIG)

    for name in ("Constat.tmp", "n.pages.sb-ac6800a0-t3YBFI"):
        wait_for(lambda name=name: mac.get((*BOX, name)).status == 404, 60, name)  # type: ignore[misc]

    lines = [
        line["name"]
        for mail in server.json("alerts", "queue")
        if mail["kind"] == "fichier temporaire"
        for line in mail["lines"]
    ]
    assert sorted(lines) == ["Constat.tmp", "n.pages"]


def test_what_a_program_takes_back_in_time_is_told_to_nobody(told: tuple[Server, Post]) -> None:
    server, post = told
    windows = server.dav(OWNER, agent=WINDOWS)
    assert windows.put((*BOX, "~WRD0007.tmp"), PDF + b"7").status == 201
    assert windows.move((*BOX, "~WRD0007.tmp"), (*BOX, "Dire 7.docx")).status == 201
    assert windows.put((*BOX, "~WRL0008.tmp")).status == 201
    assert windows.delete((*BOX, "~WRL0008.tmp")).status == 204
    assert windows.put((*BOX, "~WRL0010.tmp")).status == 201  # nothing is in it
    windows.put((*BOX, "~WRL0009.tmp"), PDF + b"9")
    wait_for(lambda: words_of(post, "pas déposé", "~WRL0009.tmp"), 40, "the mail")
    assert not words_of(post, "pas déposé", "~WRD0007.tmp")
    assert not words_of(post, "pas déposé", "~WRL0008.tmp")
    assert not words_of(post, "pas déposé", "~WRL0010.tmp")
    windows.delete((*BOX, "~WRL0009.tmp"))
