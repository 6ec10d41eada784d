"""The cells that are played.

All requests in the folders that differ from each other, in the dossier that is under way; what
changes or shows most in the others, and in the other states. People who share a line of the
statement take turns at it, request by request: what is said of one is said of all.
"""

from collections.abc import Iterator
from itertools import count

from tests.rights_table.playing import Cell
from tests.rights_table.site import PLAYED
from tests.rights_table.statement import (
    FOLDER_REQUESTS,
    NOBODY,
    REQUESTS,
    ROOT_ANSWERS,
    STATES,
    expected,
    expected_itself,
    lines,
    rights,
)

UNDER_WAY = STATES[0]
# The folders that a dossier stands on, and some that lie in others, with the folder of each.
_FOLDERS = {
    "/source": "/", "/04": "source", "/04/B": "04", "/05/B": "05", "05/B": "05",
    "03": "03", "08/s": "08/s", "09": "09", "espace": "espace",
}  # fmt: skip
_ALL_REQUESTS = ("02", "03", "04", "04/B", "05/B", "06/S", "08", "09")
_ALWAYS = (
    "PROPFIND", "GET", "PUT new", "PUT over", "PUT same", "MKCOL", "LOCK new", "LOCK", "PROPPATCH",
    "DELETE", "RENAME", "MOVE out", "COPY out", "COPY in", "FILE", "GIVE BACK",
)  # fmt: skip


def cells(state: str) -> Iterator[Cell]:
    """The cells of the dossier in this state."""
    turns = count()
    for place in PLAYED[state]:
        everything = state == UNDER_WAY and place in _ALL_REQUESTS
        for request in REQUESTS if everything else _ALWAYS:
            for person in _players(place, state, next(turns)):
                answer = expected(request, person, place, state)
                if answer != ".":
                    yield Cell(state, person, request, place, answer)
    if state == UNDER_WAY:
        yield from _folder_cells(state)


def root_cells() -> Iterator[Cell]:
    """The root of the drive, which belongs to no dossier."""
    for request, answer in ROOT_ANSWERS.items():
        for person in ("expert", "brumaire", "étranger", "administrateur", "anonyme"):
            yield Cell(UNDER_WAY, person, request, "/", "401" if person in NOBODY else answer)


def _folder_cells(state: str) -> Iterator[Cell]:
    turns = count()
    for place, parent in _FOLDERS.items():
        bare = place.removeprefix("/")
        for request in FOLDER_REQUESTS:
            for person in _players(bare, state, next(turns)):
                answer = expected_itself(request, person, bare, parent, state)
                yield Cell(state, person, request, place, answer)
    for request in FOLDER_REQUESTS:
        for person in _players("09", state, next(turns)):
            if person in NOBODY or "N" not in rights(person, "09", state):
                answer = expected_itself(request, person, "09", "source", state)
                yield Cell(state, person, request, "/09", answer)


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
