"""Names: one form to compare, and none that some member could not open."""

import unicodedata

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
