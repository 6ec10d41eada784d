"""A deposit through its states, as its author and as others see it, over real sockets."""

import re
import time

import pytest

from tests.clients import DOSSIER, EXPERT, SlowUpload
from tests.dav import Dav, Reply
from tests.deposits import ARCHIVE, AUTHOR, BOX, OTHER, PDF, at, sealed
from tests.serving import QUICK, Server

WINDOWS = "Microsoft-WebDAV-MiniRedir/10.0.22631"
FINDER = "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)"


def token(reply: Reply) -> str:
    assert re.fullmatch(r"<opaquelocktoken:[0-9a-f-]{36}>", reply.headers["lock-token"])
    return reply.headers["lock-token"]


def test_one_put_is_a_deposit_that_only_its_author_sees_until_it_is_quiet(
    author: Dav, other: Dav, expert: Dav
) -> None:
    # A busy machine may take longer to look than a deposit takes to be sealed: then once more.
    for name in (f"une {attempt}.pdf" for attempt in range(20)):
        begun = time.monotonic()
        assert author.put(at(name), PDF).status == 201
        mine = (author.get(at(name)), name in author.names(BOX))
        theirs = [
            (person.get(at(name)).status, name in person.names(BOX)) for person in (other, expert)
        ]
        if time.monotonic() - begun < float(QUICK["DAVSERVER_DEPOSIT__QUIET_UNLOCKED"]):
            break

    assert theirs == [(404, False), (404, False)]
    assert (mine[0].body, mine[1]) == (PDF, True)
    before = mine[0].headers
    sealed(other, name)
    after = other.get(at(name))
    assert after.body == PDF
    assert [after.headers[key] for key in ("etag", "last-modified", "content-length")] == [
        before[key] for key in ("etag", "last-modified", "content-length")
    ]


def test_a_sealed_piece_is_neither_changed_nor_removed_by_anybody(
    author: Dav, other: Dav, expert: Dav
) -> None:
    author.put(at("scellée.pdf"), PDF)
    sealed(other, "scellée.pdf")

    for person in (author, other, expert):
        for reply in (
            person.put(at("scellée.pdf"), b"autre contenu"),
            person.put(at("scellée.pdf"), b""),
            person.delete(at("scellée.pdf")),
            person.move(at("scellée.pdf"), at("renommée.pdf")),
            person.move(at("scellée.pdf"), (DOSSIER, "08 Plans", "scellée.pdf")),
        ):
            assert reply.status == 403, reply
            assert reply.message
        assert person.lock(at("scellée.pdf")).status in (200, 423)
        assert person.get(at("scellée.pdf")).body == PDF


def test_the_same_content_again_is_a_success_and_no_second_deposit(
    demo: Server, author: Dav, other: Dav
) -> None:
    author.put(at("répétée.pdf"), PDF)
    sealed(other, "répétée.pdf")

    assert author.put(at("répétée.pdf"), PDF, If_None_Match="*").status == 204
    assert author.put(at("répétée.pdf"), PDF, If="(<opaquelocktoken:gone>)").status == 204
    assert author.request("PUT", at("répétée.pdf"), iter([PDF]), chunked=True).status == 204
    assert author.put(at("répétée.pdf"), b"y" * len(PDF)).status == 403
    assert author.put(at("répétée.pdf"), b"y" * len(PDF), If_None_Match="*").status == 412
    assert author.put(at("répétée.pdf"), b"y" * len(PDF), Overwrite="F").status == 412
    assert other.put(at("répétée.pdf"), PDF).status == 403
    listed = [line for line in demo.json("deposits", "list") if line["name"] == "répétée.pdf"]
    assert len(listed) == 1


def test_explorer_comes_back_for_two_minutes_after_the_seal(demo: Server, other: Dav) -> None:
    windows = demo.dav(AUTHOR, agent=WINDOWS)
    stamp = "<Z:Win32LastModifiedTime>Tue, 12 Mar 2024 10:00:00 GMT</Z:Win32LastModifiedTime>"
    windows.put(at("fenêtre.pdf"), PDF)
    sealed(other, "fenêtre.pdf")

    late = windows.proppatch(at("fenêtre.pdf"), stamp)
    assert late.status == 207
    assert b"200 OK" in late.body
    again = windows.lock(at("fenêtre.pdf"))
    assert again.status == 200
    assert windows.put(at("fenêtre.pdf"), b"trop tard", If=f"({token(again)})").status == 403


def test_content_that_is_emptied_again_is_a_reservation_again(author: Dav, other: Dav) -> None:
    author.put(at("tronquée.pdf"), PDF)
    assert author.put(at("tronquée.pdf"), b"").status == 204
    author.put(at("témoin2.pdf"), PDF)
    sealed(other, "témoin2.pdf")

    assert author.get(at("tronquée.pdf")).body == b""
    assert other.get(at("tronquée.pdf")).status == 404
    author.delete(at("tronquée.pdf"))


def test_a_lock_that_is_held_keeps_the_deposit_open(author: Dav, other: Dav) -> None:
    author.put(at("ouverte.docx"), PDF)
    held = token(author.lock(at("ouverte.docx")))
    author.put(at("témoin3.pdf"), PDF)
    sealed(other, "témoin3.pdf")

    assert other.get(at("ouverte.docx")).status == 404
    assert author.put(at("ouverte.docx"), PDF + b"2", If=f"({held})").status == 204
    author.unlock(at("ouverte.docx"), held)
    sealed(other, "ouverte.docx")


def test_two_accounts_on_one_name(author: Dav, expert: Dav, other: Dav) -> None:
    author.put(at("disputée.pdf"))

    assert expert.put(at("disputée.pdf"), PDF).status == 423
    assert expert.lock(at("disputée.pdf")).status == 423
    assert expert.get(at("disputée.pdf")).status == 404
    assert expert.delete(at("disputée.pdf")).status == 404
    assert other.put(at("disputée.pdf"), PDF).status == 403
    assert author.put(at("disputée.pdf"), PDF).status == 204
    sealed(other, "disputée.pdf")
    assert expert.put(at("disputée.pdf"), b"autre").status == 403


def test_a_temporary_upload_that_is_renamed_is_one_deposit(
    demo: Server, author: Dav, other: Dav
) -> None:
    assert author.put(at("plan.pdf-1b9d6bcd.part"), PDF).status == 201
    assert author.move(at("plan.pdf-1b9d6bcd.part"), at("plan.pdf")).status == 201
    sealed(other, "plan.pdf")

    listed = [line["name"] for line in demo.json("deposits", "list") if "plan.pdf" in line["name"]]
    assert listed == ["plan.pdf"]


def test_side_files_are_taken_in_and_shown_to_nobody(demo: Server, other: Dav) -> None:
    mac = demo.dav(AUTHOR, agent=FINDER)
    apple_double = b"\x00\x05\x16\x07" + b"\x00" * 4_092

    assert mac.put(at("._état.pdf")).status == 201
    held = token(mac.lock(at("._état.pdf")))
    assert mac.put(at("._état.pdf"), apple_double, If=f"({held})").status == 204
    assert mac.unlock(at("._état.pdf"), held).status == 204
    assert mac.put(at(".DS_Store"), b"\x00\x00\x00\x01Bud1" + b"\x00" * 6_000).status == 201
    assert mac.get(at("._état.pdf")).body == apple_double
    assert other.get(at("._état.pdf")).status == 404
    assert not {"._état.pdf", ".DS_Store"} & set(other.names(BOX))
    names = [line["name"] for line in demo.json("deposits", "list")]
    assert not {"._état.pdf", ".DS_Store"} & set(names)


def test_a_document_that_bears_a_technical_name_is_refused_aloud(author: Dav) -> None:
    for name, content in {
        "~$Constat.pdf": b"x" * 3_000_000,
        "._Pièce 4.pdf": PDF,
        "Thumbs.db": b"\xff\xd8\xff" + b"x" * 10_000,
    }.items():
        reply = author.put(at(name), content)
        assert (reply.status, name in reply.message) == (403, True)
        assert author.get(at(name)).status == 404


def test_in_a_read_only_folder_only_macs_and_windows_leave_their_litter(demo: Server) -> None:
    notes = (DOSSIER, "03 Notes aux parties et comptes rendus", ".DS_Store")

    assert demo.dav(AUTHOR, agent=FINDER).put(notes, b"\x00\x00\x00\x01Bud1").status == 201
    assert demo.dav(OTHER, agent="rclone/1.60").put(notes, b"\x00\x00\x00\x01Bud1").status == 403
    assert ".DS_Store" not in demo.dav(EXPERT).names(notes[:-1])


def test_a_folder_in_a_box_is_its_authors_until_a_piece_in_it_is_sealed(
    author: Dav, other: Dav
) -> None:
    assert author.mkcol(at("New folder")).status == 201
    assert other.propfind(at("New folder")).status == 404
    assert author.move(at("New folder"), at("Photos"), Overwrite="F").status == 201
    assert author.put((*at("Photos"), "une.jpg"), b"\xff\xd8\xff photo").status == 201
    sealed(other, "une.jpg", at("Photos"))

    assert "Photos" in other.names(BOX)
    assert author.delete(at("Photos")).status == 403
    assert author.move(at("Photos"), at("Autres")).status == 403


def test_the_expert_files_a_piece_and_nothing_of_it_changes(
    demo: Server, author: Dav, expert: Dav, other: Dav
) -> None:
    author.put(at("à classer.pdf"), PDF)
    sealed(expert, "à classer.pdf")
    piece = next(x for x in demo.json("deposits", "list") if x["name"] == "à classer.pdf")
    target = (*ARCHIVE, "Pièces", "à classer.pdf")
    wrong = (DOSSIER, "05 Archives", "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)", "Pièces")

    assert author.move(at("à classer.pdf"), target).status == 403
    assert expert.move(at("à classer.pdf"), (*wrong, "à classer.pdf")).status == 403
    assert expert.move(at("à classer.pdf"), (*ARCHIVE, "Pièces", "autre nom.pdf")).status == 403
    assert expert.copy(at("à classer.pdf"), target).status == 403
    assert expert.move(at("à classer.pdf"), target).status == 201
    assert other.get(target).body == PDF
    assert other.get(at("à classer.pdf")).status == 404
    filed = next(x for x in demo.json("deposits", "list") if x["name"] == "à classer.pdf")
    assert (filed["number"], filed["sha256"]) == (piece["number"], piece["sha256"])
    assert expert.delete(target).status == 403
    assert expert.put(target, b"autre").status == 403
    assert expert.move(target, at("à classer.pdf")).status == 201  # an act that can be undone


def test_the_sapiteurs_pieces_are_copied_by_the_expert_not_moved(demo: Server, expert: Dav) -> None:
    box = (DOSSIER, "06 Sapiteurs et investigations", "M. PROTOTYPE Côme (structure)")
    demo.dav("come.prototype").put((*box, "avis.pdf"), PDF)
    sealed(expert, "avis.pdf", box)

    assert (
        expert.move((*box, "avis.pdf"), (DOSSIER, "10 Rapport et annexes", "a.pdf")).status == 403
    )
    assert (
        expert.copy((*box, "avis.pdf"), (DOSSIER, "10 Rapport et annexes", "a.pdf")).status == 201
    )


@pytest.mark.parametrize("pause", [0.0, 6.0])
def test_a_deposit_is_not_sealed_while_its_content_is_coming(
    demo: Server, author: Dav, other: Dav, pause: float
) -> None:
    name = at(f"en chemin {pause}.pdf")
    assert author.put(name, b"%").status == 201
    time.sleep(1.6)
    upload = SlowUpload(demo, AUTHOR, name, len(PDF))
    upload.send(PDF[:100])
    time.sleep(pause)
    for start in range(100, len(PDF), 1_000):
        upload.send(PDF[start : start + 1_000])
        time.sleep(0.5)
        assert other.get(name).status == 404
    assert upload.answer() == 204
    sealed(other, name[-1])
    assert other.get(name).body == PDF


def test_a_transfer_that_breaks_off_leaves_what_was_there_to_be_sealed(
    demo: Server, author: Dav, other: Dav
) -> None:
    name = at("rompu.pdf")
    assert author.put(name, PDF + b"rompu").status == 201
    upload = SlowUpload(demo, AUTHOR, name, 10_000)
    upload.send(PDF[:100])
    upload.cut()
    sealed(other, "rompu.pdf")
    assert other.get(name).body == PDF + b"rompu"


def test_the_expert_is_asked_to_come_back_for_a_folder_with_an_unfinished_deposit(
    author: Dav, expert: Dav
) -> None:
    author.mkcol(at("En cours"))
    author.put((*at("En cours"), "a.pdf"), PDF + b"a")
    sealed(expert, "a.pdf", at("En cours"))
    author.put((*at("En cours"), "b.pdf"))

    reply = expert.move(at("En cours"), (*ARCHIVE, "Pièces", "En cours"))

    assert reply.status == 403
    assert "pas terminé" in reply.message and "dans un moment" in reply.message
    assert reply.reason == "Depot en cours dans ce dossier"
    author.delete((*at("En cours"), "b.pdf"))
    assert expert.move(at("En cours"), (*ARCHIVE, "Pièces", "En cours")).status == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"OC-Chunked": "1"},
        {"Upload-Incomplete": "?1"},
        {"Upload-Complete": "?0"},
        {"Upload-Offset": "5"},
        {"X-Update-Range": "bytes=0-4"},
        {"Content-Range": "bytes 0-4/10"},
    ],
)
def test_a_piece_of_a_file_is_no_file(author: Dav, headers: dict[str, str]) -> None:
    name = at("gros.pdf-chunking-4242-3-0")
    reply = author.request("PUT", name, PDF, headers)
    assert (reply.status, "morceau" in reply.message) == (400, True)
    assert author.get(name).status == 404


def test_a_whole_file_may_say_so(author: Dav) -> None:
    whole = {"OC-Chunked": "0", "Upload-Incomplete": "?0", "Upload-Complete": "?1"}
    assert author.request("PUT", at("entier.pdf"), PDF, whole).status == 201
    author.delete(at("entier.pdf"))


def test_who_lacks_a_right_is_told_which_and_where(author: Dav, other: Dav) -> None:
    author.put(at("à prendre.pdf"), PDF + b"prendre")
    sealed(other, "à prendre.pdf")
    theirs = (*BOX[:-1], "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)", "à prendre.pdf")

    moved = other.move(at("à prendre.pdf"), theirs).message
    added = other.put(at("à moi.pdf"), PDF).message

    assert f"rien déplacer hors de « {BOX[-1]} »" in moved
    assert "« télécharger » avec « déplacer » ou « télécharger » avec « supprimer »" in moved
    assert added == (
        f"Vous ne pouvez rien ajouter dans « {BOX[-1]} » : il vous manque le droit « ajouter »."
    )


def test_davfs2_finds_an_unfinished_deposit_again_in_its_own_form(
    demo: Server, author: Dav, other: Dav
) -> None:
    decomposed, composed = "e\u0301tat des lieux.pdf", "état des lieux.pdf"
    davfs2 = demo.dav(AUTHOR, agent="davfs2/1.7.1 neon/0.33.0")
    assert davfs2.put(at(decomposed)).status == 201
    assert decomposed in davfs2.names(BOX)
    assert composed in author.names(BOX)
    assert davfs2.put(at(decomposed), PDF).status == 204
    sealed(other, composed)
    for person in (davfs2, author, other):
        assert composed in person.names(BOX)
        assert decomposed not in person.names(BOX)
