"""COPY, MOVE and DELETE: every resource that they touch is judged (threats D01 to D05)."""

from davserver.demo.history import ARCHIVES
from tests.clients import DOSSIER, EXPERT, archive
from tests.console import Console
from tests.dav import Names
from tests.serving import Server
from tests.threats import rooms
from tests.threats.rooms import BOX, NOTES, OTHER, OTHERS_BOX, OWNER, PDF, READER

OTHER_DOSSIER = "2024-02 Époux NULLEPART contre Toitures du Néant"
IN_BOTH = "cabinet.quartz-placebo"  # a lawyer of both dossiers


def test_d01_copy_needs_the_right_to_download_each_member(demo: Server) -> None:
    owner, folder = demo.dav(OWNER), rooms.room(demo, "seul.pdf")
    inner = (*folder, "annexes")
    expert = demo.dav(EXPERT)
    expert.mkcol(inner)
    expert.put((*inner, "a.pdf"), PDF)
    rooms.grant(demo, inner, rooms.group(demo), "naviguer,consulter")
    before = rooms.tree(owner, BOX)

    assert owner.get((*folder, "seul.pdf")).status == 200
    assert owner.propfind((*inner, "a.pdf"), "0").status == 207
    assert owner.copy((*inner, "a.pdf"), (*BOX, "a.pdf")).status == 403
    assert owner.copy(inner, (*BOX, "annexes")).status == 403
    assert owner.copy(folder, (*BOX, "tout")).status == 403
    assert rooms.tree(owner, BOX) == before


def test_d01_what_is_hidden_is_not_there_to_be_copied(demo: Server) -> None:
    owner, hidden = demo.dav(OWNER), rooms.room(demo, "secret.pdf", closed=True)
    shown = rooms.room(demo, "ouvert.pdf")
    inner = (*shown, "caché")
    demo.dav(EXPERT).mkcol(inner)
    rooms.cut(demo, inner)
    demo.dav(EXPERT).put((*inner, "secret.pdf"), PDF)
    before = rooms.tree(owner, BOX)

    assert owner.copy(hidden, (*BOX, "x")).status == 404
    assert owner.copy((*hidden, "secret.pdf"), (*BOX, "x.pdf")).status == 404
    assert rooms.tree(owner, BOX) == before
    assert owner.copy(shown, (*BOX, shown[-1])).status == 201
    copied = [
        path.rstrip("/").rsplit("/", 1)[-1] for path in set(rooms.tree(owner, BOX)) - set(before)
    ]
    assert sorted(copied) == ["ouvert.pdf", shown[-1].replace(" ", "%20")]
    assert owner.delete((*BOX, shown[-1])).status == 204


def test_d01_copy_needs_the_right_to_add_where_it_goes(demo: Server) -> None:
    owner, folder = demo.dav(OWNER), rooms.room(demo, "lu.pdf")
    before = rooms.tree(demo.dav(EXPERT), (DOSSIER,))

    for target in (folder, OTHERS_BOX, NOTES, (DOSSIER, ARCHIVES), (DOSSIER,)):
        assert owner.copy((*folder, "lu.pdf"), (*target, "copie.pdf")).status == 403, target

    assert rooms.tree(demo.dav(EXPERT), (DOSSIER,)) == before


def test_d02_a_sealed_piece_is_neither_moved_nor_renamed_by_its_author(demo: Server) -> None:
    owner, expert = demo.dav(OWNER), demo.dav(EXPERT)
    folder, name = (*BOX, rooms.fresh()), "scellée.pdf"
    owner.mkcol(folder)
    owner.put((*folder, name), PDF)
    rooms.sealed(expert, (*folder, name))
    before = rooms.tree(expert, (DOSSIER,))

    for target in (
        (*folder, "autre.pdf"), (*folder, "SCELLÉE.pdf"), (*BOX, name), (*OTHERS_BOX, name),
        (*NOTES, name), (*archive(BOX[-1]), name), (*BOX, "x.tmp"),
    ):  # fmt: skip
        assert owner.move((*folder, name), target).status == 403, target
    assert owner.move(folder, (*BOX, rooms.fresh())).status == 403

    assert rooms.tree(expert, (DOSSIER,)) == before


def test_d02_move_needs_the_right_to_take_away_each_member(demo: Server) -> None:
    """Writing without « supprimer » nor « déplacer »: nothing leaves its folder."""
    owner, folder = demo.dav(OWNER), rooms.room(demo, "pièce.pdf")
    target = rooms.room(demo)
    inner = (*folder, "dedans")
    demo.dav(EXPERT).mkcol(inner)
    demo.dav(EXPERT).put((*inner, "x.pdf"), PDF)
    for there in (folder, target):
        rooms.grant(demo, there, OWNER, "lire,ajouter,modifier")
    before = rooms.tree(owner, NOTES)

    assert owner.move((*folder, "pièce.pdf"), (*target, "pièce.pdf")).status == 403
    assert owner.move(inner, (*target, "dedans")).status == 403
    rooms.grant(demo, folder, OWNER, "tout")
    rooms.grant(demo, inner, OWNER, "lire,ajouter,modifier")
    assert owner.move(folder, (*target, "tout")).status == 403
    after = rooms.tree(owner, NOTES)
    assert after == before

    rooms.grant(demo, folder, OWNER, "lire,ajouter")
    assert owner.move((*folder, "pièce.pdf"), (*folder, "renommée.pdf")).status == 403
    assert rooms.tree(owner, NOTES) == before


def test_d03_a_new_file_is_not_moved_over_a_colleagues(demo: Server) -> None:
    owner, other, folder = demo.dav(OWNER), demo.dav(OTHER), rooms.room(demo)
    for who in (OWNER, OTHER):
        rooms.grant(demo, folder, who, "lire,ajouter,modifier")
    assert owner.put((*folder, "sienne.pdf"), PDF).status == 201
    assert other.put((*folder, "neuve.pdf"), PDF * 2).status == 201

    for verb in (other.move, other.copy):
        for headers in ({}, {"Overwrite": "T"}):
            reply = verb((*folder, "neuve.pdf"), (*folder, "sienne.pdf"), **headers)
            assert reply.status == 403, (verb, headers)

    assert owner.get((*folder, "sienne.pdf")).body == PDF
    assert owner.get((*folder, "neuve.pdf")).body == PDF * 2


def test_d03_a_folder_is_not_moved_over_one_that_holds_what_may_not_go(demo: Server) -> None:
    owner, folder = demo.dav(OWNER), rooms.room(demo)
    rooms.grant(demo, folder, OWNER, "tout")
    for name in ("a", "b"):
        owner.mkcol((*folder, name))
        owner.put((*folder, name, "x.pdf"), PDF)
    kept = (*folder, "b", "protégé")
    owner.mkcol(kept)
    owner.put((*kept, "y.pdf"), PDF)
    rooms.grant(demo, kept, OWNER, "lire")
    before = rooms.tree(demo.dav(EXPERT), folder)

    assert owner.move((*folder, "a"), (*folder, "b")).status == 403
    assert owner.copy((*folder, "a"), (*folder, "b")).status == 403

    assert rooms.tree(demo.dav(EXPERT), folder) == before


def test_d04_a_folder_whose_child_forbids_it_stays_whole(demo: Server) -> None:
    owner, expert, folder = demo.dav(OWNER), demo.dav(EXPERT), rooms.room(demo, "reste.pdf")
    rooms.grant(demo, folder, OWNER, "lire,écrire")
    strict, hidden = (*folder, "strict"), (*folder, "zzz-caché-zzz")
    for inner in (strict, hidden):
        expert.mkcol(inner)
        expert.put((*inner, "x.pdf"), PDF)
    rooms.grant(demo, strict, OWNER, "lire")
    before = rooms.tree(expert, folder)
    assert owner.delete(folder).status == 403
    assert rooms.tree(expert, folder) == before

    rooms.grant(demo, strict, OWNER, "lire,écrire")
    rooms.cut(demo, hidden)
    before = rooms.tree(expert, folder)
    reply = owner.delete(folder)

    assert reply.status == 403
    assert b"zzz" not in reply.body and "zzz" not in reply.message
    assert rooms.tree(expert, folder) == before
    assert not any("zzz" in path for path in rooms.tree(owner, folder))


def test_d05_a_moved_folder_has_the_rights_of_its_new_place_at_once(demo: Server) -> None:
    expert, reader, private = demo.dav(EXPERT), demo.dav(READER), rooms.room(demo, closed=True)
    folder = (*private, "note")
    expert.mkcol(folder)
    expert.put((*folder, "x.pdf"), PDF)
    published = (*NOTES, rooms.fresh("note"))

    assert reader.get((*folder, "x.pdf")).status == 404
    assert expert.move(folder, published).status == 201
    assert reader.get((*published, "x.pdf")).status == 200
    assert expert.move(published, folder).status == 201
    assert reader.get((*published, "x.pdf")).status == 404
    assert reader.get((*folder, "x.pdf")).status == 404
    assert published[-1] not in reader.names(NOTES)


def test_d05_what_was_closed_by_itself_stays_closed_wherever_it_goes(demo: Server) -> None:
    expert, reader = demo.dav(EXPERT), demo.dav(READER)
    folder = rooms.room(demo, "visible.pdf")
    closed, barred = (*folder, "fermé"), (*folder, "réservé")
    for inner in (closed, barred):
        expert.mkcol(inner)
        expert.put((*inner, "x.pdf"), PDF)
    rooms.cut(demo, closed)
    rooms.grant(demo, barred, rooms.group(demo), "aucun")

    for target in (
        (*NOTES, rooms.fresh()),
        (DOSSIER, "08 Plans", rooms.fresh()),
        (*rooms.room(demo), "plus bas"),
    ):
        assert expert.move(folder, target).status == 201
        folder = target
        assert reader.get((*folder, "visible.pdf")).status == 200
        for name in ("fermé", "réservé"):
            assert reader.get((*folder, name, "x.pdf")).status == 404, (target, name)
            assert expert.get((*folder, name, "x.pdf")).status == 200


def test_d05_rights_given_inside_do_not_open_a_folder_to_the_people_of_another_dossier(
    demo: Server,
) -> None:
    expert, lawyer, folder = demo.dav(EXPERT), demo.dav(IN_BOTH), rooms.room(demo, "visible.pdf")
    barred, opened = (*folder, "réservé"), (*folder, "ouvert")
    for inner in (barred, opened):
        expert.mkcol(inner)
        expert.put((*inner, "x.pdf"), PDF)
    rooms.grant(demo, barred, rooms.group(demo), "aucun")
    rooms.grant(demo, opened, IN_BOTH, "tout")
    target = (OTHER_DOSSIER, NOTES[1], rooms.fresh())

    assert expert.move(folder, target).status == 201

    assert lawyer.get((*target, "visible.pdf")).status == 200
    assert lawyer.names(target) == ["visible.pdf"]
    for name in ("réservé", "ouvert"):
        assert lawyer.get((*target, name, "x.pdf")).status == 404
        assert expert.get((*target, name, "x.pdf")).status == 200


def test_d05_the_deposit_follows_the_piece_that_is_filed(demo: Server) -> None:
    owner, expert, name = demo.dav(OWNER), demo.dav(EXPERT), f"{rooms.fresh('pièce')}.pdf"
    owner.put((*BOX, name), PDF)
    rooms.sealed(expert, (*BOX, name))
    filed: Names = (*archive(BOX[-1]), name)

    def deposit() -> dict[str, object]:
        rows = Console(demo.data).json("deposits", "list", "--dossier", DOSSIER)
        (row,) = [row for row in rows if row["name"] == name]
        return {key: row[key] for key in ("number", "sha256", "author", "path")}

    before = deposit()
    assert expert.move((*BOX, name), filed).status == 201
    after = deposit()

    assert after == before | {"path": "/" + "/".join(filed)}
    assert owner.get(filed).body == PDF
