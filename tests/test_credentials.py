"""What is remembered of logins, and what ends it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from passlib.totp import TOTP
from sqlalchemy import select

from davserver.accounts import devices, people, second_factor, throttle
from davserver.model import LoginTrace, User
from davserver.policy import Rights
from davserver.settings import LoginSettings
from davserver.site import CONSOLE
from davserver.work import Client
from tests.logins import Gatehouse


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Gatehouse]:
    made = Gatehouse(tmp_path / "data", LoginSettings(), ["leonie", "gaetan"])
    yield made
    made.site.close()


def test_a_verified_login_costs_no_second_hash(house: Gatehouse) -> None:
    assert house.enters("Leonie")

    begun = time.perf_counter()
    for _ in range(10):
        assert house.enters("leonie")
    warm = time.perf_counter() - begun
    begun = time.perf_counter()
    assert not house.enters("leonie", "wrong")
    assert warm < (time.perf_counter() - begun) * 2


def test_what_was_verified_ends_with_the_password_the_account_and_its_life(
    house: Gatehouse,
) -> None:
    def change(act: str) -> None:
        with house.site.writing(CONSOLE, Client("command")) as work:
            user = work.session.get_one(User, house.ids["leonie"])
            if act == "password":
                people.set_password(work.session, user, "nouveau")
            elif act == "remove":
                people.remove(work.session, user)
            else:
                people.disable(work.session, user, disabled=act == "disable")

    assert house.enters("leonie")
    change("password")
    assert not house.enters("leonie")
    assert house.enters("leonie", "nouveau")
    change("disable")
    assert not house.enters("leonie", "nouveau")
    change("enable")
    assert house.enters("leonie", "nouveau")
    change("remove")
    assert not house.enters("leonie", "nouveau")


def test_a_wrong_password_becomes_right_when_it_is_set(house: Gatehouse) -> None:
    assert not house.enters("leonie", "nouveau")
    with house.site.writing(CONSOLE, Client("command")) as work:
        people.set_password(
            work.session, work.session.get_one(User, house.ids["leonie"]), "nouveau"
        )

    assert house.enters("leonie", "nouveau")


def test_past_logins_leave_no_rows(house: Gatehouse) -> None:
    house.guess("leonie", 2)
    assert house.enters("leonie")

    house.wait(throttle.KNOWN.total_seconds() + 1)
    with house.site.writing(CONSOLE, Client("command")) as work:
        throttle.forget(work.session, work.now)
        assert work.session.scalars(select(LoginTrace)).all() == []


def test_a_code_is_taken_once_and_only_in_its_time(house: Gatehouse) -> None:
    leonie = house.user("leonie")
    with house.site.writing(CONSOLE, Client("command")) as work:
        uri = second_factor.enable(work.session, leonie, work.now)
    generator = TOTP.from_uri(uri)

    def accepted(code: str) -> bool:
        with house.site.writing(CONSOLE, Client("web")) as work:
            return second_factor.accepts(work.session, leonie, code, work.now)

    code = generator.generate(time=house.now).token
    assert not accepted("") and not accepted("abcdef") and not accepted(code[:5])
    assert accepted(code)
    assert not accepted(code), "replayed"
    house.wait(300)
    assert not accepted(code), "late"
    later = generator.generate(time=house.now).token
    assert accepted(later)
    assert not accepted(generator.generate(time=house.now.timestamp() - 30).token), "older"


def test_a_device_is_of_one_login_and_has_a_name_of_its_own(house: Gatehouse) -> None:
    leonie = house.user("leonie")
    with house.site.writing(CONSOLE, Client("command")) as work:
        device, password = devices.add(
            work.session, leonie, " Portable  de Me X ", None, Rights.ALL, work.now
        )
        assert device.name == "Portable de Me X"
        assert password not in (device.digest, device.name)
        with pytest.raises(people.PeopleProblem, match="déjà"):
            devices.add(work.session, leonie, "Portable de Me X", None, Rights.ALL, work.now)
        for bad in ("", " ", "x" * 81, "a\x1bb"):
            with pytest.raises(people.PeopleProblem):
                devices.add(work.session, leonie, bad, None, Rights.ALL, work.now)

    assert house.enters("leonie", password)
    assert not house.enters("gaetan", password)
    assert house.enters("leonie"), "the main password is another one"
    with house.site.reading(CONSOLE, Client("command")) as work:
        (row,) = devices.of(work.session, leonie)
        assert (row.used_on, row.used_by) == (house.now.date(), "webdav")
