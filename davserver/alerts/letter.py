"""The mails that tell of deposits: from facts to a whole message, without any input or output.

Names of files, dossiers and people come from anybody. Here they become one line of honest text
(:func:`shown`), and no header is ever made by assigning text to it: CPython decodes the encoded
words that a text happens to hold, and up to 3.11 wrote the line breaks found in them as they were
(python/cpython#121650), so that a name could add a ``Bcc:``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from davserver.accounts.naming import checked_email
from davserver.model import MessageKind
from davserver.names import unprintable

PARIS = ZoneInfo("Europe/Paris")
SUBJECT_TITLE = 60  # characters of the dossier's title in a subject: the act must stay in sight

_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
# What reorders the letters around it, so that « exe.pdf » may end in « fdp.exe ».
_REORDERING = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"
)
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9]+(?: [A-Za-z0-9]+){0,5}")
# Header lines go out as they were set: they are whole and encoded by then.
_AS_SET = SMTP.clone(refold_source="none")
_TEMPLATES = Environment(
    loader=PackageLoader("davserver.alerts"),
    autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Line:
    """One file that a mail tells of. ``size``: bytes; ``folder``: names joined by « / », from the
    source folder down; ``late_seconds``: after the deadline, 0 for in time."""

    name: str
    folder: str
    size: int
    number: int | None
    at: datetime
    late_seconds: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Letter:
    """What one person is told: who did what in which dossier. ``lines`` is never empty."""

    kind: MessageKind
    dossier: str
    depositor: str
    recipient: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class _Wording:
    """The sentences of one kind, each for one file and for several."""

    subject: tuple[str, str]
    opening: tuple[str, str]
    done: str
    closing: tuple[str, str]
    arrived: bool  # the files are there: they have a size and a link


_NOT_ATTACHED = (
    "Le fichier n’est pas joint\u00a0: il vous attend dans le dossier, où votre identifiant et "
    "votre mot de passe vous seront demandés.",
    "Les fichiers ne sont pas joints\u00a0: ils vous attendent dans le dossier, où votre "
    "identifiant et votre mot de passe vous seront demandés.",
)
_WORDINGS = {
    MessageKind.DEPOSIT: _Wording(
        subject=("1 pièce déposée par {who}", "{count} pièces déposées par {who}"),
        opening=(
            "{who} a déposé une pièce dans le dossier «\u00a0{dossier}\u00a0».",
            "{who} a déposé {count}\u00a0pièces dans le dossier «\u00a0{dossier}\u00a0».",
        ),
        done="Déposée",
        closing=_NOT_ATTACHED,
        arrived=True,
    ),
    MessageKind.PUBLICATION: _Wording(
        subject=("1 document publié par {who}", "{count} documents publiés par {who}"),
        opening=(
            "{who} a publié un document dans le dossier «\u00a0{dossier}\u00a0».",
            "{who} a publié {count}\u00a0documents dans le dossier «\u00a0{dossier}\u00a0».",
        ),
        done="Publié",
        closing=_NOT_ATTACHED,
        arrived=True,
    ),
    MessageKind.UNFINISHED: _Wording(
        subject=("Votre dépôt est inachevé", "{count} de vos dépôts sont inachevés"),
        opening=(
            "Votre dépôt dans le dossier «\u00a0{dossier}\u00a0» est inachevé\u00a0: rien n’est "
            "arrivé sous ce nom.",
            "{count}\u00a0de vos dépôts dans le dossier «\u00a0{dossier}\u00a0» sont "
            "inachevés\u00a0: rien n’est arrivé sous ces noms.",
        ),
        done="Constaté",
        closing=(
            "Ce fichier n’a été annoncé à personne. Veuillez le déposer de nouveau.",
            "Ces fichiers n’ont été annoncés à personne. Veuillez les déposer de nouveau.",
        ),
        arrived=False,
    ),
    MessageKind.REJECTED: _Wording(
        subject=("Votre dépôt a été rejeté", "{count} de vos dépôts ont été rejetés"),
        opening=(
            "Votre dépôt dans le dossier «\u00a0{dossier}\u00a0» a été rejeté.",
            "{count}\u00a0de vos dépôts dans le dossier «\u00a0{dossier}\u00a0» ont été rejetés.",
        ),
        done="Rejeté",
        closing=(
            "Ce fichier n’a été ni publié ni annoncé.",
            "Ces fichiers n’ont été ni publiés ni annoncés.",
        ),
        arrived=False,
    ),
    MessageKind.HELD: _Wording(
        subject=("Votre dépôt est retenu", "{count} de vos dépôts sont retenus"),
        opening=(
            "Votre dépôt dans le dossier «\u00a0{dossier}\u00a0» est arrivé, mais il est "
            "retenu\u00a0: personne d’autre que vous ne le voit.",
            "{count}\u00a0de vos dépôts dans le dossier «\u00a0{dossier}\u00a0» sont arrivés, mais "
            "ils sont retenus\u00a0: personne d’autre que vous ne les voit.",
        ),
        done="Retenu",
        closing=(
            "Rien n’est perdu, et la date de votre envoi compte. Si le fichier est infecté, "
            "remplacez-le par une version saine sous le même nom, ou retirez-le. Sinon, il n’y a "
            "rien à faire\u00a0: il sera publié dès qu’il aura été contrôlé, ou sur décision de "
            "l’expert, qui est prévenu.",
            "Rien n’est perdu, et la date de vos envois compte. Si un fichier est infecté, "
            "remplacez-le par une version saine sous le même nom, ou retirez-le. Sinon, il n’y a "
            "rien à faire\u00a0: ils seront publiés dès qu’ils auront été contrôlés, ou sur "
            "décision de l’expert, qui est prévenu.",
        ),
        arrived=False,
    ),
    MessageKind.TO_DECIDE: _Wording(
        subject=("1 dépôt de {who} est retenu", "{count} dépôts de {who} sont retenus"),
        opening=(
            "Un dépôt de {who} dans le dossier «\u00a0{dossier}\u00a0» est retenu\u00a0: personne "
            "d’autre ne le voit.",
            "{count}\u00a0dépôts de {who} dans le dossier «\u00a0{dossier}\u00a0» sont "
            "retenus\u00a0: personne d’autre ne les voit.",
        ),
        done="Retenu",
        closing=(
            "Rien n’est perdu, et la date de l’envoi compte. L’auteur peut remplacer son fichier. "
            "Vous pouvez aussi demander à l’administrateur du site de le publier malgré tout ou de "
            "le rejeter.",
            "Rien n’est perdu, et la date des envois compte. L’auteur peut remplacer ses fichiers. "
            "Vous pouvez aussi demander à l’administrateur du site de les publier malgré tout ou "
            "de les rejeter.",
        ),
        arrived=False,
    ),
    MessageKind.REFUSED: _Wording(
        subject=("Votre opération a été refusée", "{count} de vos opérations ont été refusées"),
        opening=(
            "Une opération que vous avez faite dans le dossier «\u00a0{dossier}\u00a0» a été "
            "refusée. Votre explorateur de fichiers ne le montre pas toujours.",
            "{count}\u00a0opérations que vous avez faites dans le dossier "
            "«\u00a0{dossier}\u00a0» ont été refusées. Votre explorateur de fichiers ne le montre "
            "pas toujours.",
        ),
        done="Refusée",
        closing=(
            "Rien n’a changé dans le dossier\u00a0: le document y est tel qu’il était.",
            "Rien n’a changé dans le dossier\u00a0: les documents y sont tels qu’ils étaient.",
        ),
        arrived=False,
    ),
    MessageKind.TEMPORARY: _Wording(
        subject=("Votre fichier n’est pas déposé", "{count} de vos fichiers ne sont pas déposés"),
        opening=(
            "Vous avez envoyé dans le dossier «\u00a0{dossier}\u00a0» un fichier dont le nom est "
            "celui d’un fichier temporaire. Ce n’est pas un dépôt, et vous seul le voyez.",
            "Vous avez envoyé dans le dossier «\u00a0{dossier}\u00a0» {count}\u00a0fichiers dont "
            "les noms sont ceux de fichiers temporaires. Ce ne sont pas des dépôts, et vous seul "
            "les voyez.",
        ),
        done="Constaté",
        closing=(
            "Si c’est une pièce, renommez-la sur le lecteur (par exemple «\u00a0Constat.pdf"
            "\u00a0»)\u00a0: elle sera déposée, et comptera comme reçue au moment indiqué. Sinon, "
            "ne faites rien\u00a0: un programme l’a laissé là.",
            "Si ce sont des pièces, renommez-les sur le lecteur (par exemple «\u00a0Constat.pdf"
            "\u00a0»)\u00a0: elles seront déposées, et compteront comme reçues au moment indiqué. "
            "Sinon, ne faites rien\u00a0: un programme les a laissés là.",
        ),
        arrived=False,
    ),
    MessageKind.REPEATED: _Wording(
        subject=("Votre pièce était déjà déposée", "{count} de vos pièces étaient déjà déposées"),
        opening=(
            "Vous avez envoyé de nouveau dans le dossier «\u00a0{dossier}\u00a0» une pièce que "
            "l’expert a déjà classée.",
            "Vous avez envoyé de nouveau dans le dossier «\u00a0{dossier}\u00a0» "
            "{count}\u00a0pièces que l’expert a déjà classées.",
        ),
        done="Constaté",
        closing=(
            "Son contenu est le même\u00a0: elle garde son numéro, sans second dépôt.",
            "Leur contenu est le même\u00a0: elles gardent leurs numéros, sans second dépôt.",
        ),
        arrived=False,
    ),
}


@dataclass(frozen=True)
class _Row:
    """A line in words, the same for both parts of the mail; "" for what does not apply."""

    number: str
    name: str
    size: str
    folder: str
    done: str
    late: str
    reason: str
    link: str


def compose(
    letter: Letter, *, sender: str, to: str, message_id: str, date: datetime, address: str
) -> EmailMessage:
    """The whole mail, in French, as text and as HTML that say the same.

    ``sender`` is an address or « name <address> »; ``to`` an address; ``message_id`` a whole
    ``<left@right>`` of ASCII, ensured by the caller; ``address`` the public URL of the site, ""
    for mails without links. Raises BadName where ``sender`` or ``to`` cannot be one address.
    """
    sender_name, sender_address = parseaddr(sender)
    to, sender_address = checked_email(to), checked_email(sender_address)
    # Only an address may force raw UTF-8 into the headers (RFC 6531); texts are encoded words.
    policy = _AS_SET.clone(utf8=not (to + sender_address).isascii())
    message = EmailMessage(policy=policy)
    message.set_raw("From", _mailbox("From", shown(sender_name), sender_address))
    message.set_raw("To", _mailbox("To", shown(letter.recipient), to))
    message.set_raw("Subject", _encoded("Subject", _subject(letter)))
    message.set_raw("Date", format_datetime(date))
    message.set_raw("Message-ID", message_id)
    message.set_raw("Auto-Submitted", "auto-generated")
    told = _told(letter, address)
    # Quoted-printable: no line too long, nothing that a server may change on its way.
    text = _TEMPLATES.get_template("letter.txt.j2").render(told)
    message.set_content(text, cte="quoted-printable")
    html = _TEMPLATES.get_template("letter.html.j2").render(told)
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message


def shown(text: str) -> str:
    """``text`` on one line, in the order in which it is read: what breaks a line, commands a screen
    or turns the direction of writing is shown as « � »."""
    return "".join("\ufffd" if char in _REORDERING or unprintable(char) else char for char in text)


def french_size(size: int) -> str:
    """« 68 o », « 8,4 Mo », « 412 Mo »: decimal units, one decimal below ten."""
    if size < 1000:
        return f"{size}\u00a0o"
    value, units = size / 1000, ["Ko", "Mo", "Go", "To"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        del units[0]
    digits = f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
    return f"{digits.removesuffix('.0').replace('.', ',')}\u00a0{units[0]}"


def french_moment(at: datetime) -> str:
    """« le 12 mars 2024 à 23 h 58 », in Paris. ``at`` is aware."""
    there = at.astimezone(PARIS)
    day = "1er" if there.day == 1 else str(there.day)
    month = _MONTHS[there.month - 1]
    return f"le {day}\u00a0{month} {there.year} à {there.hour}\u00a0h\u00a0{there.minute:02}"


def french_delay(seconds: int) -> str:
    """« 2 h 14 min », « 1 jour 5 min »: whole minutes that have passed."""
    hours, minutes = divmod(seconds // 60, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "jours" if days > 1 else "jour"), (hours, "h"), (minutes, "min")]
    words = [f"{count}\u00a0{unit}" for count, unit in parts if count]
    return " ".join(words) or "moins d’une minute"


def _subject(letter: Letter) -> str:
    title = letter.dossier
    if len(title) > SUBJECT_TITLE:
        title = title[: SUBJECT_TITLE - 1].rstrip() + "…"
    return f"[{shown(title)}] {_say(_WORDINGS[letter.kind].subject, letter)}"


def _told(letter: Letter, address: str) -> dict[str, object]:
    """What the templates print."""
    wording = _WORDINGS[letter.kind]
    return {
        "subject": _subject(letter),
        "opening": _say(wording.opening, letter),
        "rows": [_row(line, wording, address) for line in letter.lines],
        "closing": _say(wording.closing, letter),
    }


def _say(sentences: Sequence[str], letter: Letter) -> str:
    count = len(letter.lines)
    return sentences[count > 1].format(
        count=count, who=shown(letter.depositor), dossier=shown(letter.dossier)
    )


def _row(line: Line, wording: _Wording, address: str) -> _Row:
    late = f"hors délai de {french_delay(line.late_seconds)}" if line.late_seconds > 0 else ""
    return _Row(
        number="" if line.number is None else f"D-{line.number:06}",
        name=shown(line.name),
        size=french_size(line.size) if wording.arrived else "",
        folder=shown(line.folder).replace("/", " / "),
        done=f"{wording.done} {french_moment(line.at)}",
        late=late,
        reason=shown(line.reason),
        link=_link(line, address) if wording.arrived and address else "",
    )


def _link(line: Line, address: str) -> str:
    """The address of the file. All but letters and digits is escaped: mail programs find the end
    of a link in plain text by guessing."""
    names = [*line.folder.split("/"), line.name]
    path = "/".join(quote(name, safe="", errors="replace") for name in names if name)
    return f"{address.rstrip('/')}/dav/{path}"


def _mailbox(header: str, name: str, address: str) -> str:
    """A display name and its address on a header (RFC 5322 §3.4)."""
    if not name.strip():
        return address
    if _PLAIN_PHRASE.fullmatch(name) and len(name) < SUBJECT_TITLE:
        return f"{name}\r\n <{address}>"
    return f"{_encoded(header, name)}\r\n <{address}>"


def _encoded(header: str, text: str) -> str:
    """``text`` as encoded words, folded (RFC 2047 §2: words of 75 characters at most). All of it is
    encoded, so that what looks like an encoded word arrives as it was typed."""
    return Header(text, "utf-8", maxlinelen=76, header_name=header).encode(linesep="\r\n")
