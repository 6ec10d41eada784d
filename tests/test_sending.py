"""The queue of mails against a real mail server and a real database: none lost, none twice."""

import asyncio
import email.policy
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from sqlalchemy import select, update

from davserver.alerts.sending import queue, send_due
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
from davserver.settings import BadSettings, MailSettings, ServerSettings, Settings

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


def test_each_person_gets_one_mail_with_the_lines_meant_for_him(
    site: Site, server: MailServer
) -> None:
    for name in ("kalvé", "ortie"):
        site.person("Me", name)
    site.mail["sender"] = "Expertise Partage <alertes@serveur.example>"
    site.announce("un.pdf", "deux.pdf", to={"testard": "un.pdf deux.pdf", "ortie": "deux.pdf"})

    assert site.send() == 2

    (expert,) = server.inbox.mails("testard@membres.example")
    (lawyer,) = server.inbox.mails("ortie@membres.example")
    expert_text, lawyer_text = str(expert.get_body(("plain",))), str(lawyer.get_body(("plain",)))
    assert "un.pdf" in expert_text and "deux.pdf" in expert_text
    assert "un.pdf" not in lawyer_text and "deux.pdf" in lawyer_text
    assert "1 pièce déposée par Apolline TESTARD" in lawyer["Subject"]
    assert lawyer["From"] == "Expertise Partage <alertes@serveur.example>"
    assert lawyer["Date"].datetime == NOON
    sent = site.rows()["ortie@membres.example"]
    assert (sent.state, sent.attempts, sent.sent_at) == (RecipientState.SENT, 1, NOON)
    assert sent.outcome == "250 2.0.0 pris en charge, n° 2"


def test_a_message_id_names_the_message_the_recipient_and_the_site(
    site: Site, server: MailServer
) -> None:
    message_id = site.announce("a.pdf", to={"testard": "a.pdf"})
    with site.database.reading() as session:
        opened = session.get_one(Message, message_id).opened_at
    site.send()

    (mail,) = server.inbox.mails("testard@membres.example")
    row = site.rows()["testard@membres.example"]
    # By its time, not by its id alone: ids may begin again.
    assert mail["Message-ID"] == (f"<davserver-{opened:%Y%m%d%H%M%S%f}-{row.id}@dossiers.example>")


def test_nothing_leaves_before_its_window_is_over(site: Site, server: MailServer) -> None:
    site.announce("a.pdf", to={"testard": "a.pdf"}, due=NOON + timedelta(seconds=1))
    with site.database.writing() as session:
        session.execute(update(Recipient).values(retry_at=NOON))

    assert site.send() == 0
    site.clock.advance(timedelta(seconds=1))
    assert site.send() == 1
    assert site.send() == 0
    assert len(server.inbox.taken) == 1


def test_without_a_mail_server_the_queue_stays_as_it_is(site: Site, server: MailServer) -> None:
    site.mail["host"] = ""
    site.members(2)

    assert site.send() == 0
    assert {(row.state, row.attempts) for row in site.rows().values()} == {
        (RecipientState.QUEUED, 0)
    }


def test_a_dead_mail_server_loses_nothing_and_all_arrive_once(
    site: Site, server: MailServer
) -> None:
    people = site.members(8)
    server.stop()
    for _ in range(5):
        assert site.send() == 1  # one knock at the door a round
        site.clock.advance(timedelta(seconds=10))
    tried = [row for row in site.rows().values() if row.attempts]
    assert len(tried) == 5
    assert {row.state for row in tried} == {RecipientState.QUEUED}
    assert "connexion refusée" in tried[0].outcome

    server.start()
    site.send()
    site.clock.advance(FAR)
    site.send()

    assert server.inbox.count() == Counter(people)
    assert site.states() == {RecipientState.SENT: 8}


@pytest.mark.parametrize("host", ["a" * 70, "serveur.invalid"])
def test_a_mail_server_without_address_loses_nothing(site: Site, host: str) -> None:
    (person,) = site.members(1)
    site.mail["host"] = host

    assert site.send() == 1
    assert site.rows()[person].state is RecipientState.QUEUED
    assert "injoignable" in site.rows()[person].outcome


def test_a_silent_mail_server_is_left_after_a_second_at_the_shortest(site: Site) -> None:
    (person,) = site.members(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        site.mail |= {"port": silent.getsockname()[1], "timeout": 0}
        assert site.send() == 1

    row = site.rows()[person]
    assert row.state is RecipientState.QUEUED
    assert "pas répondu à temps" in row.outcome


def test_a_temporary_refusal_is_tried_again_and_others_do_not_wait(
    site: Site, server: MailServer
) -> None:
    people = site.members(3)
    server.inbox.to_rcpt[people[0]] = ["450 4.2.1 boîte occupée"]
    server.inbox.to_data[people[1]] = ["451 4.3.0 plus tard"]

    assert site.send() == 3
    assert server.inbox.count() == Counter(people[2:])
    waiting = site.rows()[people[0]]
    assert (waiting.state, waiting.attempts) == (RecipientState.QUEUED, 1)
    assert waiting.retry_at == NOON + timedelta(seconds=60)
    assert waiting.outcome == "450 4.2.1 boîte occupée"

    assert site.send() == 0
    site.clock.advance(timedelta(seconds=60))
    assert site.send() == 2
    assert server.inbox.count() == Counter(people)
    assert site.states() == {RecipientState.SENT: 3}


def test_pauses_double_up_to_the_longest_and_then_it_is_given_up(
    site: Site, server: MailServer
) -> None:
    site.mail |= {"retry_first": 60, "retry_most": 200, "give_up_after": 600}
    (person,) = site.members(1)
    server.inbox.to_rcpt[person] = ["450 plus tard"] * 20
    pauses = []
    while (row := site.rows()[person]).state is RecipientState.QUEUED:
        pauses.append((row.retry_at - site.clock()).total_seconds())
        site.clock.time = row.retry_at
        assert site.send() == 1

    assert pauses == [0, 60, 120, 200, 200, 200]
    assert row.state is RecipientState.FAILED
    assert row.outcome == "abandonné après 6 essais : 450 plus tard"


def test_a_permanent_refusal_fails_alone(site: Site, server: MailServer) -> None:
    people = site.members(4)
    server.inbox.to_rcpt[people[0]] = ["550 5.1.1 adresse\tinconnue " + "x" * 450]
    server.inbox.to_data[people[1]] = ["554 5.7.1 message refusé"]

    assert site.send() == 4
    site.clock.advance(FAR)
    assert site.send() == 0

    assert server.inbox.count() == Counter(people[2:])
    assert site.states() == {RecipientState.SENT: 2, RecipientState.FAILED: 2}
    refused = site.rows()[people[0]]
    assert refused.outcome.startswith("550 5.1.1 adresse inconnue xxx")
    assert len(refused.outcome) == 400
    assert refused.sent_at is None


def test_a_refused_sender_concerns_every_mail_and_loses_none(
    site: Site, server: MailServer
) -> None:
    people = site.members(3)
    server.inbox.to_mail = ["550 5.7.1 expéditeur refusé"]

    assert site.send() == 1
    assert site.states() == {RecipientState.QUEUED: 3}
    site.clock.advance(FAR)
    assert site.send() == 3
    assert server.inbox.count() == Counter(people)


def test_a_server_that_closes_down_ends_the_round(site: Site, server: MailServer) -> None:
    people = site.members(3)
    server.inbox.to_rcpt[people[1]] = ["421 4.3.2 je ferme"]

    assert site.send() == 2
    assert server.inbox.count() == Counter(people[:1])
    assert site.rows()[people[2]].attempts == 0
    site.clock.advance(FAR)
    assert site.send() == 2
    assert server.inbox.count() == Counter(people)


def test_a_round_uses_one_connection(site: Site, server: MailServer) -> None:
    site.members(5)

    assert site.send() == 5
    assert server.inbox.greetings == 1


def test_a_connection_lost_between_two_mails_is_made_again(tmp_path: Path) -> None:
    # The server hangs up after each mail, as some do after a number of them.
    class Curt(Server):
        async def smtp_RSET(self, arg: str) -> None:
            assert self.transport is not None
            self.transport.close()

    class CurtController(Controller):
        def factory(self) -> Server:
            return Curt(self.handler, **self.SMTP_kwargs)

    curt = MailServer()
    curt.controller = CurtController(curt.inbox, hostname="127.0.0.1", port=curt.port)
    curt.controller.start()
    site = Site(tmp_path, curt.port)
    people = site.members(3)

    assert site.send() == 3
    assert curt.inbox.count() == Counter(people)
    assert curt.inbox.greetings == 3
    site.database.close()
    curt.stop()


def test_accounts_closed_meanwhile_are_never_mailed(site: Site, server: MailServer) -> None:
    people = site.members(3)
    with site.database.writing() as session:
        session.execute(update(User).where(User.login == "membre00").values(disabled=True))
        session.execute(update(User).where(User.login == "membre01").values(login=None))

    assert site.send() == 1
    assert server.inbox.count() == Counter(people[2:])
    rows = site.rows()
    assert [rows[person].state for person in people] == ["failed", "failed", "sent"]
    assert rows[people[0]].outcome == "compte désactivé : rien n'a été envoyé"
    assert rows[people[1]].outcome == "compte supprimé : rien n'a été envoyé"


def test_what_is_no_address_fails_alone(site: Site, server: MailServer) -> None:
    people = site.members(2)
    with site.database.writing() as session:
        session.execute(
            update(Recipient)
            .where(Recipient.email == people[0])
            .values(email="x@x.example>\r\nRCPT TO:<evil@x.example")
        )

    assert site.send() == 2
    assert server.inbox.count() == Counter(people[1:])
    assert site.states() == {RecipientState.SENT: 1, RecipientState.FAILED: 1}


def test_a_sender_that_is_no_address_stops_before_anything_is_claimed(site: Site) -> None:
    site.members(1)
    site.mail["sender"] = "serveur"

    with pytest.raises(BadSettings, match=r"mail\.sender"):
        site.send()
    assert site.states() == {RecipientState.QUEUED: 1}


def test_many_senders_at_once_send_each_mail_once(site: Site, server: MailServer) -> None:
    people = site.members(60)
    server.inbox.pace = 0.02
    others = [site.elsewhere() for _ in range(2)]
    databases = [Database(site.url) for _ in range(3)]
    while not server.inbox.taken:
        time.sleep(0.01)
    with ThreadPoolExecutor() as pool:
        tried = list(
            pool.map(lambda database: send_due(database, site.settings, site.clock), databases)
        )
    assert [other.wait(60) for other in others] == [0, 0]
    for database in databases:
        database.close()

    assert server.inbox.count() == Counter(people)
    assert site.states() == {RecipientState.SENT: 60}
    assert sum(tried) > 0


def test_a_process_killed_before_the_answer_sends_that_mail_again_under_the_same_id(
    site: Site, server: MailServer
) -> None:
    people = site.members(4)
    server.inbox.holds.set()
    victim = site.elsewhere()
    assert server.inbox.held.wait(60)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    server.inbox.holds.clear()
    server.inbox.freed.set()

    # The lease of the dead still holds: its mail waits, the others go.
    assert site.rows()[people[0]].state is RecipientState.SENDING
    assert site.send() == 3
    assert site.send() == 0
    site.clock.advance(FAR)
    assert site.send() == 1

    twice = server.inbox.mails(people[0])
    assert len(twice) == 2
    assert twice[0]["Message-ID"] == twice[1]["Message-ID"]
    assert twice[0]["Subject"] == twice[1]["Subject"]
    assert server.inbox.count() == Counter(people[:1] + people)
    assert site.states() == {RecipientState.SENT: 4}
    assert site.rows()[people[0]].attempts == 2


def test_a_process_killed_while_it_waits_for_the_connection_loses_nothing(
    site: Site, server: MailServer
) -> None:
    people = site.members(2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port, site.mail["port"] = site.mail["port"], silent.getsockname()[1]
        victim = site.elsewhere()
        connection, _ = silent.accept()
        victim.kill()
        victim.wait()
        connection.close()
    site.mail["port"] = port

    assert site.send() == 1
    site.clock.advance(FAR)
    assert site.send() == 1
    assert server.inbox.count() == Counter(people)


def test_a_late_failure_does_not_undo_what_another_process_has_sent(
    site: Site, server: MailServer
) -> None:
    (person,) = site.members(1)
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as pool:
        slow = Settings(mail=MailSettings(**site.mail | {"port": silent.getsockname()[1]}))
        late = pool.submit(send_due, site.database, slow, Clock())
        connection, _ = silent.accept()
        site.clock.advance(FAR)
        assert site.send() == 1
        connection.close()
        assert late.result() == 1

    row = site.rows()[person]
    assert (row.state, row.sent_at) == (RecipientState.SENT, NOON + FAR)
    assert row.outcome.startswith("250")
    site.clock.advance(FAR)
    assert site.send() == 0


def test_an_accented_address_goes_to_a_server_that_takes_it(site: Site, server: MailServer) -> None:
    site.person("Me", "BRÛLÉ")
    site.announce("é.pdf", to={"brûlé": "é.pdf"})

    assert site.send() == 1
    ((to, content),) = server.inbox.taken
    assert to == "brûlé@membres.example"
    assert "<brûlé@membres.example>" in content.decode()


def test_an_accented_address_fails_where_the_server_does_not_take_it(tmp_path: Path) -> None:
    server = MailServer(enable_SMTPUTF8=False)
    server.start()
    site = Site(tmp_path, server.port)
    site.person("Me", "BRÛLÉ")
    site.announce("é.pdf", to={"brûlé": "é.pdf", "testard": "é.pdf"})

    assert site.send() == 2
    assert site.rows()["brûlé@membres.example"].state is RecipientState.FAILED
    assert server.inbox.count() == Counter(["testard@membres.example"])
    site.database.close()
    server.stop()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def guarded(certificate: ssl.SSLContext, security: str) -> MailServer:
    """A mail server that asks for a password, inside TLS."""

    def knows(
        server: Server, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        return AuthResult(success=given.password == b"mot-de-passe", handled=False)

    options: dict[str, Any] = {"authenticator": knows, "auth_required": True}
    if security == "tls":
        # aiosmtpd knows of its own STARTTLS only.
        options |= {"ssl_context": certificate, "auth_require_tls": False}
    else:
        options |= {"tls_context": certificate, "require_starttls": True}
    return MailServer(**options)


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_mails_go_through_tls_and_a_password(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    authority: trustme.CA,
    certificate: ssl.SSLContext,
    security: str,
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = guarded(certificate, security)
    server.start()
    site = Site(tmp_path, server.port)
    site.mail |= {"security": security, "username": "davserver", "password": "mot-de-passe"}
    people = site.members(2)

    # Unknown authority: nothing is said to this server.
    assert site.send() == 1
    assert site.states() == {RecipientState.QUEUED: 2}
    assert "certificate" in site.rows()[people[0]].outcome

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    site.mail["password"] = "mauvais-secret"
    site.clock.advance(FAR)
    assert site.send() == 1
    outcomes = " ".join(row.outcome for row in site.rows().values())
    assert "refuse l'identification (535)" in outcomes
    assert "mauvais-secret" not in outcomes

    site.mail["password"] = "passé"  # smtplib writes ASCII only
    site.clock.advance(FAR)
    assert site.send() == 1
    outcomes = " ".join(row.outcome for row in site.rows().values())
    assert "mot de passe invalide" in outcomes
    assert "xe9" not in outcomes

    site.mail["password"] = "mot-de-passe"
    site.clock.advance(FAR)
    assert site.send() == 2
    assert server.inbox.count() == Counter(people)
    site.database.close()
    server.stop()


def test_nothing_goes_in_clear_where_starttls_is_asked(site: Site, server: MailServer) -> None:
    site.members(1)
    site.mail["security"] = "starttls"

    assert site.send() == 1
    assert server.inbox.taken == []
    assert site.states() == {RecipientState.QUEUED: 1}


def test_an_outcome_never_repeats_the_password(site: Site, server: MailServer) -> None:
    (person,) = site.members(1)
    site.mail["password"] = "mot-de-passe"
    server.inbox.to_rcpt[person] = ["550 non, mot-de-passe\x1b[2J"]

    assert site.send() == 1
    assert site.rows()[person].outcome == "550 non, *** [2J"


def test_the_queue_shows_each_message_its_lines_and_what_became_of_each_mail(
    site: Site, server: MailServer
) -> None:
    site.person("Me", "ORTIE")
    site.announce("a.pdf", "b.pdf", to={"testard": "a.pdf b.pdf", "ortie": "b.pdf"})
    site.announce("c.pdf", to={"ortie": "c.pdf"}, due=NOON + timedelta(hours=1))
    server.inbox.to_rcpt["ortie@membres.example"] = ["450 plus tard"]
    site.send()

    with site.database.reading() as session:
        first, second = json.loads(json.dumps(queue(session)))

    assert first == {
        "id": 1,
        "dossier": "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle",
        "depositor": "testard",
        "kind": "dépôt",
        "opened_at": "2024-03-12T11:50:00+00:00",
        "due_at": "2024-03-12T12:00:00+00:00",
        "state": "partial",
        "lines": [
            {"number": 1, "name": "a.pdf", "folder": "2024-01/04 Boîtes", "size": 1000},
            {"number": 2, "name": "b.pdf", "folder": "2024-01/04 Boîtes", "size": 2000},
        ],
        "recipients": [
            {
                "login": "testard",
                "email": "testard@membres.example",
                "state": "sent",
                "attempts": 1,
                "next_try": None,
                "sent_at": "2024-03-12T12:00:00+00:00",
                "outcome": "250 2.0.0 pris en charge, n° 1",
            },
            {
                "login": "ortie",
                "email": "ortie@membres.example",
                "state": "queued",
                "attempts": 1,
                "next_try": "2024-03-12T12:01:00+00:00",
                "sent_at": None,
                "outcome": "450 plus tard",
            },
        ],
    }
    assert second["state"] == "queued"


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        (["queued", "queued"], "queued"),
        (["sent", "sent"], "sent"),
        (["failed", "failed"], "failed"),
        (["sending", "queued"], "sending"),
        (["sent", "failed"], "partial"),
        (["sent", "queued"], "partial"),
    ],
)
def test_a_message_has_the_state_of_its_recipients(
    site: Site, states: list[str], shown: str
) -> None:
    people = site.members(2)
    with site.database.writing() as session:
        for person, state in zip(people, states, strict=True):
            row = update(Recipient).where(Recipient.email == person)
            session.execute(row.values(state=RecipientState(state)))
    with site.database.reading() as session:
        assert [message["state"] for message in queue(session)] == [shown]
