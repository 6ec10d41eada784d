"""Logging in without a door: the site's own credentials, from any address, at any time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from davserver.accounts import administration
from davserver.model import User
from davserver.settings import LoginSettings, load
from davserver.site import CONSOLE, Site, create_site
from davserver.work import Client

HOME, OFFICE, ELSEWHERE = "192.0.2.1", "192.0.2.2", "198.51.100.7"
PASSWORD = "correct horse"


def enters(site: Site, login: str, password: str, address: str = HOME) -> bool:
    """Whether they let somebody in. Raises Busy."""
    return site.credentials.enter(login, password, address=address, door="webdav") is not None


class Gatehouse:
    """A site with the accounts ``logins``, all with one password, whose clock is set by hand."""

    def __init__(self, data: Path, limits: LoginSettings, logins: Sequence[str]) -> None:
        self.now = datetime(2026, 1, 5, 8, tzinfo=UTC)
        settings = load(None, data=data)
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
        self.site = Site(self.site.settings, clock=lambda: self.now)

    def enters(self, login: str, password: str = PASSWORD, address: str = HOME) -> bool:
        return enters(self.site, login, password, address)

    def guess(self, login: str, times: int, address: str = ELSEWHERE) -> None:
        """Guess wrongly, each time anew."""
        for number in range(times):
            assert not self.enters(login, f"guess {number} {self.now}", address)
