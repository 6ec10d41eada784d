"""A lawyer works in GNOME (gvfs): with gio, as Files does, and on the folder that gvfs mounts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from davserver.demo.history import BRUMAIRE, ORTIE, SAULE
from tests.clients import (
    AWKWARD,
    CLOSED,
    DOSSIER,
    EXPERT,
    Done,
    Rclone,
    archive,
    await_names,
    box,
    composed,
    contents,
    deposits,
    papers,
    remote,
    requests,
    run,
    sha256,
)
from tests.conftest import Start
from tests.desktops import Desktop, desktop, place
from tests.mixed import LITTER, mixed_folder
from tests.programs import require_fuse, require_program
from tests.serving import PASSWORD, Server, wait_for

LAWYER, OTHER, THIRD = "cabinet.saule-exemple", "cabinet.ortie-lambda", "cabinet.brumaire-kalve"
BOX = box(SAULE)
OLD = "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf"  # sealed in 2024
NEW = [name for name in AWKWARD if name != OLD]
SEALED = "Depot definitif - modification interdite"
TIMES = {"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "4", "DAVSERVER_MAIL__GROUP_WINDOW": "60"}


class Gnome:
    """gio and the mounted folder, as one person whose password GNOME has asked for."""

    def __init__(self, server: Server, login: str, session: Desktop) -> None:
        self.home = session.home
        self._server = server
        self._session = session
        self._program = require_program("gio")
        done = self("mount", self.url(), stdin=f"{login}\n{PASSWORD}\n".encode())
        assert done.code == 0, done.errors

    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> Done:
        """gio; ``arguments`` are a command and files or URLs."""
        return self._session(self._program, *arguments, stdin=stdin)

    def url(self, *names: str) -> str:
        """The URL of a resource of the drive."""
        return place("dav", self._server, *names)

    def folder(self, *names: str) -> Path:
        """Where gvfs shows a resource to programs that know nothing of it."""
        require_fuse()
        mounts = Path(self._session.environment["XDG_RUNTIME_DIR"], "gvfs")
        (mount,) = wait_for(lambda: [*mounts.iterdir()], what="gvfs' folder")
        return Path(mount, "dav", *names)


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    return start(TIMES)


@pytest.fixture(scope="module")
def gnome(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnome]:
    """The lawyer's session, with the drive mounted, for all tests of this file."""
    with desktop(tmp_path_factory.mktemp("lawyer")) as session:
        yield Gnome(server, LAWYER, session)


@pytest.fixture(scope="module")
def sent(server: Server, gnome: Gnome) -> dict[str, str]:
    """Pieces with awkward names that the lawyer copied, and that are sealed; their hashes."""
    source = gnome.home / "source"
    written = papers(source, NEW)
    done = gnome("copy", *source.iterdir(), gnome.url(*BOX))
    assert done.code == 0, done.errors
    await_names(server.dav(OTHER), BOX, NEW)
    return {name: sha256(content) for name, content in written.items()}


def test_a_wrong_password_opens_nothing(server: Server, tmp_path: Path) -> None:
    with desktop(tmp_path) as session:
        wrong = f"{LAWYER}\nfaux\n".encode()
        done = session(require_program("gio"), "mount", place("dav", server), stdin=wrong)
        assert done.code != 0
        assert session("gio", "list", place("dav", server)).output == ""


def test_the_lawyer_finds_his_dossiers_and_no_others(gnome: Gnome) -> None:
    assert set(gnome("list", gnome.url()).output.splitlines()) == {DOSSIER, CLOSED}


def test_a_piece_is_read_byte_for_byte(server: Server, gnome: Gnome) -> None:
    fetched = gnome.home / "fetched.pdf"
    done = gnome("copy", gnome.url(*BOX, OLD), fetched)
    assert done.code == 0, done.errors
    hashed = sha256(fetched.read_bytes())
    assert hashed == deposits(server, LAWYER)[OLD]["sha256"]
    assert sha256(gnome.folder(*BOX, OLD).read_bytes()) == hashed


def test_copied_pieces_are_deposits_under_their_own_names(
    server: Server, sent: dict[str, str]
) -> None:
    for login in (OTHER, EXPERT):
        assert contents(server.dav(login), BOX, sent) == sent
        assert {composed(name) for name in sent} <= set(server.dav(login).names(BOX))
    rows = deposits(server, LAWYER)
    assert {name: rows[composed(name)]["sha256"] for name in sent} == sent


def test_a_piece_is_shown_by_cat(server: Server, gnome: Gnome) -> None:
    text = "Bordereau : pièces n°1 à 3, communiquées à l’expert.\n"
    assert server.dav(LAWYER).put((*BOX, "Bordereau.txt"), text.encode()).status == 201
    assert gnome("cat", gnome.url(*BOX, "Bordereau.txt")).output == text


def test_plain_programs_copy_into_the_folder_that_gvfs_mounts(server: Server, gnome: Gnome) -> None:
    name = "Pièce n°40 – Rapport d’essai #1 & annexe.pdf"
    written = papers(gnome.home / "plain", [name])
    done = run("cp", gnome.home / "plain" / name, gnome.folder(*BOX), home=gnome.home)
    assert done.code == 0, done.errors
    await_names(server.dav(OTHER), BOX, [name])
    assert contents(server.dav(OTHER), BOX, [name]) == {name: sha256(written[name])}
    assert deposits(server, LAWYER)[name]["sha256"] == sha256(written[name])


REFUSED = {
    "copied over": (["copy", "autre.pdf", "{}"], True),
    "saved over": (["save", "{}"], True),
    "removed": (["remove", "{}"], True),
    "renamed": (["rename", "{}", "renamed.pdf"], True),
    "moved": (["move", "{}", "{}.bak"], True),
    "taken away": (["move", "{}", "taken.pdf"], True),
    "put into the bin": (["trash", "{}"], False),  # gvfs asks no server: the drive has no bin
}


@pytest.mark.parametrize("change", REFUSED)
def test_a_sealed_piece_is_not(server: Server, gnome: Gnome, change: str) -> None:
    command, asked = REFUSED[change]
    before, names = server.dav(OTHER).get((*BOX, OLD)).body, set(server.dav(OTHER).names(BOX))
    papers(gnome.home, ["autre.pdf"])
    done = gnome(*(part.format(gnome.url(*BOX, OLD)) for part in command), stdin=b"autre")
    assert done.code != 0
    assert (SEALED in done.errors) == asked, done.errors
    assert server.dav(OTHER).get((*BOX, OLD)).body == before
    assert names <= set(server.dav(OTHER).names(BOX))


PLAIN = {
    "removed": ["rm", "{}"],
    "renamed": ["mv", "{}", "{}.bak"],
    "cut short": ["truncate", "-s", "10", "{}"],
}


@pytest.mark.parametrize("change", PLAIN)
def test_in_the_mounted_folder_a_sealed_piece_is_not(
    server: Server, gnome: Gnome, change: str
) -> None:
    before = server.dav(OTHER).get((*BOX, OLD)).body
    papers(gnome.home, ["autre.pdf"])
    piece = str(gnome.folder(*BOX, OLD))
    done = run(*(part.format(piece) for part in PLAIN[change]), home=gnome.home)
    assert done.code != 0
    assert done.errors
    assert server.dav(OTHER).get((*BOX, OLD)).body == before


def test_in_the_mounted_folder_a_sealed_piece_outlives_a_copy_over_it(
    server: Server, gnome: Gnome
) -> None:
    """The server refuses it; but gvfs sends it when all is closed, and keeps the refusal."""
    before = server.dav(OTHER).get((*BOX, OLD)).body
    papers(gnome.home, ["autre.pdf"])
    refused = len(requests(server, LAWYER, "PUT"))
    run("cp", "autre.pdf", gnome.folder(*BOX, OLD), home=gnome.home)
    wait_for(lambda: len(requests(server, LAWYER, "PUT")) > refused, what="the upload")
    assert {put["status"] for put in requests(server, LAWYER, "PUT")[refused:]} == {403}
    assert server.dav(OTHER).get((*BOX, OLD)).body == before


def test_an_open_piece_is_moved_renamed_and_removed_by_its_author_alone(
    server: Server, gnome: Gnome
) -> None:
    first, moved, renamed = "brouillon.pdf", "Pièce n°41.pdf", "Pièce n°42 - Avis.pdf"
    papers(gnome.home, [first])
    for command in (
        ["copy", gnome.home / first, gnome.url(*BOX)],
        ["move", gnome.url(*BOX, first), gnome.url(*BOX, moved)],
        ["rename", gnome.url(*BOX, moved), renamed],
    ):
        done = gnome(*command)
        assert done.code == 0, done.errors
    assert renamed in server.dav(LAWYER).names(BOX)
    assert renamed not in server.dav(OTHER).names(BOX)
    assert gnome("trash", gnome.url(*BOX, renamed)).code != 0
    assert renamed in server.dav(LAWYER).names(BOX), "what has no bin is not lost"
    assert gnome("remove", gnome.url(*BOX, renamed)).code == 0
    assert not {first, moved, renamed} & set(server.dav(LAWYER).names(BOX))
    assert not {first, moved, renamed} & deposits(server, LAWYER).keys()


def test_an_untitled_folder_is_renamed_and_filled(server: Server, gnome: Gnome) -> None:
    folder, names = "Annexes du dire n°3", ["Annexe n°1.pdf", "Annexe n°2 & plan.pdf"]
    written = papers(gnome.home / "annexes", names)
    assert gnome("mkdir", gnome.url(*BOX, "Untitled Folder")).code == 0
    assert gnome("rename", gnome.url(*BOX, "Untitled Folder"), folder).code == 0
    files = [gnome.home / "annexes" / name for name in names]
    assert gnome("copy", *files, gnome.url(*BOX, folder)).code == 0
    await_names(server.dav(OTHER), (*BOX, folder), names)
    hashes = {name: sha256(content) for name, content in written.items()}
    assert contents(server.dav(OTHER), (*BOX, folder), names) == hashes
    assert "Untitled Folder" not in server.dav(LAWYER).names(BOX)


def test_a_program_saves_again_until_the_piece_is_sealed(server: Server, gnome: Gnome) -> None:
    name = "Dire n°4.txt"
    for text in (b"premier jet", b"seconde version"):
        done = gnome("save", gnome.url(*BOX, name), stdin=text)
        assert done.code == 0, done.errors
    await_names(server.dav(OTHER), BOX, [name])
    done = gnome("save", gnome.url(*BOX, name), stdin=b"trop tard")
    assert done.code != 0
    assert SEALED in done.errors
    assert server.dav(OTHER).get((*BOX, name)).body == b"seconde version"
    assert deposits(server, LAWYER)[name]["sha256"] == sha256(b"seconde version")


def test_nothing_is_copied_into_the_box_of_another(server: Server, gnome: Gnome) -> None:
    before = server.dav(EXPERT).names(box(ORTIE))
    papers(gnome.home, ["Intrus.pdf"])
    assert gnome("copy", gnome.home / "Intrus.pdf", gnome.url(*box(ORTIE))).code != 0
    assert gnome("mkdir", gnome.url(*box(ORTIE), "Intrus")).code != 0
    assert server.dav(EXPERT).names(box(ORTIE)) == before


def test_the_expert_files_with_another_program_what_came_from_gnome(
    server: Server, gnome: Gnome, sent: dict[str, str], tmp_path: Path
) -> None:
    name = NEW[4]
    before = deposits(server, LAWYER)[name]
    assert gnome("move", gnome.url(*BOX, name), gnome.url(*archive(SAULE), name)).code != 0
    rclone = Rclone(server, EXPERT, tmp_path)
    done = rclone("moveto", remote(*BOX, name), remote(*archive(SAULE), name))
    assert done.code == 0, done.errors
    assert gnome("copy", gnome.url(*archive(SAULE), name), tmp_path / "filed.pdf").code == 0
    assert sha256((tmp_path / "filed.pdf").read_bytes()) == sent[name]
    after = deposits(server, LAWYER)[name]
    assert (after["number"], after["sha256"]) == (before["number"], before["sha256"])


def test_two_hundred_files_dropped_at_once_are_two_hundred_deposits_and_one_mail(
    server: Server, tmp_path: Path
) -> None:
    pieces = mixed_folder(tmp_path / "dossier")
    before = deposits(server, THIRD)
    with desktop(tmp_path) as session:
        gnome = Gnome(server, THIRD, session)
        done = gnome("copy", *(tmp_path / "dossier").iterdir(), gnome.url(*box(BRUMAIRE)))
        assert done.code == 0, done.errors
    await_names(server.dav(OTHER), box(BRUMAIRE), pieces)
    hashes = {name: sha256(content) for name, content in pieces.items()}
    assert contents(server.dav(OTHER), box(BRUMAIRE), pieces) == hashes
    after = deposits(server, THIRD)
    arrived = {name: row["sha256"] for name, row in after.items() if name not in before}
    assert arrived == {composed(name): hashed for name, hashed in hashes.items()}
    assert len(arrived) == 200
    assert not LITTER.keys() & set(server.dav(OTHER).names(box(BRUMAIRE)))
    mails = [m for m in server.json("alerts", "queue") if m["depositor"] == THIRD]
    (mail,) = [m for m in mails if {line["name"] for line in m["lines"]} & arrived.keys()]
    assert sorted(line["name"] for line in mail["lines"]) == sorted(arrived)


def test_two_files_whose_names_differ_by_capitals_are_not_one(server: Server, gnome: Gnome) -> None:
    for name, content in (("Croquis.pdf", b"aaa"), ("croquis.pdf", b"bbbb")):
        (gnome.home / name).write_bytes(content)
    assert gnome("copy", gnome.home / "Croquis.pdf", gnome.url(*BOX)).code == 0

    done = gnome("copy", gnome.home / "croquis.pdf", gnome.url(*BOX))

    assert done.code != 0
    assert "ecrit autrement" in done.errors
    await_names(server.dav(OTHER), BOX, ["Croquis.pdf"])
    assert server.dav(OTHER).get((*BOX, "Croquis.pdf")).body == b"aaa"
