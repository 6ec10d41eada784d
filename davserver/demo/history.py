"""What happened in the three dossiers of the demonstration: who put what where, and when.

Names are those that lawyers really give: both apostrophes, « n° » and « nº », a Mac's decomposed
accents, names that Windows' explorer and a URL both find awkward.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from davserver.demo import documents, drawings
from davserver.dossiers.plan import PARIS
from davserver.tree.lookup import SPACE_NAME

BOXES, ARCHIVES = "04 Boîtes aux lettres", "05 Archives"
BRUMAIRE = "Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)"
ORTIE = "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)"
FACTICE = "Cabinet FACTICE-DUMODÈLE (Atelier Clothoïde, Mutuelle Fictive des Architectes)"
SAULE = "Cabinet SAULE-EXEMPLE (Étanchéité Sans-Souci SARL)"
QUARTZ = "Cabinet QUARTZ-PLACEBO (Assur'Imaginaire)"
ULYSSE = "M. Ulysse PERSONNE-LAMBDA (sans avocat)"
MAQUETTE = "Cabinet DE LA MAQUETTE-O'TEST (Époux NULLEPART)"
NEANT = "SAS Toitures du Néant (sans avocat)"
ZEPHYR = "Cabinet ZÉPHYR-NÉANT (Fondation Saint-Exemple)"
ABSCISSE = "Cabinet ORTIE-LAMBDA (BET Abscisse)"

Content = Callable[[], bytes]


@dataclass(frozen=True)
class Event:
    """Somebody puts ``content`` at ``path`` (below the source folder, or in the expert's space),
    files what is there into another folder, or, with neither, makes a folder."""

    at: datetime
    login: str
    path: tuple[str, ...]
    content: Content | None = None
    filed_into: tuple[str, ...] | None = None


def _time(day: str, hour: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=PARIS)


def _published(day: str, folder: str, name: str, content: Content, *, by: str) -> Event:
    return Event(_time(day, "10:00"), by, (*folder.split("/"), name), content)


def _filed(deposit: Event, kind: str, *, by: str) -> list[Event]:
    """The deposit, and the expert's filing of it three days later."""
    box = deposit.path[1]
    later = deposit.at + timedelta(days=3)
    return [deposit, Event(later, by, deposit.path, filed_into=(ARCHIVES, box, kind))]


def _deposit(day: str, hour: str, login: str, box: str, name: str, content: Content) -> Event:
    return Event(_time(day, hour), login, (BOXES, box, name), content)


def _exhibit(title: str, party: str, number: int | None = None, pages: int = 1) -> Content:
    return partial(documents.exhibit_pdf, title, party=party, number=number, pages=pages)


def _note(title: str, author: str, day: date, pages: int = 1) -> Content:
    return partial(documents.note_pdf, title, author=author, day=day, pages=pages)


def _letter(title: str, sender: str, recipient: str, day: date, case: str) -> Content:
    return partial(
        documents.letter_pdf, title, sender=sender, recipient=recipient, day=day, case=case
    )


def _trois_pommiers() -> list[Event]:
    expert, testard = "apolline.testard", "Mme Apolline TESTARD, expert"
    say = partial(_published, by=expert)
    file = partial(_filed, by=expert)
    visit = "07 Photos et vidéos/Réunion n°1 - 12 mars 2024"
    exhibits = [(n, f"Pièce {n}", date(2024, 2, 20)) for n in range(1, 39) if n != 17]
    return [
        say("2024-01-15", "00 Mission et décisions", "Ordonnance de référé du 12 janvier 2024.pdf",
            _note("Ordonnance de référé", "Tribunal judiciaire", date(2024, 1, 12))),
        say("2024-02-05", "02 Convocations", "Convocation à la réunion n°1 du 12 mars 2024.pdf",
            _note("Convocation à la réunion n° 1", testard, date(2024, 2, 5))),
        say("2024-03-20", "03 Notes aux parties et comptes rendus",
            "Note aux parties n°1 - Réunion du 12 mars 2024.pdf",
            _note("Note aux parties n° 1", testard, date(2024, 3, 20), pages=2)),
        Event(_time("2024-03-12", "18:00"), expert, tuple(visit.split("/"))),
        say("2024-03-13", visit, "IMG_4513.JPG",
            partial(drawings.photo_jpeg, "Façade Est - fissure", seed=4513)),
        say("2024-03-13", visit, "IMG_4514.JPG",
            partial(drawings.photo_jpeg, "Plafond du hall - infiltration", seed=4514)),
        say("2024-03-14", "08 Plans", "Coupe AA' - A0.pdf",
            partial(drawings.plan_pdf, "Coupe AA'", scale="1/50")),
        say("2024-03-14", "08 Plans", "Plan RDC ind. C.pdf",
            partial(drawings.plan_pdf, "Plan du rez-de-chaussée, indice C", scale="1/100")),
        say("2024-03-25", "01 Consignations", "Avis de consignation.pdf",
            _note("Avis de consignation", "Greffe du tribunal", date(2024, 3, 25))),
        *file(_deposit("2024-02-20", "17:40", "cabinet.brumaire-kalve", BRUMAIRE,
                       "Bordereau de pièces communiquées n°1 à 38.pdf",
                       partial(documents.list_pdf, "Bordereau de pièces communiquées",
                               exhibits, party="SDC Les Trois Pommiers")), "Bordereaux"),
        *file(_deposit("2024-02-20", "17:45", "cabinet.brumaire-kalve", BRUMAIRE,
                       "Pièce n°12 - Constat.pdf",
                       partial(drawings.heavy_pdf, "Constat", size=8_400_000)), "Pièces"),
        *file(_deposit("2024-06-14", "11:02", "cabinet.ortie-lambda", ORTIE,
                       # A Mac sends its accents decomposed.
                       unicodedata.normalize(
                           "NFD", "Dire n°3 récapitulatif - Me ORTIE - 14.06.2024.pdf"),
                       _letter("Dire n° 3 récapitulatif", "Cabinet ORTIE-LAMBDA", testard,
                               date(2024, 6, 14), "RG 24/99001")), "Dires"),
        *file(_deposit("2024-02-27", "19:12", "cabinet.factice-dumodele", FACTICE,
                       "Pièce n°2 - Contrat de maîtrise d’œuvre.pdf",
                       _exhibit("Contrat de maîtrise d’œuvre", "Atelier Clothoïde", 2)), "Pièces"),
        _deposit("2024-06-17", "18:20", "cabinet.ortie-lambda", ORTIE,
                 "Pièce nº 07 – Procès-verbal de réception du 3 février 2021.pdf",
                 _exhibit("Procès-verbal de réception", "SCCV Mirabelle", 7, pages=3)),
        _deposit("2024-06-17", "21:05", "cabinet.saule-exemple", SAULE,
                 "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf",
                 _exhibit("Devis n° 4 et avenant n° 2", "Étanchéité Sans-Souci SARL", 4)),
        _deposit("2024-06-18", "23:41", "cabinet.quartz-placebo", QUARTZ,
                 "Rapport d'expertise amiable contradictoire établi à la demande de l'assureur "
                 "dommages-ouvrage suite à la déclaration de sinistre du 27 novembre 2022 "
                 "(annexes comprises).pdf",
                 _exhibit("Rapport d’expertise amiable contradictoire", "Assur’Imaginaire",
                          pages=4)),
        _deposit("2024-06-18", "22:15", "ulysse.personne-lambda", ULYSSE, "SCAN_0001.pdf",
                 _exhibit("Photographies du plafond de la chambre", "M. PERSONNE-LAMBDA")),
        Event(_time("2024-06-19", "09:30"), "come.prototype",
              ("06 Sapiteurs et investigations", "M. PROTOTYPE Côme (structure)",
               "Avis technique - structure du balcon.pdf"),
              _note("Avis technique", "M. Côme PROTOTYPE, sapiteur", date(2024, 6, 19), pages=2)),
        Event(_time("2024-03-12", "20:00"), expert, (SPACE_NAME, "2024-01 Trois Pommiers")),
        Event(_time("2024-03-12", "20:05"), expert,
              (SPACE_NAME, "2024-01 Trois Pommiers", "Brouillon - note n°2.pdf"),
              _note("Brouillon de la note n° 2", testard, date(2024, 3, 12))),
    ]  # fmt: skip


def _nullepart() -> list[Event]:
    expert, testard = "apolline.testard", "Mme Apolline TESTARD, expert"
    case = "RG 24/99002"
    return [
        _published("2024-05-10", "09 Pré-rapport", "Pré-rapport.pdf",
                   _note("Pré-rapport", testard, date(2024, 5, 10), pages=4), by=expert),
        _deposit("2024-04-02", "16:00", "cabinet.de-la-maquette-otest", MAQUETTE,
                 "Pièce n°2 - Contrat de maîtrise d'œuvre.pdf",
                 _exhibit("Contrat de maîtrise d'œuvre", "Époux NULLEPART", 2)),
        _deposit("2024-06-14", "23:58", "cabinet.de-la-maquette-otest", MAQUETTE,
                 "Dire n°1 - Époux NULLEPART.pdf",
                 _letter("Dire n° 1", "Cabinet DE LA MAQUETTE-O'TEST", testard,
                         date(2024, 6, 14), case)),
        _deposit("2024-06-15", "00:12", "cabinet.quartz-placebo", QUARTZ, "Dire n°1.pdf",
                 _letter("Dire n° 1", "Cabinet QUARTZ-PLACEBO", testard, date(2024, 6, 15), case)),
        _deposit("2024-04-11", "20:30", "toitures.neant", NEANT, "IMG_4512.JPG",
                 partial(drawings.photo_jpeg, "Toiture - fissure", seed=4512)),
    ]  # fmt: skip


def _saint_exemple() -> list[Event]:
    expert, essai = "barnabe.essai", "M. Barnabé ESSAI, expert"
    file = partial(_filed, by=expert)
    return [
        *file(_deposit("2023-10-03", "18:00", "cabinet.zephyr-neant", ZEPHYR,
                       "Pièce n°1 - Marché de travaux.pdf",
                       _exhibit("Marché de travaux", "Fondation Saint-Exemple", 1)), "Pièces"),
        *file(_deposit("2023-11-21", "17:12", "cabinet.ortie-lambda", ABSCISSE,
                       "Dire n°1 - BET Abscisse.pdf",
                       _letter("Dire n° 1", "Cabinet ORTIE-LAMBDA", essai, date(2023, 11, 21),
                               "RG 23/99003")), "Dires"),
        _published("2024-01-22", "09 Pré-rapport", "Pré-rapport.pdf",
                   _note("Pré-rapport", essai, date(2024, 1, 22), pages=3), by=expert),
        _published("2024-04-30", "10 Rapport et annexes", "Rapport et annexes.pdf",
                   _note("Rapport", essai, date(2024, 4, 30), pages=6), by=expert),
    ]  # fmt: skip


HISTORIES = {
    "trois-pommiers": _trois_pommiers(),
    "nullepart": _nullepart(),
    "saint-exemple": _saint_exemple(),
}
