"""People: the « Cabinet » rule, passwords, who is of which dossier."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from davserver.accounts import groups, naming, passwords, people
from davserver.accounts.people import PeopleProblem
from davserver.dossiers.create import create, create_platform
from davserver.dossiers.plan import DossierPlan
from davserver.model import Dossier, Grant, Membership, User, UserKind
from davserver.site import CONSOLE, Site, create_site, open_site
from davserver.work import Client, Work
from tests import backends

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    settings = backends.settings(tmp_path / "data")
    create_site(settings)
    opened = open_site(settings)
    yield opened
    opened.close()


@pytest.fixture
def work(site: Site) -> Iterator[Work]:
    with site.writing(CONSOLE, Client("command")) as unit:
        yield unit


def add(work: Work, login: str, first_name: str = "Léonie", last_name: str = "BRUMAIRE") -> User:
    return people.add(
        work.session,
        login=login,
        first_name=first_name,
        last_name=last_name,
        email=f"{login}@a.example",
        password="secret",
        now=NOW,
    )


@pytest.mark.parametrize(
    ("first", "last", "login"),
    [
        ("Cabinet", "BRUMAIRE-KALVÉ", "cabinet.brumaire-kalve"),
        ("Cabinet", "DE LA MAQUETTE-O'TEST", "cabinet.de-la-maquette-otest"),
        ("Apolline", "TESTARD", "apolline.testard"),
        ("", "Toitures du Néant", "toitures-du-neant"),
    ],
)
def test_a_login_is_proposed_from_the_name(first: str, last: str, login: str) -> None:
    assert naming.proposed_login(first, last) == login


def test_a_firm_is_called_cabinet_and_its_partners_in_capitals() -> None:
    assert naming.checked_person("cabinet", "Brumaire - Kalvé", "contact@b.example") == (
        "Cabinet",
        "BRUMAIRE-KALVÉ",
    )


def test_a_firm_wide_address_asks_for_the_firms_name() -> None:
    with pytest.raises(naming.BadName, match="Cabinet"):
        naming.checked_person("Léonie", "BRUMAIRE", "contact@brumaire.example")
    assert naming.checked_person("Léonie", "BRUMAIRE", "l.brumaire@brumaire.example")


@pytest.mark.parametrize(
    "email", ["", "a", "a@", "@b", "a@b c", "a@b\r\nBcc: x@y", "a@b>, <c@d", "a@b,c@d"]
)
def test_what_is_no_single_address_is_refused(email: str) -> None:
    with pytest.raises(naming.BadName):
        naming.checked_email(email)


def test_passwords_of_any_sensible_length_work_and_differ() -> None:
    long = "x" * 72
    hashed = passwords.hashed(long + "a")

    assert hashed.startswith("$argon2id$")
    assert passwords.matches(long + "a", hashed)
    assert not passwords.matches(long + "b", hashed)
    assert passwords.matches("é" * 80, passwords.hashed("é" * 80))
    for bad in ("", "x" * 257, "a\x00b"):
        with pytest.raises(passwords.BadPassword):
            passwords.hashed(bad)
        assert not passwords.matches(bad, hashed)
    assert not passwords.matches("x", "no hash")


def test_an_account_with_the_login_of_a_removed_one_inherits_nothing(work: Work) -> None:
    expert = add(work, "experte", first_name="Apolline", last_name="TESTARD")
    lawyer = add(work, "leonie")
    dossier = create(
        work,
        DossierPlan(
            title="2026-01 A contre B",
            expert="experte",
            representations=[{"login": "leonie", "parties": ["A"]}],  # type: ignore[arg-type]
        ),
    ).dossier
    before = dossier.rights_revision
    old_id = lawyer.id

    people.remove(work.session, lawyer)
    new = add(work, "leonie")

    assert new.id > old_id
    assert dossier.rights_revision != before
    for table in (Grant, Membership):
        rows = work.session.scalars(select(table.user_id).where(table.user_id == new.id)).all()
        assert list(rows) == []
    with pytest.raises(PeopleProblem):
        people.remove(work.session, expert)


def test_a_private_user_is_of_one_dossier_until_he_is_made_public(work: Work) -> None:
    add(work, "experte", first_name="Apolline", last_name="TESTARD")
    plans = [
        DossierPlan(
            title=f"2026-0{number} A contre B",
            expert="experte",
            representations=[  # type: ignore[arg-type]
                {"login": f"prive{number}", "last_name": "Seul", "email": f"p{number}@a.example",
                 "private": True}
            ],
        )
        for number in (1, 2)
    ]  # fmt: skip
    first, second = (create(work, plan).dossier for plan in plans)
    private = people.find(work.session, "prive1")
    group = groups.find(work.session, second, "Tous les participants")

    assert (private.kind, private.dossier_id) == (UserKind.PRIVATE, first.id)
    with pytest.raises(PeopleProblem):
        groups.join(work.session, second, group, private)
    people.move_to_public(work.session, private)
    groups.join(work.session, second, group, private)
    assert private in groups.members(work.session, group)


def test_the_expert_is_in_the_group_that_is_made(work: Work) -> None:
    expert = add(work, "experte", first_name="Apolline", last_name="TESTARD")
    platform = create_platform(work, expert)
    space = work.session.scalars(select(Dossier).where(Dossier.platform_id == platform.id)).one()

    group = groups.add(work.session, space, "Essai", expert)

    assert [user.login for user in groups.members(work.session, group)] == ["experte"]


def test_a_plan_that_names_somebody_twice_or_nobody_makes_nothing(site: Site) -> None:
    client = Client("command")
    with site.writing(CONSOLE, client) as work:
        add(work, "experte", first_name="Apolline", last_name="TESTARD")
    for representations in (
        [{"login": "inconnu", "parties": ["A"]}],
        [{"login": "experte", "parties": ["A"]}],
        [{"login": "x", "last_name": "X", "email": "x@a.example", "box": "a:b"}],
    ):
        plan = DossierPlan(
            title="2026-01 A contre B",
            expert="experte",
            representations=representations,  # type: ignore[arg-type]
        )
        with pytest.raises(PeopleProblem), site.writing(CONSOLE, client) as work:
            create(work, plan)
    with site.reading(CONSOLE, client) as work:
        assert work.session.scalars(select(Dossier)).all() == []
        assert work.session.scalars(select(User.login)).all() == ["experte"]
