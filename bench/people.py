"""People of a site that is measured, beside those of the demonstration; all with one password."""

from collections.abc import Sequence

from bench import files
from davserver.accounts import administration, passwords, people
from davserver.model import User
from davserver.policy.rights import Rights
from davserver.site import CONSOLE, Site
from davserver.tree import grants
from davserver.tree.lookup import SPACE_NAME
from davserver.work import Client

CLIENT = Client("command")
SPACE = f"{SPACE_NAME} ({files.OWNER.login})"  # the title of the space where the files lie
_TOGETHER = 100  # accounts in one transaction


def cabinets(number: int) -> list[str]:
    """The logins of so many lawyers."""
    return [f"cabinet.essai-{one:05}" for one in range(number)]


def enrol(site: Site, logins: Sequence[str]) -> None:
    """Make accounts."""
    hashed = passwords.hashed(files.OWNER.password)
    for start in range(0, len(logins), _TOGETHER):
        with site.writing(CONSOLE, CLIENT) as work:
            for login in logins[start : start + _TOGETHER]:
                first, _, last = login.partition(".")
                administration.add_user(
                    work, login=login, first_name=first.capitalize(), last_name=last.upper(),
                    email=f"{last}@cabinets.example", password=files.OWNER.password,
                    password_hash=hashed,
                )  # fmt: skip


def let_read(site: Site, logins: Sequence[str]) -> None:
    """Let them read the space where the files lie."""
    with site.writing(CONSOLE, CLIENT) as work:
        spot = grants.place(work, (SPACE,))
        for login in logins:
            grants.give(work, spot, people.find(work.session, login), Rights.READ, recursive=True)


def found(site: Site, login: str) -> User:
    """The account of ``login``."""
    with site.reading(CONSOLE, CLIENT) as work:
        return people.find(work.session, login)
