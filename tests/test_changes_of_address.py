"""Folders that move, come again or are shown: what a client knows by their address stays true."""

from tests.changes import report, short, sync
from tests.clients import EXPERT, await_names, box
from tests.dav import Dav, Names
from tests.serving import Server

OWNER = "cabinet.brumaire-kalve"
BOX = box("Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)")
SPACE: Names = ("Espace de l'expert",)


def test_what_came_with_its_folder_is_told_under_its_new_address(expert: Dav, room: Names) -> None:
    deep = (*room, "a", "b")
    for folder in (deep[:-1], deep, (*room, "c")):
        expert.mkcol(folder)
    expert.put((*deep, "reste.txt"), b"1")
    expert.put((*deep, "part.txt"), b"2")
    _, start = sync(expert, room)

    expert.move((*room, "a"), (*room, "c", "d"))
    expert.delete((*room, "c", "d", "b", "part.txt"))
    expert.move((*room, "c", "d"), (*room, "c", "e"))

    changes, end = sync(expert, room, start)
    # Where it was for a moment nobody who knows « start » ever saw it.
    assert {name: there for name, there in short(changes).items() if name != "d"} == {
        "a": False, "e": True, "b": True, "reste.txt": True,
    }  # fmt: skip
    assert any(href.endswith("/c/e/b/reste.txt") for href in changes)
    expert.put((*room, "c", "e", "b", "vient.txt"), b"3")
    assert short(sync(expert, room, end)[0]) == {"vient.txt": True}
    # Of one level, it is the folder alone that came.
    assert short(sync(expert, (*room, "c"), start, "1")[0]) == {"d": False, "e": True}


def test_a_folder_that_came_here_since_is_synchronised_anew(expert: Dav, room: Names) -> None:
    expert.mkcol((*room, "a"))
    expert.mkcol((*room, "a", "b"))
    expert.put((*room, "a", "b", "x.txt"), b"1")
    _, token = sync(expert, (*room, "a", "b"))
    expert.move((*room, "a"), (*room, "c"))
    expert.delete((*room, "c", "b", "x.txt"))
    expert.move((*room, "c"), (*room, "a"))

    for folder in ((*room, "a"), (*room, "a", "b")):
        assert report(expert, folder, token).status == 403
        everything, after = sync(expert, folder)
        assert "x.txt" not in short(everything)
        assert sync(expert, folder, after) == ({}, after)


def test_what_went_from_a_folder_before_its_seal_is_told_to_its_author(demo: Server) -> None:
    author = demo.dav(OWNER)
    folder = (*BOX, "Lot scellé")
    author.mkcol(folder)
    for name in ("x.pdf", "y.pdf"):
        assert author.put((*folder, name), b"%PDF-1.4").status == 201
    _, start = sync(author, BOX)
    _, inside = sync(author, folder)
    assert author.delete((*folder, "y.pdf")).status == 204
    await_names(demo.dav(EXPERT), folder, ["x.pdf"])

    assert short(sync(author, BOX, start)[0])["y.pdf"] is False
    assert short(sync(author, folder, inside)[0])["y.pdf"] is False


def test_a_folder_made_again_at_an_address_is_synchronised_anew(expert: Dav, room: Names) -> None:
    folder, other = (*room, "a"), (*room, "b")
    for place in (folder, other):
        expert.mkcol(place)
        expert.put((*place, "x.txt"), b"1")
    expert.put((*folder, "y.txt"), b"2")
    _, token = sync(expert, folder)
    expert.delete(folder)
    expert.mkcol(folder)
    expert.put((*folder, "x.txt"), b"1")
    for depth in ("1", "infinite"):
        assert report(expert, folder, token, depth).status == 403
    _, token = sync(expert, folder)
    expert.put((*folder, "z.txt"), b"3")
    _, token = sync(expert, folder, token)
    expert.copy(other, folder)
    assert report(expert, folder, token).status == 403
