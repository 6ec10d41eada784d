"""Logging in without a door: the site's own credentials, from any address, at any time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from passlib.context import CryptContext
from sqlalchemy import update

from davserver.accounts import administration
from davserver.model import User
from davserver.settings import LoginSettings
from davserver.site import CONSOLE, Site, create_site
from davserver.work import Client
from tests import backends, serving

HOME, OFFICE, ELSEWHERE = "192.0.2.1", "192.0.2.2", "198.51.100.7"
PASSWORD = "correct horse"
_EASY = CryptContext(["argon2"], argon2__time_cost=1, argon2__memory_cost=64, argon2__parallelism=1)


def ease(site: Site) -> None:
    """Give all accounts the password of the tests in a hash that costs next to nothing: each worker
    of each server computes those of all who log in. What is about its cost sets a real one."""
    hashed = _EASY.hash(serving.PASSWORD)
    with site.database.writing() as session:
        session.execute(update(User).where(User.login.is_not(None)).values(password_hash=hashed))


def enters(site: Site, login: str, password: str, address: str = HOME) -> bool:
    """Whether they let somebody in. Raises Busy."""
    return site.credentials.enter(login, password, address=address, door="webdav") is not None


class Gatehouse:
    """A site with the accounts ``logins``, all with one password, whose clock is set by hand."""

    def __init__(self, data: Path, limits: LoginSettings, logins: Sequence[str]) -> None:
        self.now = datetime(2026, 1, 5, 8, tzinfo=UTC)
        settings = backends.settings(data)
        create_site(settings)
        self.site = Site(settings.model_copy(update={"login": limits}), clock=lambda: self.now)
        self.ids = {login: self.add(login) for login in logins}

    def add(self, login: str) -> int:
        with self.site.writing(CONSOLE, Client("command")) as work:
            return administration.add_user(
                work, login=login, first_name="Léonie", last_name="BRUMAIRE",
                email=f"membre.{login}@a.example", password=PASSWORD,
            ).id  # fmt: skip

    def user(self, login: str) -> User:
        with self.site.reading(CONSOLE, Client("command")) as work:
            return work.session.get_one(User, self.ids[login])

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def restart(self) -> None:
        """As after a restart, or in another process: nothing is in memory."""
        self.site.close()
        self.site = Site(self.site.settings, clock=lambda: self.now)

    def enters(self, login: str, password: str = PASSWORD, address: str = HOME) -> bool:
        return enters(self.site, login, password, address)

    def guess(self, login: str, times: int, address: str = ELSEWHERE) -> None:
        """Guess wrongly, each time anew."""
        for number in range(times):
            assert not self.enters(login, f"guess {number} {self.now}", address)
