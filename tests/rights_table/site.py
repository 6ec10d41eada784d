"""The site on which the rights table is played: one dossier per state, with the same people."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from davserver.accounts import groups, passwords, people
from davserver.accounts.credentials import actor_of
from davserver.dossiers import create
from davserver.dossiers.plan import DossierPlan, Person, RepresentationPlan, SapiteurPlan
from davserver.model import (
    DeadProperty,
    Deposit,
    Dossier,
    DossierState,
    Group,
    JournalLine,
    Lock,
    Node,
    Participant,
    Role,
    User,
    UserKind,
)
from davserver.policy.rights import Rights
from davserver.site import CONSOLE, Site, create_site, open_site
from davserver.tree import folders, grants, put, relocate
from davserver.tree.lookup import SPACE_NAME, Spot, find
from davserver.tree.write import Content
from davserver.work import Client, Work
from davserver.worker import settle_deposits
from tests import backends
from tests.rights_table.statement import OWNERS, PLACES, STATES, kind
from tests.serving import PASSWORD

NOTE, PIECE, OLD, FILED = (
    "Note aux parties n°1 - Réunion du 12 mars 2024.pdf",
    "Pièce n°12 - Constat.pdf",
    "Pièce nº 07 – Procès-verbal de réception du 3 février 2021.pdf",
    "Pièce n°2 - Contrat de maîtrise d’œuvre.pdf",
)
SUB = "Réunion n°1 - 12 mars 2024"
FULL, ROOM = "plein", 1_000
"""A dossier that has room for so many bytes only, under way."""

TITLES = {
    "en cours": "2024-01 SDC Les Trois Pommiers contre SCCV Mirabelle",
    "délai de dires": "2024-02 Époux NULLEPART contre Toitures du Néant",
    "suspendu": "2024-03 SCI Exemple contre Entreprise Inexistante",
    "clos": "2023-07 Fondation Saint-Exemple contre Groupement Médiathèque",
    "archivé": "2022-05 Mairie de Villefictive contre Pavage Imaginaire",
    FULL: "2024-04 Consorts FACTICE contre Maçonnerie Placebo",
}
LOGINS = {
    "expert": "apolline.testard",
    "assistant": "camille.esquisse",
    "délégué": "basile.calque",
    "sapiteur": "come.prototype",
    "brumaire": "cabinet.brumaire-kalve",
    "ortie": "cabinet.ortie-lambda",
    "ulysse": "ulysse.personne-lambda",  # private: one account per dossier, see login()
    "représentée": "sdc.trois-pommiers",
    "conseil": "theo.gabarit",
    "juge": "greffe.villefictive",
    "trop": "zoe.dumodele",
    "étranger": "cabinet.zephyr-neant",
    "administrateur": "admin",
    "désactivé": "cabinet.saule-exemple",
    "anonyme": "",
}
_BOXES = {
    "B": "Cabinet BRUMAIRE-KALVÉ (SDC Les Trois Pommiers)",
    "O": "Cabinet ORTIE-LAMBDA (SCCV Mirabelle)",
    "U": "M. Ulysse PERSONNE-LAMBDA (sans avocat)",
    "S": "M. PROTOTYPE Côme (structure)",
}
_FOLDERS = {
    "source": (),
    "01": ("01 Consignations",),
    "02": ("02 Convocations",),
    "03": ("03 Notes aux parties et comptes rendus",),
    "04": ("04 Boîtes aux lettres",),
    "05": ("05 Archives",),
    "06": ("06 Sapiteurs et investigations",),
    "07": ("07 Photos et vidéos",),
    "08": ("08 Plans",),
    "08/s": ("08 Plans", "Existant"),
    "09": ("09 Pré-rapport",),
}
_DRIVE = Client("webdav", "Microsoft-WebDAV-MiniRedir/10.0.22631")
Names = tuple[str, ...]


def login(person: str, state: str) -> str:
    """The login of somebody; a private user has one account per dossier."""
    if person == "ulysse":
        return f"{LOGINS[person]}-{list(TITLES).index(state) + 1}"
    return LOGINS[person]


def path(place: str, state: str) -> Names:
    """The folder of a place, from the root of the drive. « / » is the root, « 05/B » the folder of
    pieces in an archive; « /05/B » the archive itself, and likewise « /04 »."""
    bare = place.removeprefix("/")
    if bare in ("", "espace"):
        return (SPACE_NAME,) if bare else ()
    if bare in _FOLDERS:
        return (TITLES[state], *_FOLDERS[bare])
    container, box = bare.split("/")
    inside = ("Pièces",) if place.startswith("05") else ()
    return (TITLES[state], *_FOLDERS[container], _BOXES[box], *inside)


def file_in(place: str) -> str:
    """The file that lies in a place from the beginning to the end."""
    return {"mailboxes": PIECE, "archives": FILED}.get(kind(place), NOTE)


def bytes_of(name: str) -> bytes:
    """The content of a file that was there from the beginning."""
    return f"Contenu de « {name} ».".encode()


@dataclass(frozen=True)
class Victim:
    """A piece that one request of one person takes away."""

    request: str
    person: str
    place: str

    @property
    def name(self) -> str:
        return f"Pièce - {self.request} - {self.person}.pdf"


FILERS = ("expert", "délégué")
LIVE = ("en cours", "délai de dires")
PLAYED = {
    "en cours": PLACES,
    "délai de dires": ("03", "04/B"),
    "suspendu": ("03", "04/B"),
    "clos": ("03", "04/B", "05/B"),
    "archivé": ("03", "04/B"),
    FULL: ("03",),
}
"""The places that are played in each state."""
VICTIMS = [
    *(
        Victim(request, person, place)
        for request in ("FILE", "FILE as twin")
        for person in FILERS
        for place in ("04/B", "04/O", "04/U")
    ),
    *(
        Victim(request, person, place)
        for request in ("SORT", "GIVE BACK")
        for person in FILERS
        for place in ("05/B", "05/O")
    ),
]


def victims(state: str) -> list[Victim]:
    """The pieces to be moved in a dossier in this state."""
    return [v for v in VICTIMS if state in LIVE and v.place in PLAYED[state]]


def prepare(data: Path) -> None:
    """Make the site in an empty data folder, all of it through the program's own operations."""
    settings = backends.settings(data)
    create_site(settings)
    site = open_site(settings)
    try:
        _Preparation(site).run()
    finally:
        site.close()


class _Preparation:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._long_ago = datetime.now(UTC) - timedelta(days=30)
        self._recently = datetime.now(UTC) - timedelta(hours=1)
        self._site.clock = lambda: self._long_ago

    def run(self) -> None:
        with self._site.writing(CONSOLE, _DRIVE) as work:
            password = passwords.hashed(PASSWORD)
            for person in LOGINS:
                if person not in ("ulysse", "anonyme"):
                    work.session.add(_account(work, person, password))
        for state in TITLES:
            self._site.clock = lambda: self._long_ago
            with self._site.writing(CONSOLE, _DRIVE) as work:
                _create_dossier(work, state)
            self._fill(state)
        with self._site.writing(CONSOLE, _DRIVE) as work:
            _user(work, "désactivé", "en cours").disabled = True

    def _fill(self, state: str) -> None:
        with self._as("expert", state) as work:
            self._open_up(work, state)
            for place in dict.fromkeys((*PLAYED[state], "07")):
                if kind(place) == "publications":
                    _put(work, (*path(place, state), NOTE))
                    folders.make(work, (*path(place, state), SUB), _no_condition)
        self._deposit(state, [OLD])
        self._site.clock = lambda: self._recently
        self._deposit(state, [PIECE, FILED, *(victim.name for victim in victims(state))])
        with self._as("expert", state) as work:
            for box in "BO":
                names = [v.name for v in victims(state) if v.place == f"05/{box}"]
                for name in (FILED, *names):
                    relocate.move(
                        work, (*path(f"04/{box}", state), name),
                        (*path(f"05/{box}", state), name), _no_condition, overwrite=False,
                    )  # fmt: skip
        with self._site.writing(CONSOLE, _DRIVE) as work:
            dossier = _dossier(work, state)
            dossier.state = DossierState(state if state in STATES else "en cours")
            if state == "délai de dires":
                dossier.deadline = self._long_ago
            if state == FULL:
                dossier.quota = dossier.used + ROOM

    def _deposit(self, state: str, names: list[str]) -> None:
        """Everybody deposits these in his box, where they concern it, and they are sealed."""
        for box, owner in OWNERS.items():
            place = f"06/{box}" if box == "S" else f"04/{box}"
            with self._as(owner, state) as work:
                for name in names:
                    boxes = {v.place[-1] for v in victims(state) if v.name == name}
                    if not boxes or box in boxes:
                        _put(work, (*path(place, state), name))
        clock = self._site.clock
        self._site.clock = lambda: clock() + timedelta(minutes=2)
        settle_deposits(self._site)

    @staticmethod
    def _open_up(work: Work, state: str) -> None:
        """The exceptions to the usual rights, given by the expert."""
        group = work.session.scalars(
            select(Group).where(Group.dossier_id == _dossier(work, state).id)
        ).one()

        def give(place: str, principal: User | Group, given: Rights) -> None:
            grants.give(work, _spot(work, path(place, state)), principal, given, recursive=True)

        if state == "en cours":
            give(
                "espace", _user(work, "assistant", state), Rights.READ | Rights.ADD | Rights.MODIFY
            )
        give("source", _user(work, "trop", state), Rights.ALL)
        give("04", _user(work, "délégué", state), Rights.READ | Rights.ADD | Rights.MOVE)
        give("05", _user(work, "délégué", state), Rights.READ | Rights.MOVE)
        give("02", group, Rights.BROWSE | Rights.VIEW)
        give("08", group, Rights.BROWSE)
        folders.make(work, path("08/s", state), _no_condition)
        grants.cut(work, _spot(work, path("09", state)), inherits=False)

    @contextmanager
    def _as(self, person: str, state: str) -> Iterator[Work]:
        with self._site.reading(CONSOLE, _DRIVE) as work:
            actor = actor_of(_user(work, person, state))
        with self._site.writing(actor, _DRIVE) as work:
            yield work


def _account(work: Work, person: str, password_hash: str) -> User:
    first_name, _, last_name = LOGINS[person].partition(".")
    return User(
        login=LOGINS[person],
        kind=UserKind.PUBLIC,
        first_name=first_name,
        last_name=last_name,
        email=f"{LOGINS[person]}@davserver.example",
        password_hash=password_hash,
        administrator=person == "administrateur",
        created=work.now,
    )


def _create_dossier(work: Work, state: str) -> None:
    def known(person: str) -> Person:
        return Person(login=LOGINS[person])

    plan = DossierPlan(
        title=TITLES[state],
        expert=LOGINS["expert"],
        state=DossierState.UNDER_WAY,
        assistants=(known("assistant"), known("délégué")),
        advisers=(known("conseil"), known("trop")),
        judges=(known("juge"),),
        sapiteurs=(SapiteurPlan(login=LOGINS["sapiteur"], box=_BOXES["S"]),),
        representations=(
            RepresentationPlan(login=LOGINS["brumaire"], box=_BOXES["B"], parties=("SDC",)),
            RepresentationPlan(login=LOGINS["ortie"], box=_BOXES["O"], parties=("SCCV",)),
            RepresentationPlan(
                login=login("ulysse", state), first_name="Ulysse", last_name="PERSONNE-LAMBDA",
                email="ulysse@personne-lambda.example", private=True, box=_BOXES["U"],
            ),
            RepresentationPlan(login=LOGINS["désactivé"], parties=("Étanchéité Sans-Souci",)),
        ),
    )  # fmt: skip
    dossier = create.create(work, plan, password=lambda login: PASSWORD).dossier
    # Registered because the lawyer asks for it: reads, deposits nothing.
    party = _user(work, "représentée", state)
    work.session.add(
        Participant(dossier_id=dossier.id, user_id=party.id, role=Role.REPRESENTED_PARTY)
    )
    groups.join(work.session, dossier, groups.find(work.session, dossier, plan.group), party)


def rows(site: Site, title: str) -> dict[str, object]:
    """All that a refused request could have left in a dossier: names that nobody but their author
    sees, bytes counted, locks, properties, deposits."""
    with site.reading(CONSOLE, _DRIVE) as work:
        dossier = work.session.scalars(select(Dossier).where(Dossier.title == title)).one()
        here = select(Node.id).where(Node.dossier_id == dossier.id)
        found: dict[str, object] = {f"{title} - octets": dossier.used}
        for node in work.session.scalars(select(Node).where(Node.dossier_id == dossier.id)):
            found[f"{title} - {node.id} {node.name}"] = (
                node.parent_id, node.name, node.state, node.sha256, node.number, node.modified,
            )  # fmt: skip
        for lock in work.session.scalars(select(Lock).where(Lock.node_id.in_(here))):
            found[f"{title} - verrou {lock.token}"] = lock.node_id
        for dead in work.session.scalars(select(DeadProperty)):
            found[f"{title} - propriété {dead.tag} de {dead.node_id}"] = dead.xml
        for deposit in work.session.scalars(
            select(Deposit).where(Deposit.dossier_id == dossier.id)
        ):
            found[f"{title} - dépôt {deposit.id} {deposit.name}"] = (
                deposit.node_id, deposit.number, deposit.sha256, deposit.touched_at,
            )  # fmt: skip
        return found


def refusals(site: Site, who: str) -> list[tuple[str, str]]:
    """What the journal says was refused to a login: the method, and where; oldest first."""
    with site.reading(CONSOLE, _DRIVE) as work:
        lines = work.session.scalars(
            select(JournalLine)
            .where(JournalLine.act == "refused", JournalLine.actor == who)
            .order_by(JournalLine.id)
        )
        facts = [json.loads(line.facts) for line in lines]
    return [(fact["method"], fact["path"]) for fact in facts]


def _user(work: Work, person: str, state: str) -> User:
    return people.find(work.session, login(person, state))


def _dossier(work: Work, state: str) -> Dossier:
    return work.session.scalars(select(Dossier).where(Dossier.title == TITLES[state])).one()


def _spot(work: Work, names: Names) -> Spot:
    return find(work, names)


def _put(work: Work, names: Names) -> None:
    incoming = work.blobs.receive()
    incoming.write(bytes_of(names[-1]))
    put.store(work, names, Content(incoming.keep()), _no_condition)


def _no_condition(work: Work, spot: Spot) -> None:
    """No client is there to set one."""
