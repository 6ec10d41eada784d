"""Letters to test with, names that mean harm, and how mails are read."""

import email.policy
import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from html.parser import HTMLParser
from typing import Any

from davserver.alerts.letter import Letter, Line, compose
from davserver.model import MessageKind

CABINET = "Cabinet BRUMAIRE-KALVÉ"
DOSSIER = "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle"
BOX = f"{DOSSIER}/04 Boîtes aux lettres/{CABINET}"
EVENING = datetime(2024, 3, 12, 22, 58, 30, tzinfo=UTC)
CONSTAT = Line("Pièce n°12 - Constat.pdf", BOX, 8_400_000, 123, EVENING)
DEVIS = Line("Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf", BOX, 900_000, 124, EVENING)
DIRE = Line("Dire n°3.pdf", BOX, 600_000, 125, EVENING, late_seconds=8_070)
PIECES = Letter(MessageKind.DEPOSIT, DOSSIER, CABINET, "Apolline TESTARD", (CONSTAT, DEVIS, DIRE))
HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
]  # fmt: skip

NASTY = [
    "=?UTF-8?Q?x=0ABcc:_evil@x.example?=.pdf",
    "=?utf-8?b?eA0KQmNjOiBldmlsQHguZXhhbXBsZQ==?=",
    "=?iso-8859-1?q?x=0D=0ABcc:=20evil@x.example=0D=0A=0D=0A<b>corps</b>?=",
    "x\r\nBcc: evil@x.example\r\n\r\ncorps",
    "x\nBcc: evil@x.example",
    "x\rBcc: evil@x.example",
    "x\x00\x0b\x0c\x1b[2J\x7f\x85y",
    "x\u2028Bcc: evil@x.example\u2029",
    "facture\u202efdp.exe",
    "\u2066caché\u2069\u200f\u061c",
    'x" <evil@x.example>, "y',
    "x, evil@x.example; y (z) [w] \\",
    "<img src=x onerror=alert(1)>.pdf",
    "</title></a><script>alert('1')</script>",
    "{{ 7 * 7 }} {% raw %} {who} {0} %s",
    "é" * 120,
    "a" * 240,
    "=?" * 120,
    "🧾" * 60,
    "\ud800 seul",
    " espaces  doubles ",
    ".",
    "From moi",
]
NASTY_IDS = [repr(nasty[:12]) for nasty in NASTY]
ACCENTED = re.compile(rb"[\x80-\xff]")


def mail(letter: Letter, **changes: Any) -> EmailMessage:
    given: dict[str, Any] = {
        "sender": "Expertise Partage <alertes@serveur.example>",
        "to": "apolline.testard@expert.example",
        "message_id": "<davserver-1-2@dossiers.example>",
        "date": EVENING,
        "address": "https://dossiers.example/",
    }
    return compose(letter, **given | changes)


def arrived(message: EmailMessage) -> EmailMessage:
    """The mail as its reader gets it: written out, and read by a parser."""
    return message_from_bytes(message.as_bytes(), EmailMessage, policy=email.policy.default)


def header_lines(message: EmailMessage) -> list[str]:
    """The lines of the header as a server sees them, folded ones joined."""
    head, _, _ = message.as_bytes().partition(b"\r\n\r\n")
    assert b"\n" not in head.replace(b"\r\n", b"")
    return re.sub(r"\r\n(?=[ \t])", "", head.decode()).split("\r\n")


def display_name(message: EmailMessage, header: str) -> str:
    """The name on an address, read by the older parser: the newer one parts encoded words by
    blanks, against RFC 2047 §6.2."""
    plain: Any = message_from_bytes(message.as_bytes(), policy=email.policy.compat32)
    return str(make_header(decode_header(parseaddr(plain[header])[0])))


def content(message: EmailMessage, kind: str) -> str:
    part = arrived(message).get_body((kind,))
    assert part is not None
    found: str = part.get_content()
    return found.replace("\r\n", "\n")


class Reader(HTMLParser):
    """What a person sees of a page, where its links lead, and which elements it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words, self.links, self.elements = "", [""], set[str]()
        self.hidden = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden = tag in ("title", "style")
        self.elements.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words += data
