"""Handing mails to the SMTP server, and what it answered, in words."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from enum import Enum, auto
from types import TracebackType
from typing import Self

from davserver.settings import MailSettings

OUTCOME_LENGTH = 400  # characters of an outcome: what the row holds
SHORTEST_TIMEOUT = 1.0  # seconds; smtplib takes 0 for « do not wait at all »


class Result(Enum):
    """What became of a mail handed over."""

    SENT = auto()
    """The server has taken charge of it."""
    LATER = auto()
    """Not now, for this person: worth trying again."""
    REFUSED = auto()
    """Never, for this person."""
    AWAY = auto()
    """The server cannot be used: any other mail would fare the same, all are worth trying again."""


@dataclass(frozen=True)
class Outcome:
    """The result and its reason: one line of at most 400 characters, without any secret."""

    result: Result
    text: str


class Carrier:
    """One connection to the mail server, opened by the first mail and kept until the block ends.

    For one thread. The time of a mail is bounded only step by step: each of its dozen steps may
    take the timeout of the settings.
    """

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._sender = parseaddr(settings.sender)[1]
        self._client: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            with suppress(OSError):
                self._client.quit()
            self._hang_up()

    def deliver(self, message: EmailMessage, to: str) -> Outcome:
        """Hand ``message`` over for ``to``, one bare address without line break (ensured by
        :func:`davserver.alerts.letter.compose`). What goes wrong is in the outcome.

        After AWAY the server may still have the mail: its answer was lost, not its work.
        """
        try:
            client = self._ready()
            return self._hand_over(client, message, to)
        except smtplib.SMTPDataError as error:
            return self._judged(error.smtp_code, error.smtp_error)
        except (OSError, UnicodeError) as error:  # SMTPException is an OSError
            self._hang_up()
            return Outcome(Result.AWAY, self._line(_reason(error)))

    def _ready(self) -> smtplib.SMTP:
        """The open connection if it still answers, else a new one. Raises OSError, UnicodeError."""
        if self._client is not None:
            with suppress(OSError):
                if self._client.rset()[0] == 250:
                    return self._client
            self._hang_up()
        settings = self._settings
        timeout = max(settings.timeout, SHORTEST_TIMEOUT)
        if settings.security == "tls":
            self._client = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=timeout, context=ssl.create_default_context()
            )
        else:
            self._client = smtplib.SMTP(settings.host, settings.port, timeout=timeout)
        self._client.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            self._client.starttls(context=ssl.create_default_context())
            self._client.ehlo_or_helo_if_needed()
        if settings.username:
            self._client.login(settings.username, settings.password)
        return self._client

    def _hand_over(self, client: smtplib.SMTP, message: EmailMessage, to: str) -> Outcome:
        options = []
        if not (to + self._sender).isascii():
            if not client.has_extn("smtputf8"):
                return Outcome(
                    Result.REFUSED, "le serveur de courrier n'accepte pas d'accent dans l'adresse"
                )
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        code, reply = client.mail(self._sender, options)
        if code != 250:
            # It is the sender who does not please: nobody's mail would go.
            return Outcome(Result.AWAY, self._line(_said(code, reply)))
        code, reply = client.rcpt(to)
        if code in (250, 251):
            code, reply = client.data(message.as_bytes())
        return self._judged(code, reply)

    def _judged(self, code: int, reply: bytes | str) -> Outcome:
        """The outcome of the server's last word on one mail (RFC 5321 §4.2.1)."""
        if code == 250:
            result = Result.SENT
        elif 500 <= code <= 599:
            result = Result.REFUSED
        elif code == 421:  # the server is closing
            result = Result.AWAY
            self._hang_up()
        else:
            result = Result.LATER
        return Outcome(result, self._line(_said(code, reply)))

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _line(self, text: str) -> str:
        if self._settings.password:
            text = text.replace(self._settings.password, "***")
        printable = "".join(char if char.isprintable() else " " for char in text)
        return " ".join(printable.split())[:OUTCOME_LENGTH]


def _said(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {text}"


def _reason(error: Exception) -> str:
    """Why the server cannot be used, in words."""
    match error:
        case smtplib.SMTPAuthenticationError():
            # Its own words are left out: they may repeat what was sent.
            return f"le serveur de courrier refuse l'identification ({error.smtp_code})"
        case smtplib.SMTPResponseException():
            return _said(error.smtp_code, error.smtp_error)
        case smtplib.SMTPServerDisconnected():
            return "le serveur de courrier a coupé la connexion ou n'a pas répondu à temps"
        case TimeoutError():
            return "le serveur de courrier ne répond pas"
        case ConnectionRefusedError():
            return "le serveur de courrier est arrêté : connexion refusée"
        case UnicodeError():
            # Raised for a host name, a login or a password that smtplib cannot write; its text
            # quotes the character.
            return (
                "le serveur de courrier est injoignable : nom, identifiant ou mot de passe invalide"
            )
        case _:
            return f"le serveur de courrier est injoignable : {error}"
