"""The policy of file names by itself: lawyers' names are taken, those no Windows holds are not."""

import pytest

from davserver.policy import Act, Action
from davserver.policy.file_names import FileNames
from tests.actions import ALL, BOX, DOSSIER, LAWYER, NOW, SOURCE, action, file, folder

pytestmark = pytest.mark.embedded  # no site, or none whose back end matters

NAMES_OF_LAWYERS = [
    "Pièce n°12 - Constat.pdf",
    "Pièce n°2 - Contrat de maîtrise d'œuvre.pdf",
    "Pièce n°2 - Contrat de maîtrise d’œuvre.pdf",
    "Pièce nº 07 – Procès-verbal de réception du 3 février 2021.pdf",
    "Dire n°3 re\u0301capitulatif - Me ORTIE - 14.06.2024.pdf",
    "Bordereau de pièces communiquées n°1 à 38.pdf",
    "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf",
    "Rapport d'expertise amiable contradictoire établi à la demande de l'assureur "
    "dommages-ouvrage suite à la déclaration de sinistre du 27 novembre 2022 "
    "(annexes comprises).pdf",
    "SCAN_0001.pdf",
    "IMG_4512.HEIC",
    "IMG_4513.JPG",
    "Façade Est - fissure.mp4",
    "Plan RDC ind. C.dwg",
    "Coupe AA' - A0.pdf",
    "Pièces 1 à 25.zip",
    "eicar.com.txt",
    ".DS_Store",
    "~$Dire.docx",
    "Thumbs.db",
    "Note aux parties n°1 - Réunion du 12 mars 2024.pdf",
    "Pré-rapport.pdf",
    "Rapport et annexes.pdf",
]
NAMING = [Act.ADD, Act.ARRIVE, Act.RENAME, Act.SIDE]


@pytest.mark.parametrize("name", NAMES_OF_LAWYERS)
def test_the_names_that_lawyers_give_are_taken(name: str) -> None:
    for act in NAMING:
        assert FileNames().judge(action(act, BOX, name=name)) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((f"a{char}b.pdf", char) for char in '\\/:*?"<>|'),
        *((name, "réserve ce nom") for name in ("CON", "aux.pdf", "Nul.txt", "COM1.doc", "lpt9")),
        ("fin.", "finit par un point"),
        ("fin ", "finit par un point ou une espace"),
        ("a\x01b", "caractère de commande"),
        ("\u202efdp.exe", "inverse le sens"),
        ("é" * 121, "240 octets"),
        ("", "vide"),
        ("..", "vide"),
    ],
)
def test_a_name_that_windows_cannot_hold_is_refused_with_its_reason(name: str, reason: str) -> None:
    for act in NAMING:
        # built at once: the builder gives a name to who gives none
        judged = Action(act, LAWYER, DOSSIER, BOX, None, name, ALL, NOW)
        decision = FileNames().judge(judged)

        assert decision is not None and not decision.allowed
        assert reason in decision.reason


def test_a_name_of_just_240_bytes_is_taken() -> None:
    assert FileNames().judge(action(Act.ADD, name="é" * 120)) is None


def test_a_path_that_is_too_long_is_refused() -> None:
    deep = (SOURCE, *(folder(100 + level, "d" * 100) for level in range(6)))

    decision = FileNames().judge(action(Act.ADD, deep))

    assert decision is not None and "chemin" in decision.reason


def test_an_old_name_is_no_obstacle_to_reading_or_removing() -> None:
    for act in set(Act) - set(NAMING):
        assert FileNames().judge(action(act, entry=file("a:b.pdf"))) is None
