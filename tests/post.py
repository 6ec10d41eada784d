"""A real mail server, and what has arrived there."""

import asyncio
import email.policy
import re
from collections import Counter
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.ports import free_port

PUBLIC = "https://dossiers.example"
SENDER = "alertes@dossiers.example"


class Slow(Mailbox):
    """Keeps each mail in a maildir, after ``pace`` seconds."""

    pace = 0.0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.pace)
        return await super().handle_DATA(server, session, envelope)


class Post:
    """A real mail server on a port of its own. It may be down, and it may be slow."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.handler = Slow(folder)
        self._folder = folder / "new"
        self._read: dict[str, EmailMessage] = {}
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(self.handler, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
        self._controller = None

    def mails(self) -> list[EmailMessage]:
        """All mails that it has taken."""
        for file in self._folder.iterdir():
            if file.name not in self._read:
                self._read[file.name] = message_from_bytes(
                    file.read_bytes(), EmailMessage, policy=email.policy.default
                )
        return list(self._read.values())

    def told(self) -> Counter[tuple[str, str]]:
        """How often which address was told of which link, mails of one Message-ID being one."""
        mails = {str(mail["Message-ID"]): mail for mail in self.mails()}
        return Counter((str(m["X-RcptTo"]), link) for m in mails.values() for link in links(m))


def settings(post: Post, *, window: float) -> dict[str, str]:
    """What a server is told of ``post``."""
    return {
        "DAVSERVER_MAIL__HOST": "127.0.0.1",
        "DAVSERVER_MAIL__PORT": str(post.port),
        "DAVSERVER_MAIL__SENDER": SENDER,
        "DAVSERVER_MAIL__GROUP_WINDOW": str(window),
        "DAVSERVER_MAIL__RETRY_FIRST": "1",
        "DAVSERVER_DEPOSIT__QUIET_UNLOCKED": "0.5",
        "DAVSERVER_SERVER__ADDRESS": PUBLIC,
    }


def text(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def links(mail: EmailMessage) -> list[str]:
    """The paths of the addresses in a mail's text."""
    return re.findall(rf"^ +{PUBLIC}(/dav/\S+)$", text(mail), re.MULTILINE)
