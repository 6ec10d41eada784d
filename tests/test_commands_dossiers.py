"""Dossiers from the command line: made in one act or not at all, listed, closed."""

from pathlib import Path

import pytest

from davserver.dossiers.plan import read_plan
from davserver.model import DossierState
from tests.console import Console, copied, run, sentence_of

EXAMPLE = Path(__file__).parent.parent / "config" / "dossier.toml"
A, B, C = "2024-01", "2024-02", "2023-07"


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


def written(folder: Path, text: str) -> str:
    file = folder / "plan.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_the_example_is_a_plan() -> None:
    plan = read_plan(EXAMPLE)

    assert plan.state is DossierState.UNDER_WAY
    assert [person.private for person in plan.representations] == [False, False, True]


def test_the_example_makes_a_whole_dossier(console: Console) -> None:
    made = console.json("dossier", "create", "--from", str(EXAMPLE))

    assert made["title"].startswith("2024-05 Consorts INVENTÉ")
    assert [row["login"] for row in made["accounts"]] == [
        "nestor.exemple",
        "cabinet.mirage-utopie",
        "cabinet.songe",
        "ursule.fiction",
        "gaspard.modele",
    ]
    shown = console.json("dossier", "show", "2024-05")
    assert [row["box"] for row in shown["representations"]] == [
        "Cabinet MIRAGE-UTOPIE (Consorts INVENTÉ)",
        "Cabinet SONGE (SCI Les Cyprès Imaginaires et son assureur)",
        "Ursule FICTION (sans avocat)",
        "M. MODÈLE Gaspard (géotechnique)",
    ]
    assert {row["login"]: row["role"] for row in shown["members"]} == {
        "apolline.testard": "expert",
        "cabinet.mirage-utopie": "avocat",
        "cabinet.songe": "avocat",
        "ursule.fiction": "partie",
        "gaspard.modele": "sapiteur",
        "nestor.exemple": "conseil technique",
    }
    roles = [row["role"] for row in shown["folders"]]
    assert (roles.count("mailbox"), roles.count("archive")) == (4, 3)
    console.well("verify")


def test_new_passwords_are_printed_once(console: Console) -> None:
    printed = console.well("dossier", "create", "--from", str(EXAMPLE))

    assert printed.count("password: ") == 5
    assert "password" not in console.well("journal", "list")


TITLE = 'title = "2030-01 A contre B"\nexpert = "apolline.testard"\n'
NEW = '[[representations]]\nlogin = "nouvelle"\nlast_name = "N"\nemail = "n@n.example"\n'


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("title = ", "plan.toml"),
        ('title = "x"\n', "expert"),
        (TITLE + 'representation = "x"\n', "« representation » : clé inconnue"),
        (TITLE + 'state = "fermé"\n', "n'est pas un état"),
        (TITLE + 'state = "purgé"\n', "purgé"),
        ('title = "A c/ B"\nexpert = "apolline.testard"\n', "/"),
        (TITLE.replace("apolline.testard", "personne"), "Aucun compte « personne »"),
        (TITLE + NEW + '[[advisers]]\nlogin = "personne"\n', "Aucun compte « personne »"),
        (TITLE + NEW + NEW, "figure deux fois"),
        (TITLE + NEW + '[[advisers]]\nlogin = "toitures.neant"\n', "privé d'un autre dossier"),
        (TITLE + NEW + 'box = "a:b"\n', "ne peut pas être un nom"),
        (TITLE + 'template = "absent.toml"\n' + NEW, "absent.toml"),
    ],
)
def test_a_bad_plan_leaves_nothing_behind(
    console: Console, tmp_path: Path, plan: str, said: str
) -> None:
    kinds = (("user", "list"), ("dossier", "list"), ("group", "list"), ("journal", "list"))
    before = [console.well(*kind) for kind in kinds]

    assert said in console.refused("dossier", "create", "--from", written(tmp_path, plan))

    assert [console.well(*kind) for kind in kinds] == before


def test_a_title_that_is_taken_is_refused(console: Console, tmp_path: Path) -> None:
    title = console.json("dossier", "show", A)["title"]
    plan = written(tmp_path, f'title = "{title.upper()}"\nexpert = "apolline.testard"\n')

    assert "porte déjà le titre" in console.refused("dossier", "create", "--from", plan)


def test_a_template_is_found_beside_its_plan(console: Console, tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    (folder / "arbre.toml").write_text(
        'expert = "tout"\ngroup = "lire"\nassistant = "lire"\narchive = []\n'
        '[[folder]]\nname = "Tout"\n',
        encoding="utf-8",
    )

    console.well(
        "dossier", "create", "--from", written(folder, TITLE + 'template = "arbre.toml"\n')
    )

    paths = [row["path"] for row in console.json("dossier", "show", "2030-01")["folders"]]
    assert paths == ["/2030-01 A contre B", "/2030-01 A contre B/Tout"]


def test_a_plan_that_is_not_there_is_named(console: Console) -> None:
    assert "absent.toml" in console.refused("dossier", "create", "--from", "absent.toml")


def test_the_list_tells_state_expert_deadline_and_size(console: Console) -> None:
    rows = {row["title"][:7]: row for row in console.json("dossier", "list")}

    assert {title: (row["state"], row["expert"]) for title, row in rows.items()} == {
        A: ("en cours", "apolline.testard"),
        B: ("délai de dires", "apolline.testard"),
        C: ("clos", "barnabe.essai"),
    }
    assert set(rows[A]) >= {
        "title", "reference", "state", "expert", "deadline", "used", "quota", "pieces", "created",
    }  # fmt: skip
    assert rows[A]["deadline"] is None
    assert rows[B]["deadline"] == "2024-06-14T21:59:59+00:00"
    assert rows[A]["used"] > 8_000_000
    assert rows[A]["pieces"] == len(console.json("deposits", "list", "--dossier", A))
    assert "2024-01 SDC" in console.well("dossier", "list")


def test_show_tells_parties_members_groups_and_folders(console: Console) -> None:
    shown = console.json("dossier", "show", A)

    boxes = {row["box"]: row for row in shown["representations"]}
    factice = boxes[
        "Cabinet FACTICE-DUMODÈLE (Atelier Clothoïde, Mutuelle Fictive des Architectes)"
    ]
    assert factice["login"] == "cabinet.factice-dumodele"
    assert factice["parties"] == ["Atelier Clothoïde", "Mutuelle Fictive des Architectes"]
    ulysse = next(row for row in shown["members"] if row["login"] == "ulysse.personne-lambda")
    assert ulysse["kind"] == "private"
    assert ulysse["groups"] == ["Tous les participants"]
    assert sum(row["size"] for row in shown["folders"]) == shown["used"]
    text = console.well("dossier", "show", A)
    assert "M. Ulysse PERSONNE-LAMBDA (sans avocat)" in text
    assert "05 Archives" in text


def test_the_state_is_shown_and_changed_with_or_without_accents(console: Console) -> None:
    before = console.json("dossier", "state", A)
    assert before["state"] == "en cours"

    console.well("dossier", "state", A, "delai de dires", "--deadline", "2024-12-20T23:59")

    after = console.json("dossier", "state", A)
    assert after["state"] == "délai de dires"
    assert after["deadline"] == "2024-12-20T22:59:00+00:00"  # given in Paris time
    assert after["state_since"] > before["state_since"]
    lines = console.json("journal", "list", "--last", "2")
    assert [line["act"] for line in lines] == ["dossier.state", "dossier.deadline"]
    assert lines[0]["facts"] == {"before": "en cours", "state": "délai de dires"}
    assert console.json("dossier", "list")[1]["state"] == "délai de dires"


def test_a_deadline_is_moved_alone_and_taken_away(console: Console) -> None:
    since = console.json("dossier", "state", B)["state_since"]

    moved = console.json("dossier", "state", B, "--deadline", "2024-07-01T12:00:00Z")
    gone = console.json("dossier", "state", B, "--deadline", "none")

    assert (moved["deadline"], gone["deadline"]) == ("2024-07-01T12:00:00+00:00", None)
    assert moved["state_since"] == gone["state_since"] == since


def test_naming_the_same_state_again_does_not_change_its_date(console: Console) -> None:
    since = console.json("dossier", "state", C)["state_since"]

    console.well("dossier", "state", C, "clos")

    assert console.json("dossier", "state", C)["state_since"] == since


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (("state", A, "fermé"), 2, "« fermé » n'est pas un état de dossier"),
        (("state", A, "purgé"), 1, "ne devient « purgé » que par sa purge"),
        (("state", A, "--deadline", "demain"), 2, "« demain » n'est pas une date"),
        (("state", A, "--deadline", "2024-06-14"), 2, "avec son heure"),
        (("state", "9999", "clos"), 1, "Aucun dossier « 9999 »"),
        (("state", "2024", "clos"), 1, "plusieurs dossiers"),
        (("show", "Espace de l'expert"), 1, "Aucun dossier"),
    ],
)
def test_a_state_that_is_none_is_refused(
    console: Console, line: tuple[str, ...], code: int, said: str
) -> None:
    before = console.well("journal", "list")

    assert said in console.refused("dossier", *line, code=code)

    assert console.well("journal", "list") == before


def test_a_closed_dossier_is_refused_writing_at_once(console: Console) -> None:
    title = console.json("dossier", "show", A)["title"]
    question = ("rights", "explain", "apolline.testard", "PUT", f"/{title}/08 Plans/x.pdf")
    assert console.json(*question)["allowed"] is True

    console.well("dossier", "state", A, "clos")

    answer = console.json(*question)
    assert (answer["allowed"], answer["rule"]) == (False, "dossier_state")


def test_without_a_site_no_plan_is_read_for_long(tmp_path: Path) -> None:
    done = run("dossier", "create", "--from", str(EXAMPLE), "--data", str(tmp_path / "absent"))

    assert "pas de site ici" in sentence_of(done)
