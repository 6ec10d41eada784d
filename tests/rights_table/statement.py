"""Who may do what, as an auditor reads it: the expected answer of every cell of the rights table.

Written from the description of the domain and of the clients, never from the program's own tables.
PUBLICATIONS and BOXES are what each person has in each folder, LIVES what is left of it in each
state of a dossier; ANSWERS, FOLDERS and ROOT what each request needs and how it is answered.

Letters of the trade: N naviguer, C consulter, T télécharger, A ajouter, M modifier, S supprimer,
D déplacer; F: file pieces (« classer »), which no tick box gives: it is the expert's, and that of
the assistant to whom he delegates it. « - »: the folder does not exist for this person.
"""

import re

# 01 to 09: the expert's publications (01 is closed to his assistants' writing). The group was
# given « naviguer, consulter » on 02, and « naviguer » alone on 08: it does not go down to 08/s.
# At 09 the inheritance is cut. « espace » is the expert's private space, which he opened to his
# assistant. « trop » is a member to whom somebody gave « tout » on the source folder by mistake.
PUBLICATIONS = """
                                   source   01       02       03       07       08       08/s     09       espace
expert                             NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD
assistant                          NCTAM    NCT      NCTAM    NCTAM    NCTAM    NCTAM    NCTAM    -        NCTAM
délégué                            NCTAM    NCT      NCTAM    NCTAM    NCTAM    NCTAM    NCTAM    -        -
brumaire ortie ulysse              NCT      NCT      NC       NCT      NCT      N        NCT      -        -
sapiteur représentée conseil juge  NCT      NCT      NC       NCT      NCT      N        NCT      -        -
trop                               NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  -
étranger administrateur            -        -        -        -        -        -        -        -        -
"""  # noqa: E501
# 04/B, 04/O, 04/U: the mailboxes of the cabinets BRUMAIRE and ORTIE, and of Ulysse, who has no
# lawyer. 05/B, 05/O: the archives of the cabinets. 06/S: the sapiteur's box.
BOXES = """
                          04       04/B     04/O     04/U     05       05/B     05/O     06/S
expert                    NCTAD    NCTADF   NCTADF   NCTADF   NCTD     NCTDF    NCTDF    NCTAD
assistant                 NCT      NCT      NCT      NCT      NCT      NCT      NCT      NCT
délégué                   NCTAD    NCTADF   NCTADF   NCTADF   NCTD     NCTDF    NCTDF    NCT
sapiteur                  NCT      NCT      NCT      NCT      NCT      NCT      NCT      NCTA
brumaire                  NCT      NCTA     NCT      NCT      NCT      NCT      NCT      NCT
ortie                     NCT      NCT      NCTA     NCT      NCT      NCT      NCT      NCT
ulysse                    NCT      NCT      NCT      NCTA     NCT      NCT      NCT      NCT
représentée conseil juge  NCT      NCT      NCT      NCT      NCT      NCT      NCT      NCT
trop                      NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD  NCTAMSD
étranger administrateur   -        -        -        -        -        -        -        -
"""
NOBODY = ("désactivé", "anonyme")
"""A disabled account, and no account at all: 401 whatever they ask."""

# What is left of the rights: a closed dossier is read, an archived one is read by its expert alone.
# In the « délai de dires », a deposit after the deadline is taken in (and stamped late).
LIVES = """
                expert    others
en cours        NCTAMSDF  NCTAMSDF
délai de dires  NCTAMSDF  NCTAMSDF
suspendu        NCT       NCT
clos            NCT       NCT
archivé         NCT       -
"""

# What a request on a file, or on a new name, needs in its folder, and how it is answered:
# « M 204 » asks « modifier » for a 204 and is 403 without it; « M 204 else 409 » is 409 without;
# « TS TD 201 » asks one of the two sets; « own 204 » is for the author of the piece; no letter: for
# everybody. « | »: the specification leaves both open. « 207+ », « 207- »: the file is listed, or
# not; « 207 yes », « 207 no »: the property was set, or not. What each request is: playing.py.
#
# In the mailboxes and archives the file is a sealed piece, which nobody changes, whatever his
# rights; in the other folders a note of the expert. « unseen »: the folder exists for this person,
# the file in it does not (« consulter » is missing). « nothing »: not even the folder does.
ANSWERS = """
                 publications           mailboxes         archives          04, 05  unseen  nothing
OPTIONS          200                    200               200               200     200     200
PROPFIND         207+                   207+              207+              207-    207-    404
PROPFIND all     403                    403               403               403     403     404
PROPFIND file    207                    207               207               .       404     404
GET              T 200                  T 200             T 200             .       404     404
HEAD             T 200                  T 200             T 200             .       404     404
PUT new          A 201                  A 201             403               403     403     409
PUT over         M 204                  403               403               .       403     409
PUT same         M 204                  own 204           own 204|403       .       403     409
MKCOL            A 201                  A 201             403               403     403     409
LOCK new         A 201                  A 201             403               403     403     409
LOCK             M 200                  423               423               .       403     409
LOCK by a Mac    M 200                  403               403               .       403     409
UNLOCK           M 204 else 409         own 204 else 409  own 204 else 409  .       404     404
PROPPATCH        M 207 yes              207 no            207 no            .       404     404
PROPPATCH dates  M 207 yes else 207 no  207 no            207 no            .       404     404
DELETE           S 204                  403               403               .       404     404
RENAME           M 201                  403               403               .       404     404
MOVE out         TS TD 201              403               403               .       404     404
MOVE in          A D 201                A D 201           403               403     403     409
COPY out         T 201                  T 201             T 201             .       404     404
COPY in          A 201                  A 201             403               403     403     409
COPY onto        AS 204                 403               403               .       403     409
COPY onto, F     AS 412 else 412|403    412|403           412|403           .       403     409
FILE             .                      F 201             .                 .       .       404
FILE as twin     .                      F 201             .                 .       .       404
FILE renamed     .                      403               .                 .       .       404
FILE wrongly     .                      403               .                 .       .       404
SORT             .                      .                 F 201             .       .       404
GIVE BACK        .                      .                 F 201             .       .       404
"""

# Two folders take part: what is needed at the other end. COPY out goes where the person may add,
# if anywhere; the others go to 07 or come from 07 or 03.
OTHER_END = {
    "MOVE out": "A D",
    "MOVE in": "TS TD",
    "COPY out": "A",
    "COPY in": "T",
    "COPY onto": "T",
    "COPY onto, F": "T",
}
FROM_ELSEWHERE = ("MOVE in", "COPY in", "COPY onto", "COPY onto, F")

# The same for requests on a folder itself. « structure »: the source folder, 04, 05, boxes and
# archives stay where they are. What one does not see is answered like a free name in its folder.
FOLDERS = """
                   sub-folder    structure   unseen  in an unseen one
GET itself         200           200         404     404
MKCOL itself       405           405         403     409
PUT itself         405           405|403     403     409
LOCK itself        M 200         403         403     409
PROPPATCH itself   M 207 yes     403|207 no  404     404
DELETE itself      S 204         403         404     404
RENAME itself      M 201         403         404     404
MOVE itself        TS TD 201     403         404     404
"""
# The root of the drive, for anybody who has an account.
ROOT = """
                   /dav/
OPTIONS            200
PROPFIND           207-
PROPFIND all       403
PUT new            403
MKCOL              403
LOCK new           403
GET itself         200
MKCOL itself       405
PUT itself         403|405
LOCK itself        403
PROPPATCH itself   403|207 no
DELETE itself      403
RENAME itself      403
MOVE itself        403
"""

Table = dict[str, dict[str, str]]


def read_table(text: str) -> Table:
    """The lines of a table by their first word or words, each by the names of its columns."""
    head, *lines = [re.split(r" {2,}", line.strip()) for line in text.strip("\n").splitlines()]
    return {name: dict(zip(head, cells, strict=True)) for name, *cells in lines}


_ANSWERS, _FOLDERS, _LIVES = read_table(ANSWERS), read_table(FOLDERS), read_table(LIVES)
_PUBLICATIONS, _BOXES = read_table(PUBLICATIONS), read_table(BOXES)
PLACES = (*_PUBLICATIONS["expert"], *_BOXES["expert"])
STATES = tuple(_LIVES)
REQUESTS = tuple(_ANSWERS)
FOLDER_REQUESTS = tuple(_FOLDERS)
ROOT_ANSWERS = {request: cells["/dav/"] for request, cells in read_table(ROOT).items()}
OWNERS = {"B": "brumaire", "O": "ortie", "U": "ulysse", "S": "sapiteur"}


def kind(place: str) -> str:
    """The column of ANSWERS for a folder that the person sees."""
    if place in ("04", "05"):
        return "04, 05"
    return {"04/": "mailboxes", "06/": "mailboxes", "05/": "archives"}.get(
        place[:3], "publications"
    )


def home(person: str, place: str) -> str:
    """The folder to which this person copies what lies in ``place``."""
    own = {owner: box for box, owner in OWNERS.items()}.get(person)
    if own is not None:
        return f"06/{own}" if own == "S" else f"04/{own}"
    return other(place)


def other(place: str) -> str:
    """Another folder than ``place``: 07, or 03 for 07."""
    return "03" if place == "07" else "07"


def source_of(request: str, place: str) -> str:
    """The folder from which MOVE in and COPY in bring a file."""
    return other(place) if request == "MOVE in" else ("07" if place == "03" else "03")


def lines(place: str) -> list[list[str]]:
    """The people who share a line of the table in which ``place`` is."""
    return [names.split() for names in (_BOXES if place in _BOXES["expert"] else _PUBLICATIONS)]


def rights(person: str, place: str, state: str) -> str:
    """The letters that this person has in this folder of a dossier in this state."""
    if person in NOBODY:
        return ""
    table = _BOXES if place in _BOXES["expert"] else _PUBLICATIONS
    given = next(line[place] for names, line in table.items() if person in names.split())
    life = _LIVES[state]["expert" if person == "expert" else "others"]
    return "".join(letter for letter in given if letter in life and letter != "-")


def expected(request: str, person: str, place: str, state: str) -> str:
    """How a request on a file in ``place`` is answered; « . » where it makes no sense."""
    column = kind(place)
    if _ANSWERS[request][column] == ".":
        return "."
    if person in NOBODY:
        return "401"
    have = rights(person, place, state)
    if "N" not in have:
        column = "nothing"
    elif "C" not in have:
        column = "unseen"
    mine = OWNERS.get(place[-1]) == person
    here = _answer(_ANSWERS[request][column], have, mine=mine)
    if request not in OTHER_END:
        return here
    far = (
        source_of(request, place) if request in FROM_ELSEWHERE else _target(request, person, place)
    )
    there = rights(person, far, state)
    if request in FROM_ELSEWHERE and "C" not in there:
        return "404"
    if _covers(OTHER_END[request], there) or here in ("403", "404"):
        return here
    return "403|409" if here == "409" else "403"


def expected_itself(request: str, person: str, place: str, parent: str, state: str) -> str:
    """How a request on the folder ``place`` itself is answered. « structure » is a folder that the
    dossier stands on; any other is a plain folder in ``parent``."""
    if person in NOBODY:
        return "401"
    have = rights(person, place, state)
    column = "sub-folder" if kind(place) == "publications" and parent != "/" else "structure"
    if "N" not in have:
        seen = parent == "/" or "N" in rights(person, parent, state)
        column = "unseen" if seen else "in an unseen one"
    here = _answer(_FOLDERS[request][column], have, mine=False)
    if request == "MOVE itself" and here == "201":
        return here if _covers("A D", rights(person, other(place), state)) else "403"
    return here


def _target(request: str, person: str, place: str) -> str:
    return home(person, place) if request == "COPY out" else other(place)


def _answer(cell: str, have: str, *, mine: bool) -> str:
    """What ``cell`` says to somebody who has these letters."""
    yes, _, no = cell.partition(" else ")
    match = re.fullmatch(r"(own|[A-Z]+(?: [A-Z]+)*) (.*)", yes)
    if match is None:
        return yes
    permitted = mine if match[1] == "own" else _covers(match[1], have)
    return match[2] if permitted else no or "403"


def _covers(needed: str, have: str) -> bool:
    """Whether ``have`` holds all the letters of one of the words of ``needed``."""
    return any(set(word) <= set(have) for word in needed.split())
