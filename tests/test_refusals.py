"""What people learn of a refusal: by the status that their program shows best, by its reason, and
by a mail where the program shows nothing."""

from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests.clients import DOSSIER, box
from tests.conftest import Start
from tests.dav import Dav, Names
from tests.post import Post, settings, text
from tests.serving import Server, wait_for

OWNER, OTHER = "cabinet.brumaire-kalve", "cabinet.ortie-lambda"
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
PLANS: Names = (DOSSIER, "08 Plans")
WINDOWS = "Microsoft-WebDAV-MiniRedir/10.0.22631"
FINDER = "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)"
DAVFS2 = "davfs2/1.7.1 neon/0.33.0"
GVFS = "gvfs/1.50.3"
PDF = b"%PDF-1.4\n" + b"x" * 2_000
PIECES = [f"refus {number}.pdf" for number in range(4)]


@pytest.fixture(scope="module")
def site(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Post]]:
    """A server with sealed pieces in the owner's box, and the mail server that it uses."""
    post = Post(tmp_path_factory.mktemp("post") / "maildir")
    post.start()
    # Half a second of courtesy: the pieces were sealed long ago for every test.
    server = start({**settings(post, window=2), "DAVSERVER_DEPOSIT__COURTESY_LOCK": "0.5"})
    owner, other = server.dav(OWNER), server.dav(OTHER)
    for name in PIECES:
        owner.put((*BOX, name), PDF + name.encode())
    wait_for(lambda: set(PIECES) <= set(other.names(BOX)), 20, "the seals")
    yield server, post
    post.stop()


def at(number: int) -> Names:
    return (*BOX, PIECES[number])


def refusals(site: tuple[Server, Post]) -> list[EmailMessage]:
    """The mails that tell of refusals."""
    return [mail for mail in site[1].mails() if "refusée" in str(mail["Subject"])]


def await_refusal(site: tuple[Server, Post], name: str) -> EmailMessage:
    """The first mail that tells of a refusal about ``name``."""

    def found() -> EmailMessage | None:
        return next((mail for mail in refusals(site) if name in text(mail)), None)

    mail = wait_for(found, 30, f"a mail about {name}")
    assert isinstance(mail, EmailMessage)
    return mail


def test_what_explorer_hides_comes_by_one_mail_that_names_each_piece_once(
    site: tuple[Server, Post],
) -> None:
    explorer = site[0].dav(OWNER, agent=WINDOWS)
    for number in (0, 1, 0, 0):
        assert explorer.delete(at(number)).status == 403

    mail = await_refusal(site, PIECES[1])

    said = text(mail)
    assert [said.count(PIECES[0]), said.count(PIECES[1])] == [1, 1]
    assert "elle ne peut plus être ni modifiée ni supprimée" in said
    assert "Rien n’a changé" in said
    owner = next(u for u in site[0].json("user", "list") if u["login"] == OWNER)
    assert str(mail["X-RcptTo"]) == owner["email"]
    assert explorer.get(at(0)).body == PDF + PIECES[0].encode()


@pytest.mark.parametrize(("agent", "number"), [(FINDER, 2), (DAVFS2, 3)])
def test_what_is_refused_when_a_file_is_closed_comes_by_mail(
    site: tuple[Server, Post], agent: str, number: int
) -> None:
    program = site[0].dav(OWNER, agent=agent)
    # Refused before any content: the program shows it itself.
    assert program.put(at(number)).status in (403, 423)
    assert program.put(at(number), b"autre contenu").status in (403, 423)

    assert text(await_refusal(site, PIECES[number])).count(PIECES[number]) == 1


def test_a_refused_removal_and_a_refused_replacement_are_told_apart(
    site: tuple[Server, Post],
) -> None:
    server, _ = site
    name = "deux refus.pdf"
    server.dav(OWNER).put((*BOX, name), PDF + b"two")
    wait_for(lambda: server.dav(OTHER).get((*BOX, name)).status == 200, 20, name)

    assert server.dav(OWNER, agent=WINDOWS).delete((*BOX, name)).status == 403
    assert server.dav(OWNER, agent=FINDER).put((*BOX, name), b"autre").status == 403

    def both() -> bool:
        said = "".join(text(mail) for mail in refusals(site) if name in text(mail))
        return "suppression : " in said and "remplacement : " in said

    wait_for(both, 30, "a word about each")


def test_what_a_program_shows_is_not_told_again_by_mail(site: tuple[Server, Post]) -> None:
    server, _ = site
    name = "montré.pdf"
    owner = server.dav(OWNER)
    owner.put((*BOX, name), PDF + b"shown")
    wait_for(lambda: server.dav(OTHER).get((*BOX, name)).status == 200, 20, name)

    assert server.dav(OWNER, agent=GVFS).delete((*BOX, name)).status == 403
    assert server.dav(OWNER, agent=WINDOWS).put((*BOX, name), b"x").status == 403
    assert server.dav(OWNER, agent=FINDER).put((*BOX, name)).status == 403
    assert server.dav(OWNER, agent=FINDER).delete((*BOX, name)).status == 403
    # A mail of what came later arrives, none of these.
    assert server.dav(OTHER, agent=WINDOWS).delete((*BOX, name)).status == 403
    other = next(u for u in server.json("user", "list") if u["login"] == OTHER)
    assert str(await_refusal(site, name)["X-RcptTo"]) == other["email"]
    assert sum(name in text(mail) for mail in refusals(site)) == 1


def test_davfs2_is_told_locked_since_it_shows_nothing_else_as_a_refusal(
    site: tuple[Server, Post],
) -> None:
    davfs2 = site[0].dav(OWNER, agent=DAVFS2)

    for reply in (
        davfs2.put(at(0), b"x"),
        davfs2.delete(at(0)),
        davfs2.move(at(0), (*BOX, "ailleurs.pdf")),
        davfs2.lock(at(0)),
        davfs2.put((*PLANS, "non.pdf"), b"x"),
        davfs2.mkcol((*PLANS, "non")),
    ):
        assert reply.status == 423, reply
        assert reply.message


@pytest.mark.parametrize("agent", [WINDOWS, FINDER, GVFS, "rclone/v1.60.1", "test"])
def test_every_refusal_says_why_in_french_and_in_a_short_reason(
    site: tuple[Server, Post], agent: str
) -> None:
    program: Dav = site[0].dav(OWNER, agent=agent)
    refused = {
        "another content": program.put(at(0), b"autre"),
        "removal": program.delete(at(0)),
        "renaming": program.move(at(0), (*BOX, "autre.pdf")),
        "a name that Windows cannot hold": program.put((*BOX, "a?b.pdf"), PDF),
        "a device's name": program.put((*BOX, "CON.pdf"), PDF),
        "a folder where one may only read": program.put((*PLANS, "non.pdf"), PDF),
        "a document in disguise": program.put((*BOX, "~$Constat.pdf"), b"x" * 3_000_000),
        "somebody else's box": program.put((*BOX[:-1], "x.pdf"), PDF),
    }
    reasons = {}
    for what, reply in refused.items():
        assert reply.status == 403, (what, reply)
        assert reply.reason.isascii(), what
        assert 5 < len(reply.reason) <= 60, (what, reply.reason)
        assert reply.message.endswith("."), (what, reply.message)
        reasons[what] = reply.reason
    assert len(set(reasons.values())) >= 5, reasons


def test_a_refusal_leaves_no_trace_of_the_server(site: tuple[Server, Post]) -> None:
    server, _ = site
    for reply in (server.dav(OWNER).delete(at(0)), server.dav(OWNER).put(at(0), b"x")):
        assert str(server.data).encode() not in reply.body
        assert b"Traceback" not in reply.body
