"""What the mails say, and that no name can make them say more."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davserver.accounts.naming import BadName
from davserver.alerts.letter import (
    Letter,
    Line,
    french_delay,
    french_moment,
    french_size,
    shown,
)
from davserver.model import MessageKind
from tests.letters import (
    BOX,
    CABINET,
    CONSTAT,
    DEVIS,
    DIRE,
    DOSSIER,
    EVENING,
    HEADERS,
    NASTY,
    NASTY_IDS,
    PIECES,
    Reader,
    arrived,
    content,
    display_name,
    header_lines,
    mail,
)

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters


def test_a_mail_lists_each_piece_with_number_name_size_folder_date_and_lateness() -> None:
    text = content(mail(PIECES), "plain").replace("\u00a0", " ")

    assert f"{CABINET} a déposé 3 pièces dans le dossier « {DOSSIER} »." in text
    assert "D-000123  Pièce n°12 - Constat.pdf (8,4 Mo)\n" in text
    assert f"  Emplacement : {DOSSIER} / 04 Boîtes aux lettres / {CABINET}\n" in text
    assert "  Déposée le 12 mars 2024 à 23 h 58\n" in text
    assert "  Déposée le 12 mars 2024 à 23 h 58, hors délai de 2 h 14 min\n" in text


def test_each_piece_has_a_link_to_itself_and_the_mail_holds_no_file() -> None:
    message = mail(PIECES)
    links = re.findall(r"https://\S+", content(message, "plain"))

    assert [unquote(link) for link in links] == [
        f"https://dossiers.example/dav/{BOX}/{line.name}" for line in PIECES.lines
    ]
    assert all(re.fullmatch(r"https://dossiers\.example/dav/[\w%./~-]+", link) for link in links)
    assert [part.get_content_type() for part in arrived(message).walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_a_site_without_public_address_sends_mails_without_links() -> None:
    message = mail(PIECES, address="")

    assert "://" not in content(message, "plain")
    assert "href" not in content(message, "html")
    assert CONSTAT.name in content(message, "plain")


@pytest.mark.parametrize("kind", MessageKind)
@pytest.mark.parametrize("lines", [(CONSTAT,), (CONSTAT, DEVIS, replace(DIRE, reason="x < y & z"))])
@pytest.mark.parametrize("address", ["", "https://dossiers.example"])
def test_text_and_html_say_the_same(
    kind: MessageKind, lines: tuple[Line, ...], address: str
) -> None:
    message = mail(replace(PIECES, kind=kind, lines=lines), address=address)
    page = Reader(content(message, "html"))
    text = content(message, "plain")
    links = re.findall(r"(?m)^  (https://\S+)$", text)

    assert page.links[1:] == links
    for link in links:
        text = text.replace(link, "")
    assert page.words.split() == text.split()


@pytest.mark.parametrize(
    ("kind", "count", "subject"),
    [
        (MessageKind.DEPOSIT, 3, f"3 pièces déposées par {CABINET}"),
        (MessageKind.DEPOSIT, 1, f"1 pièce déposée par {CABINET}"),
        (MessageKind.PUBLICATION, 2, f"2 documents publiés par {CABINET}"),
        (MessageKind.PUBLICATION, 1, f"1 document publié par {CABINET}"),
        (MessageKind.UNFINISHED, 1, "Votre dépôt est inachevé"),
        (MessageKind.UNFINISHED, 2, "2 de vos dépôts sont inachevés"),
        (MessageKind.REJECTED, 1, "Votre dépôt a été rejeté"),
        (MessageKind.REJECTED, 2, "2 de vos dépôts ont été rejetés"),
        (MessageKind.REFUSED, 1, "Votre opération a été refusée"),
        (MessageKind.REFUSED, 2, "2 de vos opérations ont été refusées"),
    ],
)
def test_the_subject_says_the_dossier_and_the_act(
    kind: MessageKind, count: int, subject: str
) -> None:
    letter = replace(PIECES, kind=kind, lines=PIECES.lines[:count])

    assert arrived(mail(letter))["Subject"] == f"[{DOSSIER}] {subject}"


def test_a_long_title_leaves_the_act_in_sight() -> None:
    letter = replace(PIECES, dossier="2023-07 " + "Fondation Saint-Exemple " * 9)

    subject = arrived(mail(letter))["Subject"]

    assert subject.startswith("[2023-07 Fondation")
    assert subject.endswith(f"…] 3 pièces déposées par {CABINET}")
    assert letter.dossier in content(mail(letter), "plain")


def test_an_unfinished_deposit_is_to_be_made_again() -> None:
    line = replace(CONSTAT, size=0, number=None)
    text = content(mail(replace(PIECES, kind=MessageKind.UNFINISHED, lines=(line,))), "plain")

    assert "rien n’est arrivé sous ce nom" in text
    assert "Veuillez le déposer de nouveau" in text
    assert line.name in text
    assert "https://" not in text


def test_a_rejected_deposit_gives_its_reason_and_no_link() -> None:
    line = replace(CONSTAT, number=None, reason="Les programmes ne sont pas acceptés.")
    message = mail(replace(PIECES, kind=MessageKind.REJECTED, lines=(line,)))

    for kind in ("plain", "html"):
        assert "Motif\u00a0: Les programmes ne sont pas acceptés." in content(message, kind)
        assert "https://" not in content(message, kind)


def test_the_header_says_who_writes_to_whom_and_that_a_machine_does() -> None:
    message = arrived(mail(PIECES))

    assert [name for name, _ in message.items()] == HEADERS
    assert message["From"] == "Expertise Partage <alertes@serveur.example>"
    assert message["To"] == "Apolline TESTARD <apolline.testard@expert.example>"
    assert message["Date"].datetime == EVENING.replace(microsecond=0)
    assert message["Message-ID"] == "<davserver-1-2@dossiers.example>"
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("nasty", NASTY, ids=NASTY_IDS)
def test_an_address_longer_than_a_line_does_not_open_the_name_before_it(nasty: str) -> None:
    address = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.example"
    message = mail(replace(PIECES, recipient=nasty), to=address)

    assert [line.split(":")[0] for line in header_lines(message)] == HEADERS
    assert display_name(message, "To") == shown(nasty)
    assert f"\r\n <{address}>\r\n".encode() in message.as_bytes()


@pytest.mark.parametrize("nasty", NASTY, ids=NASTY_IDS)
def test_names_arrive_as_they_were_typed_but_for_what_misleads(nasty: str) -> None:
    line = Line(nasty, "Dossier", 1, 1, EVENING, reason=nasty)
    letter = Letter(MessageKind.REJECTED, nasty[:60], "Cabinet", nasty, (line,))
    message = mail(letter)
    read = arrived(message)
    page = Reader(content(message, "html"))

    assert read["Subject"] == f"[{shown(nasty[:60])}] Votre dépôt a été rejeté"
    assert display_name(message, "To") == shown(nasty)
    assert f"{shown(nasty)}\n" in content(message, "plain")
    assert shown(nasty) in page.words
    assert page.elements <= {
        "html", "head", "meta", "title", "body", "p", "ul", "li", "span", "bdi", "br",
    }  # fmt: skip


@pytest.mark.parametrize("nasty", NASTY, ids=NASTY_IDS)
def test_nothing_that_turns_or_breaks_a_line_is_shown(nasty: str) -> None:
    line = Line(nasty, nasty, 1, 1, EVENING, reason=nasty)
    message = mail(Letter(MessageKind.DEPOSIT, nasty, nasty, nasty, (line,)))

    for kind in ("plain", "html"):
        assert not re.search(
            "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]",
            content(message, kind),
        )
    assert "\nBcc" not in content(message, "plain")


@given(dossier=st.text(max_size=60), who=st.text(max_size=300))
def test_any_subject_is_read_as_it_was_written(dossier: str, who: str) -> None:
    letter = replace(PIECES, dossier=dossier, depositor=who)
    message = mail(letter)

    assert arrived(message)["Subject"] == f"[{shown(dossier)}] 3 pièces déposées par {shown(who)}"
    assert [line.split(":")[0] for line in header_lines(message)] == HEADERS


@pytest.mark.parametrize("address", ["a@x.example\r\nBcc: evil@x.example", "a", "", "a@b@c", "a@é"])
def test_what_is_not_one_address_is_refused(address: str) -> None:
    with pytest.raises(BadName):
        mail(PIECES, to=address)


@pytest.mark.parametrize("sender", ["", "Expertise Partage", "a@b@c", "Nom <a@é>"])
def test_a_sender_without_address_is_refused(sender: str) -> None:
    with pytest.raises(BadName):
        mail(PIECES, sender=sender)


def test_an_accented_address_is_written_as_it_is() -> None:
    message = mail(PIECES, to="léonie@brumaire.example")

    assert "To: Apolline TESTARD <léonie@brumaire.example>" in header_lines(message)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 o"),
        (68, "68 o"),
        (999, "999 o"),
        (1_000, "1 Ko"),
        (9_960, "10 Ko"),
        (999_499, "999 Ko"),
        (999_500, "1 Mo"),
        (8_400_000, "8,4 Mo"),
        (412_000_000, "412 Mo"),
        (2_900_000_000, "2,9 Go"),
        (20_000_000_000_000_000, "20000 To"),
    ],
)
def test_sizes_are_written_the_french_way(size: int, words: str) -> None:
    assert french_size(size) == words.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "moins d’une minute"),
        (60, "1 min"),
        (7_200, "2 h"),
        (8_070, "2 h 14 min"),
        (86_400 + 300, "1 jour 5 min"),
        (3 * 86_400 + 3_600, "3 jours 1 h"),
    ],
)
def test_delays_are_written_in_whole_minutes(seconds: int, words: str) -> None:
    assert french_delay(seconds).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (EVENING, "le 12 mars 2024 à 23 h 58"),
        (EVENING + timedelta(minutes=3), "le 13 mars 2024 à 0 h 01"),
        (datetime(2024, 7, 31, 22, 5, tzinfo=UTC), "le 1er août 2024 à 0 h 05"),
    ],
)
def test_times_are_those_of_paris(at: datetime, words: str) -> None:
    assert french_moment(at).replace("\u00a0", " ") == words
