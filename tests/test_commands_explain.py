"""``rights explain`` says what the server does, and why."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from davserver.accounts import people
from davserver.site import CONSOLE, Site, open_site
from davserver.tree.explain import VERBS, Explanation, Question, explain
from davserver.work import Client
from tests import backends
from tests.conftest import Start
from tests.console import Console, copied
from tests.dav import Dav, Reply
from tests.serving import Server, wait_for

A = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
B = "2024-02 Époux NULLEPART contre Toitures du Néant"
C = "2023-07 Fondation Saint-Exemple contre Groupement Médiathèque"
LAWYER = "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)"
BOX = (A, "04 Boîtes aux lettres", LAWYER)
PIECE = (*BOX, "Pièce nº 07 – Procès-verbal de réception du 3 février 2021.pdf")
ARCHIVE = (A, "05 Archives", LAWYER)
SPACE = "Espace de l'expert"
PLACES = {
    "root": (),
    "source": (A,),
    "boxes": (A, "04 Boîtes aux lettres"),
    "box": BOX,
    "new": (*BOX, "neuf.pdf"),
    "piece": PIECE,
    "orphan": (*BOX, "absent", "x.pdf"),
    "other box": (A, BOX[1], "Cabinet SAULE-EXEMPLE (Étanchéité Sans-Souci SARL)", "x"),
    "archive": ARCHIVE,
    "archived": (*ARCHIVE, "Dires", "Dire n°3 récapitulatif - Me ORTIE - 14.06.2024.pdf"),
    "to archive": (*ARCHIVE, "Dires", "neuf.pdf"),
    "plan": (A, "08 Plans", "neuf.dwg"),
    "closed": (C, "08 Plans", "neuf.dwg"),
    "litter": (*BOX, ".DS_Store"),
    "reserved name": (*BOX, "CON.pdf"),
    "unknown": ("inconnu", "x"),
    "space": (SPACE, "brouillon.txt"),
}  # fmt: skip
TARGETS = ((*ARCHIVE, "Pièces", PIECE[-1]), (A, "08 Plans", "copie.pdf"))
EXPERT, OWNER, OTHER, STRANGER = (
    "apolline.testard",
    "cabinet.ortie-lambda",
    "cabinet.saule-exemple",
    "barnabe.essai",
)
AGENT = "test"
DS_STORE = b"\x00\x00\x00\x01Bud1"


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


@pytest.fixture(scope="module")
def site(demo: Server) -> Iterator[Site]:
    """The data of the running server, as the command opens them."""
    site = open_site(backends.settings(demo.data))
    yield site
    site.close()


def explained(site: Site, login: str, question: Question) -> Explanation:
    with site.writing(CONSOLE, Client("command")) as work:
        return explain(work, people.find(work.session, login), question)


def send(dav: Dav, question: Question) -> Reply:
    verb, path = question.verb, question.path
    if question.to is not None:
        return (dav.move if verb == "MOVE" else dav.copy)(path, question.to)
    if verb == "PUT":
        return dav.put(path, DS_STORE if path == PLACES["litter"] else b"x" * len(DS_STORE))
    if verb == "LOCK":
        reply = dav.lock(path)
        if "lock-token" in reply.headers:
            dav.unlock(path, reply.headers["lock-token"])
        return reply
    if verb == "UNLOCK":
        return dav.unlock(path, "<opaquelocktoken:inconnu>")
    if verb == "PROPPATCH":
        return dav.proppatch(path, "<T:mot>x</T:mot>")
    if verb == "PROPFIND":
        return dav.propfind(path)
    return dav.request(verb, path)


@pytest.mark.parametrize("login", [EXPERT, OWNER, OTHER, STRANGER])
def test_the_server_answers_as_explained(demo: Server, site: Site, login: str) -> None:
    dav = demo.dav(login, agent=AGENT)
    differing = []
    for place, path in PLACES.items():
        for verb in VERBS:
            for to in TARGETS if verb in ("COPY", "MOVE") else (None,):
                size = len(DS_STORE) if verb == "PUT" else None
                question = Question(verb, path, to=to, size=size, agent=AGENT)
                said = explained(site, login, question)
                reply = send(dav, question)
                inner = 200 if b"HTTP/1.1 200" in reply.body else 403
                if (said.status, said.property_status or inner) != (reply.status, inner):
                    differing.append((verb, place, said, reply.status, reply.reason))

    assert differing == []


def test_explaining_changes_nothing(console: Console) -> None:
    before = [console.well(*kind) for kind in (("journal", "list"), ("deposits", "list"))]
    drive = "/".join(("", *PIECE))

    console.well("rights", "explain", OWNER, "PUT", "/".join(("", *BOX, "neuf.pdf")))
    console.well("rights", "explain", EXPERT, "DELETE", f"/{A}/08 Plans")
    console.well("rights", "explain", EXPERT, "MOVE", drive, "--to", "/".join(("", *TARGETS[0])))

    assert [console.well(*kind) for kind in (("journal", "list"), ("deposits", "list"))] == before
    console.well("verify")


def answer(
    console: Console, login: str, verb: str, *path: str, **options: str
) -> dict[str, object]:
    given = [part for key, value in options.items() for part in (f"--{key}", value)]
    found = console.json("rights", "explain", login, verb, "/".join(("", *path)), *given)
    assert isinstance(found, dict)
    return found


def test_a_permission_names_the_grants_that_add_up_to_it(console: Console) -> None:
    said = answer(console, OWNER, "put", "dav", *BOX, "neuf.pdf")

    assert (said["allowed"], said["status"], said["rule"]) == (True, 201, "recursive_rights")
    assert said["grants"] == [
        {"folder": "/".join(("", *BOX)), "principal": OWNER, "rights": "ajouter"},
        {
            "folder": f"/{A}",
            "principal": "group:Tous les participants",
            "rights": "naviguer, consulter, télécharger",
        },
    ]


@pytest.mark.parametrize(
    ("login", "verb", "path", "status", "rule", "said"),
    [
        (OWNER, "PUT", PIECE, 403, "mailbox", "ni modifiée ni supprimée"),
        (OWNER, "DELETE", PIECE, 403, "mailbox", "ni modifiée ni supprimée"),
        (OWNER, "LOCK", PIECE, 423, "mailbox", "ni modifiée ni supprimée"),
        (OTHER, "PUT", (*BOX, "x.pdf"), 403, "recursive_rights", "droit « ajouter »"),
        (STRANGER, "GET", PIECE, 404, "recursive_rights", f"/{A} : Ce dossier ne vous est pas"),
        (STRANGER, "PUT", (*BOX, "x.pdf"), 409, "recursive_rights", "n'existe pas"),
        (EXPERT, "PUT", (*ARCHIVE, "x.pdf"), 403, "archives", "On n'ajoute rien aux archives"),
        (EXPERT, "MKCOL", (A, "08 Plans"), 405, "tree", "déjà pris"),
        (EXPERT, "PUT", (A, "08 Plans"), 405, "tree", "Un dossier porte déjà ce nom"),
        (EXPERT, "PUT", (A, "absent", "x"), 409, "tree", "n'existe pas"),
        (EXPERT, "GET", (A, "absent"), 404, "tree", "n'existe pas"),
        (EXPERT, "PUT", (A, "08 Plans", "nul.txt"), 403, "file_names", "Windows réserve ce nom"),
        (EXPERT, "DELETE", (A, "04 Boîtes aux lettres"), 403, "structure", "structure"),
        (STRANGER, "PUT", (C, "08 Plans", "x.dwg"), 403, "dossier_state", "clos"),
        (OWNER, "MKCOL", (), 405, "tree", "déjà pris"),
    ],
)  # fmt: skip
def test_a_refusal_names_its_rule_and_its_reason(
    console: Console,
    login: str,
    verb: str,
    path: tuple[str, ...],
    status: int,
    rule: str,
    said: str,
) -> None:
    found = answer(console, login, verb, *path)

    assert (found["allowed"], found["status"], found["rule"]) == (False, status, rule)
    assert said in str(found["reason"])


def test_the_folder_of_the_grant_that_was_not_enough_is_named(console: Console) -> None:
    found = answer(console, OTHER, "PUT", *BOX, "x.pdf")

    assert [row["folder"] for row in found["grants"]] == [f"/{A}"]  # type: ignore[attr-defined]


def test_the_destination_counts(console: Console) -> None:
    into_itself = answer(console, EXPERT, "MOVE", A, "08 Plans", to=f"/{A}/08 Plans/x")
    to_another = answer(console, EXPERT, "MOVE", *PIECE, to=f"/{A}/08 Plans/x.pdf")
    filed = answer(console, EXPERT, "MOVE", *PIECE, to="/".join(("/dav", *TARGETS[0])))
    over = answer(console, EXPERT, "COPY", *PIECE, to=f"/{A}/08 Plans/Plan RDC ind. C.pdf")

    assert (into_itself["status"], into_itself["rule"]) == (403, "tree")
    assert (to_another["status"], to_another["rule"]) == (403, "archives")
    assert (filed["status"], filed["rule"]) == (201, "recursive_rights")
    assert over["status"] == 204


def test_the_announced_size_counts(console: Console) -> None:
    within = answer(console, OWNER, "PUT", *BOX, "x.pdf", size="9000000000")
    beyond = answer(console, OWNER, "PUT", *BOX, "x.pdf", size="9999999999")
    endless = answer(console, OWNER, "PUT", *BOX, "x.pdf", size="99999999999")

    assert within["allowed"] is True
    assert (beyond["status"], beyond["rule"]) == (507, "quota")
    assert (endless["status"], endless["rule"]) == (413, "tree")


def test_the_program_counts(console: Console) -> None:
    plain = answer(console, OWNER, "PUT", *BOX, "ABCD1234")
    windows = answer(
        console, OWNER, "PUT", *BOX, "ABCD1234", agent="Microsoft-WebDAV-MiniRedir/10.0"
    )
    finder = answer(console, OWNER, "LOCK", *PIECE, agent="WebDAVFS/3.0.0 (03008000)")

    assert (plain["status"], plain["rule"]) == (201, "recursive_rights")
    assert (windows["status"], windows["rule"]) == (201, "side_files")
    assert (finder["status"], finder["rule"]) == (403, "mailbox")


def test_the_same_content_again_is_no_second_deposit(start: Start) -> None:
    server = start({"DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "5"})
    site = open_site(backends.settings(server.data))
    dav, path = server.dav(OWNER), (*BOX, "Pièce n°31.pdf")
    assert dav.put(path, b"piece").status == 201
    same = Question("PUT", path, size=5, sha256=hashlib.sha256(b"piece").hexdigest())

    # Still unfinished, it is its author's to write, and nobody else's to know of.
    assert explained(site, OWNER, Question("PUT", path, size=5)).status == 204
    assert explained(site, EXPERT, Question("GET", path)).status == 404
    taken = explained(site, EXPERT, Question("PUT", path, size=5))
    assert (taken.status, taken.allowed) == (423, False)

    wait_for(lambda: explained(site, EXPERT, Question("GET", path)).allowed, 30, "the seal")
    assert explained(site, OWNER, same).status == 204
    assert explained(site, OWNER, Question("PUT", path, size=5)).status == 403
    site.close()


def test_a_lock_of_somebody_else_is_told_apart_from_rules(demo: Server, site: Site) -> None:
    path = (A, "08 Plans", "verrouillé.dwg")
    assert demo.dav(EXPERT).put(path, b"x").status == 201
    assert demo.run("rights", "grant", f"/{A}/08 Plans", OTHER, "tout").returncode == 0
    assert demo.dav(EXPERT).lock(path).status == 200

    others = explained(site, OTHER, Question("PUT", path, size=1))
    own = explained(site, EXPERT, Question("PUT", path, size=1))
    unlocking = explained(site, OTHER, Question("UNLOCK", path))

    assert (others.status, others.rule) == (423, "locks")
    assert own.status == 204
    assert unlocking.status == 403


def test_a_disabled_account_is_answered_401(console: Console) -> None:
    console.well("user", "disable", OWNER)

    found = answer(console, OWNER, "GET", *PIECE)

    assert (found["status"], found["rule"]) == (401, "account")


def test_an_address_that_is_none_is_answered_400(console: Console) -> None:
    found = answer(console, OWNER, "GET", A, "..", "x")

    assert (found["status"], found["rule"]) == (400, "address")


def test_the_answer_is_readable_without_json(console: Console) -> None:
    text = console.well("rights", "explain", OWNER, "proppatch", "/".join(("", *PIECE)))

    assert "refused" in text
    assert "status           207" in text
    assert "of the property  403" in text
    assert "mailbox" in text


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (("personne", "GET", f"/{A}"), 1, "Aucun compte « personne »"),
        ((OWNER, "POST", f"/{A}"), 2, "« POST » n'est pas une méthode WebDAV"),
        ((OWNER, "MOVE", f"/{A}"), 2, "--to"),
        ((OWNER, "GET", f"/{A}", "--to", "/x"), 2, "--to"),
    ],
)
def test_a_question_that_is_none_is_refused(
    console: Console, line: tuple[str, ...], code: int, said: str
) -> None:
    assert said in console.refused("rights", "explain", *line, code=code)
