"""Fictitious papers of a construction dispute, made on the fly: exhibits, letters, lists, notes.

Every function returns the same bytes at each call: the date is fixed, and whatever varies is drawn
from a generator seeded with the title.
"""

import random
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import cycle, islice
from typing import Literal

from fpdf import FPDF, FontFace

CREATED = datetime(2024, 3, 12, tzinfo=UTC)

_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
_INK_BLUE = (38, 62, 140)
_GREY = (110, 110, 110)

_PLACES = (
    "façade nord, 2e étage",
    "façade sud, rez-de-chaussée",
    "pignon ouest",
    "cage d’escalier B",
    "logement B12, séjour",
    "logement A03, chambre",
    "toiture-terrasse",
    "sous-sol, place n° 14",
)

_DEFECTS = (
    (
        "Infiltrations en pied de mur",
        "Des auréoles brunes sont visibles sur 40 cm de hauteur. L’humidimètre relève des taux "
        "compris entre 18 % et 27 %. Le revêtement de sol est décollé au droit de la plinthe et "
        "une odeur de moisi persiste malgré l’aération de la pièce.",
    ),
    (
        "Fissure traversante",
        "La fissure part de l’angle inférieur de la baie et descend en escalier jusqu’au "
        "soubassement. Son ouverture atteint 1,8 mm en partie haute ; deux témoins en plâtre ont "
        "été posés et sont rompus à ce jour, ce qui établit que l’ouvrage bouge encore.",
    ),
    (
        "Décollement de l’enduit de façade",
        "L’enduit monocouche sonne creux sur environ 12 m². Des éclats sont tombés sur le "
        "cheminement des piétons, lequel a été protégé par des barrières. L’épaisseur mesurée "
        "sur un fragment n’est que de 8 mm, pour 15 mm prévus au marché.",
    ),
    (
        "Défaut d’étanchéité du relevé",
        "Le relevé d’étanchéité est inférieur à 15 cm et n’est pas protégé par une engravure. "
        "Après mise en eau pendant 24 heures, un goutte-à-goutte est apparu en sous-face de la "
        "dalle, à l’aplomb de la descente d’eaux pluviales.",
    ),
    (
        "Réserves à la réception",
        "Le procès-verbal de réception mentionne sept réserves, dont trois portent sur la façade. "
        "Aucune n’a été levée dans le délai de quatre-vingt-dix jours, malgré deux mises en "
        "demeure adressées par lettre recommandée avec avis de réception.",
    ),
    (
        "Garde-corps des balcons",
        "Les platines sont fixées à moins de 5 cm du nez de dalle et le béton est éclaté autour "
        "de deux chevilles. Des coulures de rouille marquent la sous-face. Le maître d’œuvre a "
        "recommandé d’interdire l’accès au balcon à titre conservatoire.",
    ),
    (
        "Condensation et moisissures",
        "Des moisissures noires couvrent l’angle du plafond. Le débit mesuré à la bouche "
        "d’extraction est de 9 m³/h au lieu de 30 m³/h ; le pont thermique en about de dalle "
        "n’est pas traité et la peinture cloque sur toute la longueur du mur.",
    ),
)


class Paper(FPDF):
    """A document in a core font, dated and titled, whose footer says that it is fictitious.

    Lengths are in millimetres, font sizes in points.
    """

    def __init__(
        self, title: str, *, family: str = "helvetica", sheet: Literal["A4", "A3"] = "A4"
    ) -> None:
        """Open the first page of a document of that title; A4 stands upright, A3 lies flat."""
        super().__init__("portrait" if sheet == "A4" else "landscape", format=sheet)
        self.set_title(title)
        self.set_lang("fr-FR")
        self.set_producer("davserver")
        self.set_creation_date(CREATED)
        self.set_margins(25, 22)
        self.c_margin = 0
        self.set_auto_page_break(True, 24)
        self.set_font(family, size=10.5)
        self.add_page()

    def normalize_text(self, text: str) -> str:
        """Return the text in the core fonts' encoding, with French non-breaking spaces."""
        text = unicodedata.normalize("NFC", text).replace("\u202f", "\xa0")
        text = re.sub(r"(?<=[«°]) | (?=[:;!?»%€])|(?<=\d) (?=\d{3}|[cm]?m[²³]?\b)", "\xa0", text)
        # WinAnsi, unlike Latin-1, has œ, ’, – and €; any other sign becomes a question mark.
        return text.encode("cp1252", "replace").decode("latin-1")

    def footer(self) -> None:
        """Print the notice and the page number at the bottom of the page."""
        self.set_y(-14)
        with self.local_context(font_size_pt=8, text_color=_GREY):
            self.cell(0, 5, "Document fictif – démonstration")
            self.set_x(self.l_margin)
            self.cell(0, 5, f"Page {self.page_no()}/{{nb}}", align="R")

    def text_block(
        self, text: str, *, size: float = 10.5, style: str = "", align: str = "J", after: float = 3
    ) -> None:
        """Print a paragraph over the width of the page, then leave a space of `after` mm."""
        self.set_font(style=style, size=size)
        self.multi_cell(0, size * 0.5, text, align=align, new_x="LMARGIN", new_y="NEXT")
        self.ln(after)

    def masthead(self, title: str, *, above: str = "") -> None:
        """Print the title between two rules, under a line of smaller text if there is one."""
        if above:
            self.text_block(above, size=9, align="C")
        self.set_font(style="B", size=15)
        self.set_draw_color(_GREY)
        self.multi_cell(0, 7.5, title, border="TB", align="C", padding=(4, 0))
        self.set_xy(self.l_margin, self.y + 6)

    def stamp(self, number: int, party: str) -> None:
        """Print the mark of an exhibit, as if by hand with a rubber stamp, at the top right."""
        left, top, width, height = self.w - 77, 10, 56, 20
        with (
            self.rotation(3, left + width / 2, top + height / 2),
            self.local_context(draw_color=_INK_BLUE, text_color=_INK_BLUE),
        ):
            self.set_line_width(0.8)
            self.rect(left, top, width, height, round_corners=True, corner_radius=2)
            self.set_line_width(0.2)
            self.rect(left + 1.2, top + 1.2, width - 2.4, height - 2.4)
            self.set_xy(left + 2, top + 3)
            self.set_font(style="B", size=15)
            self.multi_cell(width - 4, 7, f"Pièce n° {number}", align="C", new_x="LEFT")
            self.set_font(size=7.5)
            self.multi_cell(width - 4, 3.2, party, align="C")
        self.set_xy(self.l_margin, top + height + 8)

    def content(self) -> bytes:
        """Return the finished file."""
        return bytes(self.output())


def exhibit_pdf(
    title: str,
    *,
    party: str = "",
    number: int | None = None,
    pages: int = 1,
    body: Sequence[str] = (),
) -> bytes:
    """Return an exhibit of a party, stamped with its number if it has one.

    The first page holds the paragraphs of `body`, or findings on the building if there are none;
    the following ones, up to `pages`, hold findings.
    """
    rng = random.Random(title)
    paper = Paper(title, family=rng.choice(("helvetica", "times")))
    if number is not None:
        paper.stamp(number, party)
    paper.masthead(title, above=party if number is None else "")
    found = findings(rng)
    for paragraph in body:
        paper.text_block(paragraph)
    if not body:
        _print_sections(paper, islice(found, 4))
    _add_pages(paper, found, pages)
    return paper.content()


def letter_pdf(
    title: str,
    *,
    sender: str,
    recipient: str,
    day: date,
    case: str = "",
    salutation: str = "Madame, Monsieur l’Expert",
    body: Sequence[str] = (),
) -> bytes:
    """Return a letter, such as a « dire » to the expert.

    `sender` and `recipient` may have several lines, `case` names the court and the docket number,
    and `salutation` goes without its comma. Without `body`, the letter comments on findings.
    """
    paper = Paper(title, family="times")
    paper.text_block(sender, size=11, style="B", align="L", after=8)
    paper.set_left_margin(115)
    paper.text_block(recipient, size=11, align="L", after=8)
    paper.text_block(f"Le {french_date(day)}", size=11, align="L", after=8)
    paper.set_left_margin(25)
    paper.set_x(25)
    paper.text_block(f"Objet : {title}", size=11, style="B", align="L", after=1)
    if case:
        paper.text_block(f"Réf. : {case}", size=11, align="L")
    paper.ln(4)
    default = (
        "Je reviens vers vous dans l’intérêt de mon client à la suite de la dernière réunion.",
        *(text for _, text in islice(findings(random.Random(title)), 3)),
        "Je vous remercie de bien vouloir répondre à ces observations et annexer le présent "
        "courrier à votre rapport.",
    )
    regards = (
        f"Je vous prie de croire, {salutation}, en l’assurance de ma considération distinguée."
    )
    for paragraph in (f"{salutation},", *(body or default), regards):
        paper.text_block(paragraph, size=11.5)
    paper.ln(6)
    paper.text_block(sender.partition("\n")[0], size=11.5, align="R")
    return paper.content()


def list_pdf(
    title: str, exhibits: Sequence[tuple[int, str, date]], *, party: str = "", case: str = ""
) -> bytes:
    """Return a « bordereau »: the table of the exhibits, each a number, a title and a date."""
    paper = Paper(title)
    paper.masthead(title, above=case)
    if party:
        paper.text_block(f"Pièces communiquées par : {party}", style="B")
    paper.set_font(size=9.5)
    paper.set_draw_color(_GREY)
    head = FontFace(emphasis="BOLD", fill_color=(232, 232, 232))
    with paper.table(
        col_widths=(1, 8, 3), text_align="LEFT", line_height=5, padding=1.2, headings_style=head
    ) as table:
        table.row(("N°", "Désignation de la pièce", "Date"))
        for number, name, day in exhibits:
            table.row((str(number), name, french_date(day)))
    paper.ln(4)
    paper.text_block(f"Nombre total de pièces : {len(exhibits)}.")
    return paper.content()


def note_pdf(
    title: str,
    *,
    author: str,
    day: date,
    case: str = "",
    recipients: Sequence[str] = (),
    sections: Sequence[tuple[str, str]] = (),
    pages: int = 1,
) -> bytes:
    """Return a paper of the expert or of the court: note, pre-report, mission or notice of meeting.

    `sections` are headings with their text, numbered in order; without them, and on the following
    pages up to `pages`, the note holds findings.
    """
    paper = Paper(title)
    paper.masthead(title, above=case)
    paper.text_block(f"{author}\nLe {french_date(day)}", align="L")
    if recipients:
        paper.text_block("Destinataires : " + " ; ".join(recipients), style="I", align="L", after=5)
    found = findings(random.Random(title))
    _print_sections(paper, sections or islice(found, 4))
    _add_pages(paper, found, pages)
    paper.text_block(author, align="R")
    return paper.content()


def french_date(day: date) -> str:
    """Return the date in full, such as « 1er mars 2024 »."""
    return f"{'1er' if day.day == 1 else day.day} {_MONTHS[day.month - 1]} {day.year}"


def findings(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield endlessly a defect with its place, and what was seen of it."""
    for heading, text in cycle(rng.sample(_DEFECTS, len(_DEFECTS))):
        yield f"{heading} – {rng.choice(_PLACES)}", text


def _print_sections(paper: Paper, sections: Iterable[tuple[str, str]]) -> None:
    for rank, (heading, text) in enumerate(sections, 1):
        paper.text_block(f"{rank}. {heading}", size=11.5, style="B", align="L", after=1)
        paper.text_block(text, after=5)


def _add_pages(paper: Paper, found: Iterator[tuple[str, str]], pages: int) -> None:
    """Add pages of findings until there are as many as asked."""
    while paper.page_no() < pages:
        paper.add_page()
        paper.text_block(f"Constatations – feuillet {paper.page_no()}", size=12, style="B")
        _print_sections(paper, islice(found, 4))
