"""A queue of mails in a real database, and a real mail server that answers as it is told."""

import asyncio
import email.policy
import socket
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import Envelope, Session
from sqlalchemy import select

from davserver.alerts.sending import send_due
from davserver.model import (
    Base,
    Dossier,
    Message,
    MessageKind,
    MessageLine,
    Platform,
    Recipient,
    RecipientLine,
    RecipientState,
    User,
    UserKind,
)
from davserver.model.database import Database
from davserver.settings import MailSettings, ServerSettings, Settings

ROOT = Path(__file__).parent.parent
NOON = datetime(2024, 3, 12, 12, tzinfo=UTC)
FAR = timedelta(minutes=20)  # beyond a lease and beyond the first pauses

# Another process of the same site, at a time given as an argument.
SENDER = """
import sys
from datetime import datetime
from davserver.alerts.sending import send_due
from davserver.model.database import Database
from davserver.settings import Settings

settings = Settings.model_validate_json(sys.argv[2])
send_due(Database(sys.argv[1]), settings, lambda: datetime.fromisoformat(sys.argv[3]))
"""


@dataclass
class Clock:
    """The time, which moves when told."""

    time: datetime = NOON

    def __call__(self) -> datetime:
        return self.time

    def advance(self, delay: timedelta) -> None:
        self.time += delay


@dataclass
class Inbox:
    """What the mail server has taken, and what it is told to answer: each answer once."""

    taken: list[tuple[str, bytes]] = field(default_factory=list)
    to_rcpt: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    to_data: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    to_mail: list[str] = field(default_factory=list)
    greetings: int = 0
    pace: float = 0  # seconds that each mail takes
    holds: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)
    freed: threading.Event = field(default_factory=threading.Event)

    async def handle_EHLO(
        self, server: Server, session: Session, envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        self.greetings += 1
        session.host_name = name
        return answers

    async def handle_MAIL(
        self, server: Server, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.to_mail:
            return self.to_mail.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: Server, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.to_rcpt[address].pop(0) if self.to_rcpt[address] else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        (to,) = envelope.rcpt_tos
        if self.to_data[to]:
            return self.to_data[to].pop(0)
        assert isinstance(envelope.original_content, bytes)
        self.taken.append((to, envelope.original_content))
        await asyncio.sleep(self.pace)
        if self.holds.is_set():
            self.held.set()
            await asyncio.to_thread(self.freed.wait, 60)
        return f"250 2.0.0 pris en charge, n° {len(self.taken)}"

    def count(self) -> Counter[str]:
        return Counter(to for to, _ in self.taken)

    def mails(self, to: str) -> list[EmailMessage]:
        return [
            message_from_bytes(content, EmailMessage, policy=email.policy.default)
            for person, content in self.taken
            if person == to
        ]


class MailServer:
    """A mail server on one port, which can be stopped and started again."""

    def __init__(self, **options: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.inbox = Inbox()
        self.options = options
        self.controller: Controller | None = None

    def start(self) -> None:
        self.controller = Controller(
            self.inbox, hostname="127.0.0.1", port=self.port, **self.options
        )
        self.controller.start()

    def stop(self) -> None:
        self.inbox.freed.set()
        if self.controller is not None:
            self.controller.stop()
        self.controller = None


@pytest.fixture
def server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


class Site:
    """A database with one dossier, its members and the messages that a test puts in its queue."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"sqlite:///{folder / 'davserver.sqlite'}"
        self.database = Database(self.url)
        self.clock = Clock()
        self.mail: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": port,
            "sender": "alertes@serveur.example",
            "timeout": 10,
        }
        with self.database.engine.begin() as connection:
            Base.metadata.create_all(connection)
        self.people: dict[str, int] = {}
        expert = self.person("Apolline", "TESTARD")
        with self.database.writing() as session:
            platform = Platform(name="Expertises Testard", expert_id=expert, quota=10**9)
            session.add(platform)
            session.flush()
            dossier = Dossier(
                platform_id=platform.id,
                title="2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle",
                state_since=NOON,
                quota=10**9,
                created=NOON,
            )
            session.add(dossier)
            session.flush()
            self.dossier_id = dossier.id

    @property
    def settings(self) -> Settings:
        return Settings(
            mail=MailSettings(**self.mail),
            server=ServerSettings(address="https://dossiers.example"),
        )

    def person(self, first_name: str, last_name: str) -> int:
        login = last_name.lower()
        with self.database.writing() as session:
            user = User(
                login=login,
                kind=UserKind.PUBLIC,
                first_name=first_name,
                last_name=last_name,
                email=f"{login}@membres.example",
                password_hash="",
                created=NOON,
            )
            session.add(user)
            session.flush()
            self.people[login] = user.id
            return user.id

    def announce(self, *names: str, to: dict[str, str], due: datetime = NOON) -> int:
        """Queue a message of files ``names``; ``to``: addresses and the names each is told of."""
        with self.database.writing() as session:
            message = Message(
                dossier_id=self.dossier_id,
                depositor_id=self.people["testard"],
                kind=MessageKind.DEPOSIT,
                opened_at=due - timedelta(minutes=10),
                due_at=due,
            )
            session.add(message)
            session.flush()
            lines = {}
            for number, name in enumerate(names, 1):
                line = MessageLine(
                    message_id=message.id,
                    name=name,
                    folder="2024-01/04 Boîtes",
                    size=1_000 * number,
                    number=number,
                    at=due,
                )
                session.add(line)
                session.flush()
                lines[name] = line.id
            for login, told in to.items():
                recipient = Recipient(
                    message_id=message.id,
                    user_id=self.people[login],
                    email=f"{login}@membres.example",
                    retry_at=due,
                )
                session.add(recipient)
                session.flush()
                for name in told.split():
                    session.add(RecipientLine(recipient_id=recipient.id, line_id=lines[name]))
            return message.id

    def members(self, count: int) -> list[str]:
        """Members of the dossier, all told of one file."""
        logins = [f"membre{n:02}" for n in range(count)]
        for login in logins:
            self.person("Me", login)
        self.announce("a.pdf", to=dict.fromkeys(logins, "a.pdf"))
        return [f"{login}@membres.example" for login in logins]

    def send(self) -> int:
        return send_due(self.database, self.settings, self.clock)

    def elsewhere(self) -> "subprocess.Popen[bytes]":
        """The same in another process, at noon."""
        arguments = [self.url, self.settings.model_dump_json(), NOON.isoformat()]
        return subprocess.Popen([sys.executable, "-c", SENDER, *arguments], cwd=ROOT)

    def rows(self) -> dict[str, Recipient]:
        with self.database.reading() as session:
            return {row.email: row for row in session.scalars(select(Recipient))}

    def states(self) -> Counter[RecipientState]:
        return Counter(row.state for row in self.rows().values())


@pytest.fixture
def site(tmp_path: Path, server: MailServer) -> Iterator[Site]:
    site = Site(tmp_path, server.port)
    yield site
    site.database.close()
