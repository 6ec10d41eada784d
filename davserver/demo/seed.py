"""Filling an empty site with the three dossiers of the demonstration, and their history.

The history is made by the same operations that clients use, by its actors, at its own times: only
the clock is the seed's.
"""

import tomllib
from datetime import datetime, timedelta
from importlib.resources import as_file, files
from typing import Any

from sqlalchemy import delete, select

from davserver.accounts import passwords, people
from davserver.accounts.credentials import actor_of
from davserver.demo.history import HISTORIES, Event
from davserver.dossiers import create
from davserver.dossiers.plan import PARIS, DossierPlan, read_plan
from davserver.model import Dossier, DossierState, Message, User
from davserver.site import CONSOLE, Site
from davserver.tree import folders, put, relocate, write
from davserver.tree.lookup import SPACE_NAME
from davserver.work import Client, Work
from davserver.worker import settle_deposits

ADMINISTRATOR = "admin"
BEGINNING = datetime(2023, 9, 4, 9, 0, tzinfo=PARIS)
_CONSOLE = Client("command")
_DRIVE = Client("webdav", "Microsoft-WebDAV-MiniRedir/10.0.22631")


def is_empty(site: Site) -> bool:
    """Whether nobody and nothing is there yet."""
    with site.reading(CONSOLE, _CONSOLE) as work:
        return work.session.scalar(select(User.id).limit(1)) is None


def seed(site: Site, password: str) -> None:
    """Fill an empty site; all accounts get ``password``. The site's clock is moved meanwhile."""
    clock = site.clock
    try:
        _Seed(site, password).run()
    finally:
        site.clock = clock


def set_passwords(site: Site, password: str) -> None:
    """Give every account of the demonstration this password (one hash serves all of them)."""
    with site.writing(CONSOLE, _CONSOLE) as work:
        hashed = passwords.hashed(password)
        for user in work.session.scalars(select(User).where(User.login.is_not(None))):
            user.password_hash = hashed


class _Seed:
    def __init__(self, site: Site, password: str) -> None:
        self._site = site
        self._password = password
        self._hash = passwords.hashed(password)
        self._at(BEGINNING)

    def run(self) -> None:
        self._add_people()
        for name, history in HISTORIES.items():
            plan = _plan(name)
            self._at(BEGINNING)
            with self._site.writing(CONSOLE, _CONSOLE) as work:
                create.create(work, plan, password=lambda login: self._password)
            for event in sorted(history, key=lambda event: event.at):
                self._play(plan, event)
        with self._site.writing(CONSOLE, _CONSOLE) as work:
            closed = work.session.scalars(
                select(Dossier).where(Dossier.title == _plan("saint-exemple").title)
            ).one()
            closed.state, closed.state_since = DossierState.CLOSED, work.now
            write.record(work, "dossier.state", closed, state=closed.state.value)
            # The mails of years ago were sent years ago: none must go out today.
            work.session.execute(delete(Message))
        set_passwords(self._site, self._password)

    def _at(self, time: datetime) -> None:
        self._site.clock = lambda: time

    def _add_people(self) -> None:
        text = files("davserver.demo.plans").joinpath("people.toml").read_text(encoding="utf-8")
        listed = tomllib.loads(text)
        with self._site.writing(CONSOLE, _CONSOLE) as work:
            self._add(work, ADMINISTRATOR, "Administration", "du site", "davserver.example",
                      administrator=True)  # fmt: skip
            for person in listed["people"]:
                self._add(work, **person)
            for expert in listed["experts"]:
                create.create_platform(work, self._add(work, **expert))

    def _add(
        self, work: Work, login: str, first_name: str, last_name: str, domain: str, **facts: Any
    ) -> User:
        return people.add(
            work.session,
            login=login,
            first_name=first_name,
            last_name=last_name,
            email=f"{login}@{domain}",
            password=self._password,
            password_hash=self._hash,
            now=work.now,
            **facts,
        )

    def _play(self, plan: DossierPlan, event: Event) -> None:
        self._at(event.at)
        with self._site.reading(CONSOLE, _CONSOLE) as work:
            actor = actor_of(people.find(work.session, event.login))
        path = event.path if event.path[0] == SPACE_NAME else (plan.title, *event.path)
        if event.content is not None:
            incoming = self._site.blobs.receive()
            incoming.write(event.content())
            content = write.Content(incoming.keep())
            with self._site.writing(actor, _DRIVE) as work:
                put.store(work, path, content, put.no_condition)
        elif event.filed_into is not None:
            target = (plan.title, *event.filed_into, path[-1])
            with self._site.writing(actor, _DRIVE) as work:
                relocate.move(work, path, target, put.no_condition, overwrite=False)
        else:
            with self._site.writing(actor, _DRIVE) as work:
                folders.make(work, path, put.no_condition)
        quiet = self._site.settings.deposit.quiet_unlocked
        self._at(event.at + timedelta(seconds=quiet + 1))
        settle_deposits(self._site)


def _plan(name: str) -> DossierPlan:
    with as_file(files("davserver.demo.plans").joinpath(f"{name}.toml")) as file:
        return read_plan(file)
