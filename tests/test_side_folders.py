"""Folders: hardly any is a program's own, whatever its name. Those few take no document."""

import pytest

from tests.clients import DOSSIER
from tests.dav import Dav, Names
from tests.serving import Server, wait_for
from tests.test_side_files import (
    BOX,
    EXPERT,
    FINDER,
    LITTER,
    OTHER,
    OWNER,
    TEMPORARY,
    WINDOWS,
    require_unseen,
)

DAVFS2 = "davfs2/1.7.1 neon/0.33.0"
PDF = b"%PDF-1.4\n" + b"x" * 3_000
NAMES = (
    "20240612", "Photos.tmp", "dossier.part", "4913", ".hidden", "~$lot", "._lot", "lot~",
    "x.crdownload", "desktop.ini",
)  # fmt: skip


@pytest.fixture
def others(demo: Server) -> list[Dav]:
    return [demo.dav(OTHER), demo.dav(EXPERT)]


def test_a_folder_is_no_side_file_whatever_its_name(demo: Server) -> None:
    pieces: list[Names] = []
    for agent in (WINDOWS, FINDER, DAVFS2, "rclone/v1.60"):
        author = demo.dav(OWNER, agent=agent)
        parent = (*BOX, f"lots de {agent[:6]}")
        author.mkcol(parent)
        for name in NAMES:
            piece = (*parent, name, "sous-dossier", "p1.pdf")
            assert author.mkcol(piece[:-2]).status == 201
            assert author.mkcol(piece[:-1]).status == 201
            assert author.put(piece, PDF + agent.encode() + name.encode()).status == 201
            pieces.append(piece)

    other = demo.dav(OTHER)
    for piece in pieces:
        wait_for(lambda piece=piece: other.get(piece).status == 200, 20, str(piece))  # type: ignore[misc]


@pytest.mark.parametrize("agent", [WINDOWS, FINDER])
def test_a_folder_is_renamed_to_a_date(demo: Server, agent: str) -> None:
    author = demo.dav(OWNER, agent=agent)
    date = "20240614" if agent is WINDOWS else "20240615"
    new = (*BOX, f"Nouveau dossier de {agent[:3]}")
    assert author.mkcol(new).status == 201

    assert author.move(new, (*BOX, date), Overwrite="F").status == 201

    assert author.put((*BOX, date, "p.pdf"), PDF + date.encode()).status == 201
    wait_for(lambda: date in demo.dav(OTHER).names(BOX), 20, "the seal")


def test_the_experts_folder_named_like_a_date_is_seen_by_all(demo: Server) -> None:
    expert = demo.dav(EXPERT, agent=WINDOWS)
    folder = (DOSSIER, "07 Photos et vidéos", "20240312")

    assert expert.mkcol(folder).status == 201
    assert expert.put((*folder, "mur.jpg"), b"\xff\xd8\xff").status == 201

    assert demo.dav(OTHER).names(folder) == ["mur.jpg"]


@pytest.mark.parametrize("agent", [WINDOWS, FINDER, DAVFS2])
def test_another_persons_box_takes_neither_folders_nor_temporary_files(
    demo: Server, agent: str
) -> None:
    stranger = demo.dav(OTHER, agent=agent)
    for name in ("20240616", "Photos.tmp", "lot.sb-ac6800a0-t3YBFI"):
        assert stranger.mkcol((*BOX, name)).status in (403, 423)
    for name in (*TEMPORARY, "20240616"):
        for body in (b"", PDF):
            assert stranger.put((*BOX, name), body).status in (403, 423), name


@pytest.mark.parametrize(
    "name", [".TemporaryItems", ".Trashes", ".Trash-1000", ".Spotlight-V100", ".fseventsd"]
)
def test_the_folders_of_systems_take_their_litter_and_no_document(
    demo: Server, others: list[Dav], name: str
) -> None:
    author = demo.dav(OWNER, agent=DAVFS2)
    folder = (*BOX, name)
    assert author.mkcol(folder).status == 201
    assert author.mkcol((*folder, "files")).status == 201
    assert author.put((*folder, "files", ".DS_Store"), LITTER[".DS_Store"]).status == 201
    assert author.put((*folder, "x.trashinfo"), b"[Trash Info]\nPath=x").status == 201
    author.put((*BOX, "à jeter.pdf"), PDF)
    for within in ((*folder, "a.pdf"), (*folder, "files", "a.pdf"), (*folder, "files", "a.tmp")):
        for body in (b"", PDF):
            refused = author.put(within, body)
            assert refused.status == 423
            assert name in refused.message
        for way in (author.move, author.copy):
            assert way((*BOX, "à jeter.pdf"), within).status == 423
    assert author.put((*folder, "x.trashinfo"), PDF).status == 423
    require_unseen(others, folder)
    author.delete((*BOX, "à jeter.pdf"))
    assert author.delete(folder).status == 204


def test_a_mac_saves_through_a_folder_of_its_own(demo: Server, others: list[Dav]) -> None:
    mac = demo.dav(OWNER, agent=FINDER)
    saved = {}
    for number, name in enumerate(
        ("note.pages.sb-ac6800a0-t3YBFI", "(A Document Being Saved By Pages)")
    ):
        folder, note = (*BOX, name), (*BOX, f"note {number}.pages")
        saved[note] = PDF + name.encode()
        assert mac.mkcol(folder).status == 201
        assert mac.put((*folder, note[-1]), saved[note]).status == 201
        require_unseen(others, folder)
        assert mac.move((*folder, note[-1]), note).status == 201
        assert mac.delete(folder).status == 204
    for note, content in saved.items():
        wait_for(lambda note=note: others[0].get(note).status == 200, 20, note[-1])  # type: ignore[misc]
        assert others[0].get(note).body == content


def test_a_folder_is_copied_with_all_its_documents_whatever_their_names(demo: Server) -> None:
    expert = demo.dav(EXPERT, agent=WINDOWS)
    folder, copy = (DOSSIER, "08 Plans", "lot"), (DOSSIER, "08 Plans", "copie du lot")
    assert expert.mkcol(folder).status == 201
    for number, name in enumerate(("Constat.pdf~", "20240612", "Constat.tmp")):
        assert expert.put((*folder, f"{number}.pdf"), PDF).status == 201
        assert expert.move((*folder, f"{number}.pdf"), (*folder, name)).status == 201

    assert expert.copy(folder, copy).status == 201

    assert sorted(demo.dav(OTHER).names(copy)) == sorted(demo.dav(OTHER).names(folder))
    assert len(demo.dav(OTHER).names(copy)) == 3
