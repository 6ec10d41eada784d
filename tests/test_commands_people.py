"""Accounts and groups from the command line."""

import re
from pathlib import Path

import pytest

from davserver.site import open_site
from tests import backends
from tests.console import Console, copied
from tests.logins import enters
from tests.serving import PASSWORD

A, B = "2024-01", "2024-02"
GROUP = "Tous les participants"


@pytest.fixture
def console(seeded: Path, tmp_path: Path) -> Console:
    return copied(seeded, tmp_path)


def logs_in(console: Console, login: str, password: str = PASSWORD) -> bool:
    site = open_site(backends.settings(console.data))
    try:
        return enters(site, login, password)
    finally:
        site.close()


def last_act(console: Console) -> tuple[str, str]:
    (line,) = console.json("journal", "list", "--last", "1")
    assert (line["actor"], line["channel"]) == ("(console)", "command")
    return line["act"], line["facts"].get("user", "")


def test_a_firm_is_added_under_the_name_that_the_rule_gives_it(console: Console) -> None:
    printed = console.well(
        "user", "add", "--first-name", "cabinet", "--last-name", "Chimère - Songe",
        "--email", "contact@chimere-songe.example",
    )  # fmt: skip

    password = re.search(r"password: (\S+)$", printed, re.MULTILINE)
    assert password is not None
    assert "Cabinet CHIMÈRE-SONGE" in printed
    assert logs_in(console, "cabinet.chimere-songe", password[1])
    assert last_act(console) == ("user.add", "cabinet.chimere-songe")


def test_a_new_account_is_public_private_administrator_or_expert(console: Console) -> None:
    base = ("user", "add", "--last-name", "X", "--email", "x@x.example", "--password", "p")

    console.well(*base, "publique")
    console.well(*base, "privee", "--dossier", A)
    console.well(*base, "chef", "--administrator")
    console.well(*base, "experte", "--expert")

    shown = {row["login"]: row for row in console.json("user", "list")}
    kinds = {
        login: (row["kind"], row["dossier"] or "", row["administrator"], row["expert"])
        for login, row in shown.items()
    }
    assert kinds["publique"] == ("public", "", False, False)
    assert kinds["privee"][0] == "private" and kinds["privee"][1].startswith(A)
    assert kinds["chef"] == ("public", "", True, False)
    assert kinds["experte"] == ("public", "", False, True)
    assert console.json("user", "show", "experte")["platform"]["quota"] == 10_000_000_000


def test_a_new_password_is_printed_in_json_only_if_it_was_made_here(console: Console) -> None:
    base = ("user", "add", "--last-name", "X", "--email", "x@x.example")

    assert logs_in(console, "a", console.json(*base, "a")["password"])
    assert "password" not in console.json(*base, "b", "--password", "choisi")


def test_show_tells_groups_roles_and_dossiers(console: Console) -> None:
    shown = console.json("user", "show", "cabinet.quartz-placebo")

    assert [(row["title"][:7], row["role"]) for row in shown["dossiers"]] == [
        (A, "avocat"),
        (B, "avocat"),
    ]
    assert {row["group"] for row in shown["groups"]} == {GROUP}
    assert shown["platform"] is None
    text = console.well("user", "show", "apolline.testard")
    assert "expert · 2024-01" in text
    assert "platform" in text


def test_a_changed_password_replaces_the_old_one(console: Console) -> None:
    printed = console.well("user", "password", "theo.gabarit")
    assert logs_in(console, "theo.gabarit", printed.split()[-1])
    assert not logs_in(console, "theo.gabarit")

    printed = console.well("user", "password", "theo.gabarit", "--password", "-", typed="neuf\n")
    assert "neuf" not in printed
    assert logs_in(console, "theo.gabarit", "neuf")
    assert last_act(console) == ("user.password", "theo.gabarit")
    assert "neuf" not in console.well("journal", "list")


def test_a_disabled_account_is_shut_out_until_it_is_enabled(console: Console) -> None:
    console.well("user", "disable", "theo.gabarit")
    assert not logs_in(console, "theo.gabarit")
    assert console.json("user", "show", "theo.gabarit")["disabled"] is True
    assert last_act(console) == ("user.disable", "theo.gabarit")

    console.well("user", "enable", "theo.gabarit")
    assert logs_in(console, "theo.gabarit")
    assert last_act(console) == ("user.enable", "theo.gabarit")


def test_a_removed_account_is_gone_and_its_deposits_stay(console: Console) -> None:
    before = console.json("deposits", "list")

    console.well("user", "remove", "cabinet.ortie-lambda")

    assert not logs_in(console, "cabinet.ortie-lambda")
    assert "ortie" not in console.well("user", "list")
    after = console.json("deposits", "list")
    assert [row["sha256"] for row in after] == [row["sha256"] for row in before]
    assert last_act(console) == ("user.remove", "cabinet.ortie-lambda")
    console.well("verify")


LAST = (
    "« admin » est le dernier administrateur du site : ajoutez-en d'abord un autre "
    "(« davserver user add … --administrator »)."
)


@pytest.mark.parametrize("act", ["disable", "remove"])
def test_the_last_administrator_stays(console: Console, act: str) -> None:
    console.well(*ADD, "second", "--administrator")
    console.well("user", "disable", "second")
    before = console.well("journal", "list"), console.well("user", "list")

    assert console.refused("user", act, "admin") == LAST
    assert (console.well("journal", "list"), console.well("user", "list")) == before

    console.well("user", "enable", "second")
    console.well("user", act, "admin")
    assert last_act(console) == (f"user.{act}", "admin")
    assert "dernier administrateur" in console.refused("user", act, "second")


def test_an_administrator_who_is_shut_out_can_be_removed(console: Console) -> None:
    console.well(*ADD, "second", "--administrator")
    console.well("user", "disable", "second")

    console.well("user", "remove", "second")

    assert last_act(console) == ("user.remove", "second")


def test_a_private_account_can_become_public(console: Console) -> None:
    console.well("user", "move-to-public", "ulysse.personne-lambda")

    shown = console.json("user", "show", "ulysse.personne-lambda")
    assert (shown["kind"], shown["dossier"]) == ("public", None)
    assert [row["role"] for row in shown["dossiers"]] == ["partie"]
    assert last_act(console) == ("user.public", "ulysse.personne-lambda")
    assert "déjà" in console.refused("user", "move-to-public", "ulysse.personne-lambda")


ADD = ("user", "add", "--last-name", "X", "--email", "x@x.example")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("user", "show", "personne"), "Aucun compte « personne »"),
        (("user", "password", "personne"), "Aucun compte « personne »"),
        (("user", "disable", "personne"), "Aucun compte « personne »"),
        (("user", "remove", "personne"), "Aucun compte « personne »"),
        (("user", "remove", "apolline.testard"), "l'expert d'une plateforme"),
        (("user", "password", "admin", "--password", ""), "Un mot de passe a de 1 à"),
        ((*ADD, "admin"), "déjà pris"),
        ((*ADD, "é è"), "ne peut pas être un identifiant"),
        ((*ADD, "x", "--dossier", "nulle part"), "Aucun dossier « nulle part »"),
        ((*ADD, "x", "--dossier", A, "--expert"), "ne peut être expert"),
        (("user", "add", "--last-name", "X", "--email", "x"), "n'est pas une adresse"),
        (("user", "add", "--last-name", "X", "--email", "contact@x.example"), "prénom « Cabinet »"),
        (("user", "add", "--last-name", " ", "--email", "x@x.example"), "Il manque le nom"),
        (("group", "members", "Inconnu", "--dossier", A), "Aucun groupe « Inconnu »"),
        (("group", "members", GROUP, "--dossier", "2024"), "plusieurs dossiers"),
        (("group", "members", GROUP, "--dossier", ""), "Aucun dossier"),
        (("group", "add", GROUP, "--dossier", A), "existe déjà"),
        (("group", "add", " ", "--dossier", A), "Il manque le nom"),
        (("group", "join", GROUP, "personne", "--dossier", A), "Aucun compte « personne »"),
        (("group", "join", GROUP, "toitures.neant", "--dossier", A), "privé d'un autre dossier"),
        (("group", "leave", GROUP, "admin", "--dossier", A), "n'est pas membre"),
        (("group", "leave", GROUP, "apolline.testard", "--dossier", A), "--yes"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    console: Console, line: tuple[str, ...], said: str
) -> None:
    before = console.well("journal", "list"), console.well("user", "list")

    assert said in console.refused(*line)

    assert (console.well("journal", "list"), console.well("user", "list")) == before


def test_a_group_is_made_with_its_expert_and_people_join_and_leave(console: Console) -> None:
    inside = ("--dossier", A)

    console.well("group", "add", "Techniciens", *inside)
    console.well("group", "join", "Techniciens", "theo.gabarit", "come.prototype", *inside)
    assert [row["login"] for row in console.json("group", "members", "Techniciens", *inside)] == [
        "apolline.testard",
        "come.prototype",
        "theo.gabarit",
    ]
    assert last_act(console) == ("group.join", "come.prototype")
    console.well("group", "leave", "Techniciens", "theo.gabarit", *inside)
    console.well("group", "leave", "Techniciens", "apolline.testard", "--yes", *inside)

    assert last_act(console) == ("group.leave", "apolline.testard")
    listed = console.json("group", "list", *inside)
    assert [(row["group"], row["members"]) for row in listed] == [("Techniciens", 1), (GROUP, 9)]
    assert len(console.json("group", "list")) == 4
    console.well("verify")


def test_joining_twice_is_one_membership_and_one_line(console: Console) -> None:
    console.well("group", "join", GROUP, "admin", "--dossier", A)
    lines = len(console.json("journal", "list"))

    console.well("group", "join", GROUP, "admin", "--dossier", A)

    assert len(console.json("journal", "list")) == lines


def test_a_dossier_is_named_by_its_title_in_any_case_or_by_its_beginning(console: Console) -> None:
    title = console.json("dossier", "show", A)["title"]

    for name in (title, title.upper(), "2024-01 sdc", f" {A} "):
        assert console.json("group", "list", "--dossier", name)[0]["dossier"] == title
