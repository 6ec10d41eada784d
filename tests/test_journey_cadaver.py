"""The expert works at a command line (cadaver): he lists, fetches, publishes, files and locks."""

from pathlib import Path

import pytest

from davserver.demo.history import ARCHIVES, BOXES, BRUMAIRE, QUARTZ, SAULE
from tests.clients import (
    AWKWARD,
    CLOSED,
    DOSSIER,
    EXPERT,
    archive,
    await_names,
    box,
    cadaver,
    contents,
    deposits,
    paper,
    papers,
    quoted,
    sha256,
)
from tests.serving import Server

LAWYER, OTHER = "cabinet.quartz-placebo", "cabinet.saule-exemple"
OLD = AWKWARD[5]  # in the lawyer's box since 2024
NOTES = (DOSSIER, "03 Notes aux parties et comptes rendus")


def test_listings_show_each_person_his_dossiers(demo: Server, tmp_path: Path) -> None:
    (listed,) = cadaver(demo, LAWYER, (), tmp_path, "ls")
    assert DOSSIER in listed
    assert CLOSED not in listed
    (listed,) = cadaver(demo, LAWYER, (DOSSIER,), tmp_path, f"ls {quoted(BOXES, QUARTZ)}")
    assert OLD in listed


def test_a_piece_is_fetched_byte_for_byte(demo: Server, tmp_path: Path) -> None:
    piece = quoted(BOXES, QUARTZ, OLD)
    (said,) = cadaver(demo, OTHER, (DOSSIER,), tmp_path, f"get {piece} fetched.pdf")
    assert said.endswith("succeeded.")
    fetched = sha256((tmp_path / "fetched.pdf").read_bytes())
    assert fetched == deposits(demo, LAWYER)[OLD]["sha256"]


def test_several_pieces_are_put_at_once_and_become_deposits(demo: Server, tmp_path: Path) -> None:
    names = ["Pièce n°1 - Contrat.pdf", "Pièce n°2 - Avenant #1.pdf", "IMG_4514.JPG"]
    written = papers(tmp_path, names)
    (said,) = cadaver(demo, LAWYER, box(QUARTZ), tmp_path, "mput " + " ".join(map(quoted, names)))
    assert said.count("succeeded.") == len(names)
    await_names(demo.dav(OTHER), box(QUARTZ), names)
    hashes = {name: sha256(content) for name, content in written.items()}
    assert contents(demo.dav(OTHER), box(QUARTZ), names) == hashes
    rows = deposits(demo, LAWYER)
    assert {name: rows[name]["sha256"] for name in names} == hashes


@pytest.mark.parametrize(
    ("login", "command", "answer"),
    [
        (EXPERT, f"mkcol {quoted(BOXES, 'Nouvelle boîte')}", "403"),
        (EXPERT, f"mkcol {quoted(ARCHIVES, 'Nouvelle archive')}", "403"),
        (LAWYER, f"mkcol {quoted('08 Plans', 'Nouveau')}", "403"),
        (EXPERT, f"delete {quoted(BOXES, QUARTZ, OLD)}", "403"),
        (LAWYER, f"delete {quoted(BOXES, QUARTZ, OLD)}", "403"),
        (EXPERT, f"rmcol {quoted(BOXES, QUARTZ)}", "403"),
        (LAWYER, f"put new.pdf {quoted(BOXES, QUARTZ, OLD)}", "403"),
        (LAWYER, f"put new.pdf {quoted(BOXES, SAULE, 'new.pdf')}", "403"),
        (LAWYER, f"lock {quoted(BOXES, QUARTZ, OLD)}", "423"),
        (LAWYER, f"move {quoted(BOXES, QUARTZ, OLD)} {quoted(BOXES, QUARTZ, 'x.pdf')}", "403"),
        (
            LAWYER,
            f"move {quoted(BOXES, QUARTZ, OLD)} {quoted(ARCHIVES, QUARTZ, 'Pièces', OLD)}",
            "403",
        ),
        (
            EXPERT,
            f"move {quoted(BOXES, QUARTZ, OLD)} {quoted(ARCHIVES, BRUMAIRE, 'Pièces', OLD)}",
            "403",
        ),
    ],
)
def test_what_the_rules_forbid_is_refused_aloud(
    demo: Server, tmp_path: Path, login: str, command: str, answer: str
) -> None:
    before = demo.dav(EXPERT).names(box(QUARTZ))
    papers(tmp_path, ["new.pdf"])
    (said,) = cadaver(demo, login, (DOSSIER,), tmp_path, command)
    assert "failed" in said
    assert answer in said
    assert demo.dav(EXPERT).names(box(QUARTZ)) == before


def test_the_expert_files_a_piece(demo: Server, tmp_path: Path) -> None:
    name = "Pièce n°3 - Rapport.pdf"
    assert demo.dav(LAWYER).put((*box(QUARTZ), name), paper(name)).status == 201
    await_names(demo.dav(EXPERT), box(QUARTZ), [name])
    before = deposits(demo, LAWYER)[name]
    target = quoted("..", ARCHIVES, QUARTZ, "Pièces", name)
    move = f"move {quoted(QUARTZ, name)} {target}"
    (said,) = cadaver(demo, EXPERT, (DOSSIER, BOXES), tmp_path, move)
    assert said.endswith("succeeded.")
    assert contents(demo.dav(OTHER), archive(QUARTZ), [name]) == {name: sha256(paper(name))}
    assert name not in demo.dav(OTHER).names(box(QUARTZ))
    after = deposits(demo, LAWYER)[name]
    assert (after["number"], after["sha256"]) == (before["number"], before["sha256"])


def test_the_expert_locks_his_own_note_and_gives_it_back(demo: Server, tmp_path: Path) -> None:
    name = "Note aux parties n°2 - Investigations.pdf"
    papers(tmp_path, [name])
    note = quoted(name)
    said = cadaver(demo, EXPERT, NOTES, tmp_path, f"put {note}", f"lock {note}", f"discover {note}")
    assert [answer.endswith("succeeded.") for answer in said[:2]] == [True, True]
    assert "Scope: exclusive  Type: write" in said[2]
    assert demo.dav(OTHER).get((*NOTES, name)).body == paper(name)
    assert demo.dav(EXPERT).put((*NOTES, name), b"%PDF without the token").status == 423
    token = said[2].partition("<")[2].partition(">")[0]
    assert token.startswith("opaquelocktoken:")
    reply = demo.dav(EXPERT).unlock((*NOTES, name), f"<{token}>")
    assert reply.status == 204
    (said_now,) = cadaver(demo, EXPERT, NOTES, tmp_path, f"discover {note}")
    assert "opaquelocktoken" not in said_now


def test_a_lock_is_taken_and_given_back_in_one_session(demo: Server, tmp_path: Path) -> None:
    papers(tmp_path, ["Note n°3.pdf"])
    note = quoted("Note n°3.pdf")
    commands = [f"put {note}", f"lock {note}", f"unlock {note}", f"delete {note}"]
    said = cadaver(demo, EXPERT, NOTES, tmp_path, *commands)
    assert all(answer.endswith("succeeded.") for answer in said), said
    assert "Note n°3.pdf" not in demo.dav(OTHER).names(NOTES)
