"""Names: one form to compare, and none that some member could not open."""

import unicodedata
from unicodedata import category

import pytest

from davserver.names import composed, fault, name_key, same_name_kept_both

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters

LAWYERS_NAMES = (
    "Pièce n°12 - Constat.pdf",
    "Pièce n°2 - Contrat de maîtrise d'œuvre.pdf",
    "Pièce n°2 - Contrat de maîtrise d’œuvre.pdf",
    "Pièce nº 07 – Procès-verbal de réception du 3 février 2021.pdf",
    "Bordereau de pièces communiquées n°1 à 38.pdf",
    "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf",
    "Rapport d'expertise amiable contradictoire établi à la demande de l'assureur "
    "dommages-ouvrage suite à la déclaration de sinistre du 27 novembre 2022 "
    "(annexes comprises).pdf",
    "Coupe AA' - A0.pdf",
    "SCAN_0001  double espace, virgule ; point-virgule.pdf",
    "console.pdf",
)


@pytest.mark.parametrize("name", LAWYERS_NAMES)
def test_names_that_lawyers_give_are_possible(name: str) -> None:
    assert fault(name) is None
    assert fault(unicodedata.normalize("NFD", name)) is None


@pytest.mark.parametrize(
    "name",
    ["a:b.pdf", "a\\b", "a/b", 'a"b', "a<b", "a>b", "a|b", "a?b", "a*b", "fin.", "fin ", " début",
     "CON", "aux.txt", "Lpt1.pdf", "com¹.txt", "nul .txt",
     "x\x01y", "x\ry", "x\x7f", "\u202efdp.exe", "x\ufffe", "", ".", "..", "é" * 121],
)  # fmt: skip
def test_names_that_windows_cannot_hold_are_refused_with_the_reason(name: str) -> None:
    assert fault(name)


@pytest.mark.parametrize(
    "char",
    ["\u00ad", "\u034f", "\u061c", "\u115f", "\u1160", "\u17b4", "\u180b", "\u180e", "\u180f",
     "\u200b", "\u200c", "\u200d", "\u2028", "\u2060", "\u2064", "\u2065", "\u206a", "\u2800",
     "\u3164", "\ufe00", "\ufe0f", "\ufeff", "\uffa0", "\ufff0", "\U0001d173", "\U000e0001",
     "\U000e0041", "\U000e0100", "\U000e0fff"],
)  # fmt: skip
def test_a_name_that_looks_like_another_is_refused(char: str) -> None:
    for name in (f"a{char}b.pdf", f"{char}ab.pdf", f"ab.pdf{char}"):
        assert fault(name) is not None, name


@pytest.mark.parametrize("space", [c for c in map(chr, range(0x110000)) if category(c) == "Zs"])
def test_no_name_begins_or_ends_with_any_kind_of_space(space: str) -> None:
    for name in (f"Constat.pdf{space}", f"{space}Constat.pdf"):
        assert "espace" in (fault(name) or ""), name
    assert fault(f"Pièce n°{space}12.pdf") is None


def test_no_character_without_a_shape_is_left_in_a_name() -> None:
    """Of all of Unicode, what the category calls format, and is not a sign of its own."""
    formats = [c for c in map(chr, range(0x110000)) if category(c) == "Cf"]
    taken = [c for c in formats if fault(f"a{c}b") is None]
    assert len(formats) > 150
    assert {unicodedata.name(c).split()[0] for c in taken} <= {"ARABIC", "SYRIAC", "KAITHI"}


@pytest.mark.parametrize(
    "name",
    ["❤\ufe0f chantier.jpg", "1\ufe0f\u20e3.jpg", "👩\u200d🔧.jpg", "👩🏽\u200d🔧 visite.jpg",
     "🏳\ufe0f\u200d🌈.jpg"],
)  # fmt: skip
def test_what_holds_an_emoji_together_is_no_invisible_character(name: str) -> None:
    assert fault(name) is None


def test_a_macs_decomposed_name_is_the_same_name() -> None:
    name = "Dire n°3 récapitulatif.pdf"

    assert name_key(unicodedata.normalize("NFD", name)) == name_key(name)
    assert composed(unicodedata.normalize("NFD", name)) == name


def test_case_alone_makes_no_other_name() -> None:
    assert name_key("ÉTAT.PDF") == name_key("état.pdf")


def test_both_apostrophes_are_two_names() -> None:
    assert name_key("d'œuvre") != name_key("d’œuvre")


def test_the_name_that_keeps_two_files_apart_is_recognised() -> None:
    assert same_name_kept_both("SCAN_0001.pdf", "SCAN_0001 (2).pdf")
    assert same_name_kept_both("sans extension", "sans extension (3)")
    assert not same_name_kept_both("SCAN_0001.pdf", "SCAN_0002.pdf")
    assert not same_name_kept_both("SCAN_0001.pdf", "SCAN_0001 (2).exe")
