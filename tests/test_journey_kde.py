"""A lawyer works in KDE (kio, as Dolphin does): he lists, reads, drops a folder, moves, removes."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from davserver.demo.history import BRUMAIRE, ORTIE, SAULE
from tests.clients import (
    AWKWARD,
    CLOSED,
    DOSSIER,
    EXPERT,
    Curl,
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
    sha256,
)
from tests.conftest import Start
from tests.desktops import Desktop, desktop, place
from tests.mixed import LITTER, mixed_folder
from tests.programs import require_program
from tests.serving import PASSWORD, Server

LAWYER, OTHER, THIRD = "cabinet.saule-exemple", "cabinet.ortie-lambda", "cabinet.brumaire-kalve"
BOX = box(SAULE)
OLD = "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf"  # sealed in 2024
NEW = [name for name in AWKWARD if name != OLD]
TIMES = {"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "4", "DAVSERVER_MAIL__GROUP_WINDOW": "60"}


class Kde:
    """KDE's file operations, as one person who has typed his login into the address."""

    def __init__(self, server: Server, login: str, session: Desktop) -> None:
        self.home = session.home
        self._server = server
        self._user = f"{login}:{quote(PASSWORD)}"
        self._session = session
        self._program = require_program("kioclient5")

    def __call__(self, *arguments: str | Path) -> Done:
        """kioclient; ``arguments`` are a command and files or URLs."""
        return self._session(self._program, "--noninteractive", *map(_url, arguments))

    def copy(self, *arguments: Path | str) -> Done:
        """Copy files into a folder of the drive, or over a piece.

        Without leave to overwrite, kio 5 looks first whether the name is taken, and has then lost
        the password of the address: it asks for it in a window, which nobody here can answer.
        """
        return self("--overwrite", "copy", *arguments)

    def url(self, *names: str) -> str:
        """The URL of a resource of the drive."""
        return place("webdav", self._server, *names, user=self._user)

    def names(self, *folder: str) -> set[str]:
        """What KDE lists in a folder."""
        done = self("ls", self.url(*folder))
        assert done.code == 0, done.errors
        return set(done.output.splitlines()) - {".", ""}


def _url(argument: str | Path) -> str:
    """Files are given as URLs too: KDE would read a # or % of a plain path."""
    return argument.as_uri() if isinstance(argument, Path) else argument


@pytest.fixture(scope="module")
def server(start: Start) -> Server:
    return start(TIMES)


@pytest.fixture(scope="module")
def kde(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kde]:
    """The lawyer's session, for all tests of this file."""
    with desktop(tmp_path_factory.mktemp("lawyer")) as session:
        yield Kde(server, LAWYER, session)


@pytest.fixture(scope="module")
def sent(server: Server, kde: Kde) -> dict[str, str]:
    """Pieces with awkward names that the lawyer copied, and that are sealed; their hashes."""
    source = kde.home / "source"
    written = papers(source, NEW)
    done = kde.copy(*source.iterdir(), kde.url(*BOX))
    assert done.code == 0, done.errors
    await_names(server.dav(OTHER), BOX, NEW)
    return {name: sha256(content) for name, content in written.items()}


def test_the_lawyer_finds_his_dossiers_and_no_others(kde: Kde) -> None:
    assert kde.names() == {DOSSIER, CLOSED}
    assert OLD in kde.names(*BOX)


def test_a_piece_is_read_byte_for_byte(server: Server, kde: Kde) -> None:
    fetched = kde.home / "fetched.pdf"
    done = kde("copy", kde.url(*BOX, OLD), fetched)
    assert done.code == 0, done.errors
    assert sha256(fetched.read_bytes()) == deposits(server, LAWYER)[OLD]["sha256"]


def test_copied_pieces_are_deposits_under_their_own_names(
    server: Server, sent: dict[str, str]
) -> None:
    for login in (OTHER, EXPERT):
        assert contents(server.dav(login), BOX, sent) == sent
        assert {composed(name) for name in sent} <= set(server.dav(login).names(BOX))
    rows = deposits(server, LAWYER)
    assert {name: rows[composed(name)]["sha256"] for name in sent} == sent


def test_a_piece_is_shown_by_cat(server: Server, kde: Kde) -> None:
    text = "Bordereau : pièces n°1 à 3, communiquées à l’expert.\n"
    assert server.dav(LAWYER).put((*BOX, "Bordereau.txt"), text.encode()).status == 201
    assert kde("cat", kde.url(*BOX, "Bordereau.txt")).output == text


REFUSED = {
    "copied over": ["--overwrite", "copy", "{autre}", "{piece}"],
    "copied over without leave": ["copy", "{autre}", "{piece}"],
    "removed": ["remove", "{piece}"],
    "renamed": ["move", "{piece}", "{piece}.bak"],
    "taken away": ["move", "{piece}", "{home}/taken.pdf"],
}


@pytest.mark.parametrize("change", REFUSED)
def test_a_sealed_piece_is_not(server: Server, kde: Kde, change: str) -> None:
    before, names = server.dav(OTHER).get((*BOX, OLD)).body, set(server.dav(OTHER).names(BOX))
    papers(kde.home, ["autre.pdf"])
    given = {
        "autre": (kde.home / "autre.pdf").as_uri(),
        "piece": kde.url(*BOX, OLD),
        "home": kde.home.as_uri(),
    }
    done = kde(*(part.format_map(given) for part in REFUSED[change]))
    assert done.code != 0
    assert done.errors.startswith("kioclient"), "somebody is told"
    assert server.dav(OTHER).get((*BOX, OLD)).body == before
    assert names <= set(server.dav(OTHER).names(BOX))


def test_a_sealed_piece_is_refused_because_it_is_sealed(server: Server, kde: Kde) -> None:
    """Not for a reason of KDE's own: the server heard of each attempt and said no."""
    papers(kde.home, ["autre.pdf"])
    kde.copy(kde.home / "autre.pdf", kde.url(*BOX, OLD))
    kde("remove", kde.url(*BOX, OLD))
    kde("move", kde.url(*BOX, OLD), kde.url(*BOX, "x.pdf"))
    last = {verb: requests(server, LAWYER, verb)[-1] for verb in ("PUT", "DELETE", "MOVE")}
    assert {verb: line["status"] for verb, line in last.items()} == dict.fromkeys(last, 403)
    assert all("KIO/" in line["agent"] for line in last.values())


def test_an_open_piece_is_copied_again_and_removed_by_its_author(server: Server, kde: Kde) -> None:
    name = "brouillon.pdf"
    papers(kde.home, [name])
    assert kde.copy(kde.home / name, kde.url(*BOX)).code == 0
    done = kde.copy(kde.home / name, kde.url(*BOX))
    assert done.code == 0, done.errors
    assert name in kde.names(*BOX)
    assert name not in server.dav(OTHER).names(BOX)
    assert kde("remove", kde.url(*BOX, name)).code == 0
    assert name not in kde.names(*BOX)
    assert name not in deposits(server, LAWYER)


def test_an_open_piece_is_renamed_by_its_author(server: Server, kde: Kde) -> None:
    name, renamed = "Scan0001.pdf", "Pièce n°42 - Avis & plan #2.pdf"
    written = papers(kde.home, [name])
    assert kde.copy(kde.home / name, kde.url(*BOX)).code == 0
    done = kde("move", kde.url(*BOX, name), kde.url(*BOX, renamed))
    assert done.code == 0, done.errors
    await_names(server.dav(OTHER), BOX, [renamed])
    assert contents(server.dav(OTHER), BOX, [renamed]) == {renamed: sha256(written[name])}
    assert name not in server.dav(OTHER).names(BOX)


def test_nothing_is_copied_into_the_box_of_another(server: Server, kde: Kde) -> None:
    before = server.dav(EXPERT).names(box(ORTIE))
    papers(kde.home / "Dossier intrus", ["Intrus.pdf"])
    assert kde.copy(kde.home / "Dossier intrus/Intrus.pdf", kde.url(*box(ORTIE))).code != 0
    assert kde.copy(kde.home / "Dossier intrus", kde.url(*box(ORTIE))).code != 0
    assert server.dav(EXPERT).names(box(ORTIE)) == before


def test_the_expert_files_with_another_program_what_came_from_kde(
    server: Server, kde: Kde, sent: dict[str, str], tmp_path: Path
) -> None:
    name = NEW[4]
    before = deposits(server, LAWYER)[name]
    rclone = Rclone(server, EXPERT, tmp_path)
    done = rclone("moveto", remote(*BOX, name), remote(*archive(SAULE), name))
    assert done.code == 0, done.errors
    reply = Curl(server, OTHER, tmp_path)((*archive(SAULE), name))
    assert (reply.status, sha256(reply.body)) == (200, sent[name])
    assert name in kde.names(*archive(SAULE))
    after = deposits(server, LAWYER)[name]
    assert (after["number"], after["sha256"]) == (before["number"], before["sha256"])


def test_a_large_file_is_sent_twice_and_arrives_once(server: Server, tmp_path: Path) -> None:
    """KDE sends all of it to be told that it must log in, then again."""
    name, content = "Façade Est - fissure.mp4", bytes(range(256)) * 160_000  # 41 MB
    (tmp_path / name).write_bytes(content)
    with desktop(tmp_path) as session:
        kde = Kde(server, OTHER, session)
        for _ in range(3):
            done = kde.copy(tmp_path / name, kde.url(*box(ORTIE)))
            assert done.code == 0, done.errors
    await_names(server.dav(THIRD), box(ORTIE), [name])

    assert deposits(server, OTHER)[name]["sha256"] == sha256(content)


def test_a_folder_of_two_hundred_files_is_two_hundred_deposits_and_one_mail(
    server: Server, tmp_path: Path
) -> None:
    folder = "Pièces n°1 à 200 & annexes"
    pieces = mixed_folder(tmp_path / folder)
    before = deposits(server, THIRD)
    with desktop(tmp_path) as session:
        kde = Kde(server, THIRD, session)
        done = kde.copy(tmp_path / folder, kde.url(*box(BRUMAIRE)))
        assert done.code == 0, done.errors
    target = (*box(BRUMAIRE), folder)
    await_names(server.dav(OTHER), target, pieces)
    hashes = {name: sha256(content) for name, content in pieces.items()}
    assert contents(server.dav(OTHER), target, pieces) == hashes
    after = deposits(server, THIRD)
    arrived = {name: row["sha256"] for name, row in after.items() if name not in before}
    assert arrived == {composed(name): hashed for name, hashed in hashes.items()}
    assert len(arrived) == 200
    assert not LITTER.keys() & set(server.dav(OTHER).names(target))
    mails = [m for m in server.json("alerts", "queue") if m["depositor"] == THIRD]
    (mail,) = [m for m in mails if {line["name"] for line in m["lines"]} & arrived.keys()]
    assert sorted(line["name"] for line in mail["lines"]) == sorted(arrived)
