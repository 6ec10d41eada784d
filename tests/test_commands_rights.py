"""Rights and alert rules from the command line."""

from pathlib import Path

import pytest

from tests.console import Console, copied

A = "/2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
B = "/2024-02 Époux NULLEPART contre Toitures du Néant"
ORTIE = f"{A}/04 Boîtes aux lettres/Cabinet ORTIE-LAMBDA (SCCV Mirabelle)"
EVERYBODY = "group:Tous les participants"
READ = "naviguer, consulter, télécharger"


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


def rights_of(console: Console, login: str, path: str) -> str:
    members = console.json("rights", "show", path)["members"]
    return str(next(row["rights"] for row in members if row["login"] == login))


def test_show_tells_what_is_given_where_and_what_it_makes_of_each_member(console: Console) -> None:
    shown = console.json("rights", "show", ORTIE)

    assert shown["path"] == ORTIE
    assert shown["inherits"] is True
    given = {(row["principal"], row["folder"]): row for row in shown["grants"]}
    own = given["cabinet.ortie-lambda", ORTIE]
    assert (own["rights"], own["inherited"], own["recursive"]) == ("ajouter", False, True)
    assert given[EVERYBODY, A]["inherited"] is True
    assert rights_of(console, "cabinet.ortie-lambda", ORTIE) == f"{READ}, ajouter"
    assert rights_of(console, "cabinet.saule-exemple", ORTIE) == READ
    assert "ajouter" in console.well("rights", "show", ORTIE)


@pytest.mark.parametrize(
    "path", [f"/dav{A}", f"dav{A}", A.removeprefix("/"), A.upper(), f"{A}/", f"//{A}"]
)
def test_a_path_is_given_with_or_without_the_drive(console: Console, path: str) -> None:
    assert console.json("rights", "show", path)["path"] == A


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("lire", READ),
        ("lire,ajouter", f"{READ}, ajouter"),
        ("naviguer + Modifier", "naviguer, modifier"),
        ("read,add", f"{READ}, ajouter"),
        ("aucun", "aucun"),
    ],
)
def test_rights_are_given_in_words(console: Console, words: str, meaning: str) -> None:
    console.well("rights", "grant", f"{A}/08 Plans", "theo.gabarit", words)

    given = console.json("rights", "show", f"{A}/08 Plans")["grants"]
    assert [row["rights"] for row in given if row["principal"] == "theo.gabarit"] == [meaning]
    (line,) = console.json("journal", "list", "--last", "1")
    assert (line["act"], line["facts"]["rights"]) == ("rights.grant", meaning)


def test_a_group_is_given_rights_which_can_stay_in_one_folder(console: Console) -> None:
    below = f"{A}/07 Photos et vidéos/Réunion n°1 - 12 mars 2024"
    console.well("rights", "grant", below.rpartition("/")[0], EVERYBODY, "lire,ajouter",
                 "--only-here")  # fmt: skip

    assert rights_of(console, "theo.gabarit", below.rpartition("/")[0]) == f"{READ}, ajouter"
    assert rights_of(console, "theo.gabarit", below) == READ


def test_rights_are_taken_back_and_those_above_count_again(console: Console) -> None:
    console.well("rights", "grant", f"{A}/08 Plans", EVERYBODY, "aucun")
    assert rights_of(console, "theo.gabarit", f"{A}/08 Plans") == "aucun"

    console.well("rights", "revoke", f"{A}/08 Plans", EVERYBODY)

    assert rights_of(console, "theo.gabarit", f"{A}/08 Plans") == READ
    assert "aucun droit sur ce dossier même" in console.refused(
        "rights", "revoke", f"{A}/08 Plans", EVERYBODY
    )


def test_inheritance_is_cut_and_restored(console: Console) -> None:
    console.well("rights", "cut", f"{A}/08 Plans")
    assert console.json("rights", "show", f"{A}/08 Plans")["inherits"] is False
    assert rights_of(console, "theo.gabarit", f"{A}/08 Plans") == "aucun"

    console.well("rights", "restore", f"{A}/08 Plans")
    assert rights_of(console, "theo.gabarit", f"{A}/08 Plans") == READ
    acts = [line["act"] for line in console.json("journal", "list", "--last", "2")]
    assert acts == ["rights.inherit", "rights.inherit"]


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (("show", "/"), 1, "sur un dossier d'expertise"),
        (("show", "/absent"), 1, "Il n'y a pas de « absent » dans « / »"),
        (("show", f"{A}/absent/encore"), 1, f"Il n'y a pas de « absent » dans « {A} »"),
        (("show", f"{A}/../x"), 1, "caractère interdit"),
        (("show", f"{A}/08 Plans/Plan RDC ind. C.pdf"), 1, "pas sur un fichier"),
        (("grant", A, "theo.gabarit", "lire,voler"), 2, "« voler » n'est pas un droit (naviguer,"),
        (("grant", A, "theo.gabarit", ""), 2, "Il manque les droits"),
        (("grant", A, "theo.gabarit", " , "), 2, "Il manque les droits"),
        (("grant", A, "personne", "lire"), 1, "Aucun compte « personne »"),
        (("grant", A, "", "lire"), 2, "Il manque un identifiant"),
        (("grant", A, "group:Inconnu", "lire"), 1, "Aucun groupe « Inconnu »"),
        (("grant", A, "toitures.neant", "lire"), 1, "privé est celui d'un autre dossier"),
        (("revoke", A, "theo.gabarit"), 1, "aucun droit sur ce dossier même"),
        (("cut", "/absent"), 1, "Il n'y a pas de « absent »"),
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(
    console: Console, line: tuple[str, ...], code: int, said: str
) -> None:
    before = console.well("journal", "list")

    assert said in console.refused("rights", *line, code=code)

    assert console.well("journal", "list") == before


def test_the_space_of_an_expert_is_called_by_its_own_title(console: Console) -> None:
    shown = console.json("rights", "show", "/Espace de l'expert (apolline.testard)")

    assert [row["principal"] for row in shown["grants"]] == ["apolline.testard"]


def test_alert_rules_are_listed_added_and_removed(console: Console) -> None:
    everywhere = console.json("alerts", "rules")
    assert {(row["path"], row["principal"]) for row in everywhere} >= {
        (A, EVERYBODY),
        (B, EVERYBODY),
    }

    console.well("alerts", "add", f"{A}/08 Plans", "theo.gabarit", "--only-here")
    ours = console.json("alerts", "rules", "--dossier", "2024-01")
    assert [(row["path"], row["principal"], row["recursive"]) for row in ours] == [
        (A, EVERYBODY, True),
        (f"{A}/08 Plans", "theo.gabarit", False),
    ]
    console.well("alerts", "remove", f"{A}/08 Plans", "theo.gabarit")
    assert console.json("alerts", "rules") == everywhere
    assert "Aucune alerte pour « theo.gabarit »" in console.refused(
        "alerts", "remove", f"{A}/08 Plans", "theo.gabarit"
    )
    console.well("verify")


def test_adding_an_alert_again_changes_its_reach(console: Console) -> None:
    console.well("alerts", "add", A, EVERYBODY, "--only-here")

    (rule,) = console.json("alerts", "rules", "--dossier", "2024-01")
    assert rule["recursive"] is False
