"""The cells that are played.

All requests in the folders that differ from each other, in the dossier that is under way; what
changes or shows most in the others, and in the other states. People who share a line of the
statement take turns at it, request by request: what is said of one is said of all.
"""

from collections.abc import Iterator

from tests.rights_table.playing import Cell
from tests.rights_table.statement import (
    FOLDER_REQUESTS,
    NOBODY,
    PLACES,
    REQUESTS,
    ROOT_ANSWERS,
    STATES,
    expected,
    expected_itself,
    lines,
    rights,
)

UNDER_WAY = STATES[0]
_ALL_REQUESTS = ("02", "03", "04/B", "05/B", "08")
_SOME = (
    "PROPFIND", "GET", "PUT new", "PUT over", "MKCOL", "LOCK new", "LOCK", "DELETE", "RENAME",
    "COPY in", "FILE", "GIVE BACK",
)  # fmt: skip
# The folders that a dossier stands on, and some that lie in others, with the folder of each.
FOLDERS = {
    "/source": "/", "/04": "source", "/04/B": "04", "/05/B": "05", "05/B": "05",
    "03": "03", "espace": "espace", "/09": "source",
}  # fmt: skip


def cells(state: str, place: str) -> Iterator[Cell]:
    """The cells of one folder of the dossier in this state."""
    everything = state == UNDER_WAY and place in _ALL_REQUESTS
    for turn, request in enumerate(REQUESTS if everything else _SOME, PLACES.index(place)):
        for person in _players(place, state, turn):
            answer = expected(request, person, place, state)
            if answer != ".":
                yield Cell(state, person, request, place, answer)


def folder_cells(place: str) -> Iterator[Cell]:
    """The cells about a folder itself."""
    bare = place.removeprefix("/")
    for turn, request in enumerate(FOLDER_REQUESTS):
        for person in _players(bare, UNDER_WAY, turn):
            # Who may change 09 would: it is played as what it is for the others.
            if place != "/09" or "N" not in rights(person, bare, UNDER_WAY):
                answer = expected_itself(request, person, bare, FOLDERS[place], UNDER_WAY)
                yield Cell(UNDER_WAY, person, request, place, answer)


def root_cells() -> Iterator[Cell]:
    """The root of the drive, which belongs to no dossier."""
    for request, answer in ROOT_ANSWERS.items():
        for person in ("expert", "brumaire", "étranger", "administrateur", "anonyme"):
            yield Cell(UNDER_WAY, person, request, "/", "401" if person in NOBODY else answer)


def _players(place: str, state: str, turn: int) -> Iterator[str]:
    """One of each line, and those who are nobody, for whom the state makes no difference.

    A disabled account costs the server dear, by design: one folder must do.
    """
    for line in lines(place):
        yield line[turn % len(line)]
    if state == UNDER_WAY:
        yield "anonyme"
    if state == UNDER_WAY and place == "04/B" and turn % 2:
        yield "désactivé"
