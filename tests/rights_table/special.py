"""What the rights alone do not decide: unfinished deposits, names, side files, late repeats, room.

Each part is a table as in :mod:`tests.rights_table.statement`, and how its requests are made.
"""

from collections.abc import Iterator, Sequence

from tests.mixed import OWNER_FILE
from tests.rights_table.playing import (
    LITTLE,
    MAC,
    REQUESTS,
    Attempt,
    Cell,
    Outcome,
    described,
    status_of,
)
from tests.rights_table.site import FULL, NOTE, OLD, PIECE, ROOM, Names, bytes_of
from tests.rights_table.statement import STATES, read_table

UNDER_WAY, CLOSED = STATES[0], "clos"
WINDOWS, RCLONE = "Microsoft-WebDAV-MiniRedir/10.0.22631", "rclone/v1.68.2"

# Somebody is depositing: a name is reserved, or complete and not yet sealed. It is an ordinary file
# for its author and does not exist for others; who may write there learns that it is taken.
UNFINISHED = """
                 author    may add  reads  outside
PROPFIND file    207       404      404    404
GET              200       404      404    404
HEAD             200       404      404    404
PUT over         204       423      403    409
LOCK             200       423      403    409
UNLOCK           204       204      404    404
PROPPATCH        207 yes   404      404    404
DELETE           204       404      404    404
RENAME           201       404      404    404
COPY out         201       404      404    404
COPY onto        204       423      403    404
MKCOL            405       423      403    409
"""
_UNFINISHED_FOR = {
    "author": ("brumaire",),
    "may add": ("expert", "délégué", "trop"),
    "reads": ("assistant", "sapiteur", "ortie", "ulysse", "représentée", "conseil", "juge"),
    "outside": ("étranger", "administrateur"),
}

# Names that Windows cannot hold are refused with words, those that no listing can carry at once.
IMPOSSIBLE = {
    "403": (
        "a:b.pdf", "a*b.pdf", "a?b.pdf", 'a"b.pdf', "a<b.pdf", "a>b.pdf", "a|b.pdf", "CON",
        "con.txt", "PRN.pdf", "Aux.pdf", "nul", "COM1.txt", "lpt9", "fin.", "fin ", "é" * 121,
    ),
    "400": ("a\\b.pdf", "a/b.pdf", "a\x00b", "a\x01b", "a\r\nb", "a\x7fb", "a\ufffeb"),
    "400|403": ("\u202efdp.exe",),
}  # fmt: skip
# What lawyers do send (and both apostrophes, and a name that a Mac decomposes).
POSSIBLE = (
    "Pièce n°2 - Contrat de maîtrise d'œuvre.pdf",
    "Pièce n°2 - Contrat de maîtrise d’œuvre.pdf",
    "Dire n°3 re\u0301capitulatif - Me ORTIE - 14.06.2024.pdf",
    "Bordereau de pièces communiquées n°1 à 38.pdf",
    "Devis n°4 & avenant #2 - 50 % acompte + TVA 10%.pdf",
    "Rapport d'expertise amiable contradictoire établi à la demande de l'assureur dommages-ouvrage "
    "suite à la déclaration de sinistre du 27 novembre 2022 (annexes comprises).pdf",
    "SCAN_0001.pdf", "IMG_4512.HEIC", "IMG_4513.JPG", "Façade Est - fissure.mp4",
    "Plan RDC ind. C.dwg", "Coupe AA' - A0.pdf", "Pièces 1 à 25.zip",
    "Copie de Dire (1) v2 DEF.docx", "deux  espaces, une virgule; un point-virgule.pdf",
    "100%25.pdf", "=HYPERLINK(1).pdf",
)  # fmt: skip

# What programs write beside a document is taken in where one may write, for its author alone;
# Finder and Explorer may leave theirs anywhere they read. A document under such a name is refused.
SIDE = """
                in one's box  reads  reads, Finder  reads, Windows  closed  closed, Finder  outside
PUT side        201           403    201            201             403     201             409
LOCK side       201           403    201            201             403     201             409
PUT disguised   403           403    403            403             403     403             409
PUT large side  403           403    403            403             403     403             409
"""
_SIDE_FOR = {
    "in one's box": (UNDER_WAY, "brumaire", "04/B", "test"),
    "reads": (UNDER_WAY, "brumaire", "03", RCLONE),
    "reads, Finder": (UNDER_WAY, "conseil", "03", MAC),
    "reads, Windows": (UNDER_WAY, "juge", "04/B", WINDOWS),
    "closed": (CLOSED, "brumaire", "04/B", "test"),
    "closed, Finder": (CLOSED, "brumaire", "04/B", MAC),
    "outside": (UNDER_WAY, "étranger", "04/B", MAC),
}
_LITTER = ("~${}.docx", "._{}.pdf", ".~lock.{}.odt#", "~lock.{}.odt#", ".{}.docx.swp")
# What programs put into them: who has a document open, the attributes that a Mac keeps.
_FORMS = {
    "~$": OWNER_FILE,
    "._": b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X".ljust(4_096, b"\0"),
    ".~": b",ortie,poste-3,14.06.2024 11:02,file:///home/ortie;",
    "~l": b",ortie,poste-3,14.06.2024 11:02,file:///home/ortie;",
}
SWAP = b"b0VIM 9.0".ljust(4_096, b"\0")
_TEMPORARY = ("~WRD{}.tmp", "{}.tmp", "{}.part", ".goutputstream-{}")
# Documents that are being saved have no business where one only reads, whatever the program.
_READING = ("reads, Finder", "reads, Windows", "closed, Finder")

# In a dossier that has room for 1,000 bytes; one after the other.
ROOM_LEFT = (
    ("brumaire", "PUT bytes", "04/B", "507", "1001"),
    ("brumaire", "PUT chunked", "04/B", "507", "1001"),
    ("expert", "PUT bytes", "03", "507", "1001"),
    ("conseil", "PUT bytes", "03", "403", "1001"),  # whether there is room is not his to know
    ("étranger", "PUT bytes", "03", "409", "1001"),
    ("expert", "PUT over by", "03", "507", "1001"),
    ("expert", "COPY bytes", "03", "507", "1001"),
    ("expert", "MOVE bytes", "03", "507", "1001"),
    ("expert", "RENAME and back", "03", "201", ""),
    ("expert", "MKCOL", "03", "201", ""),
    ("brumaire", "MKCOL", "04/B", "201", ""),
    ("brumaire", "LOCK new", "04/B", "201", ""),
    ("brumaire", "PUT bytes", "04/B", "201", "0"),
    ("brumaire", "PUT, DELETE", "04/B", "204", "1000"),
    ("brumaire", "PUT bytes", "04/B", "201", "1000"),
    ("brumaire", "PUT bytes", "04/B", "507", "1"),
    ("expert", "PUT bytes", "03", "507", "1"),
    ("expert", "PUT over by", "03", "507", "1"),
    ("expert", "PUT over by", "03", "204", "0"),
)


def unfinished_cells() -> Iterator[Cell]:
    """What everybody may do with the cabinet BRUMAIRE's unfinished deposits."""
    for stage in ("reserved", "received"):
        for turn, (request, answers) in enumerate(read_table(UNFINISHED).items()):
            for column, people in _UNFINISHED_FOR.items():
                # As in cells.py: people of one line take turns, two at a time.
                for person in {people[turn % len(people)], people[(turn + 3) % len(people)]}:
                    yield Cell(
                        UNDER_WAY, person, f"{request}, unfinished", "04/B", answers[column], stage
                    )


def name_cells() -> Iterator[Cell]:
    """Names that are refused, to those who may write and to those who may not."""
    for answer, names in IMPOSSIBLE.items():
        for name in names:
            for request in ("PUT named", "MKCOL named", "LOCK named", "COPY named"):
                yield Cell(UNDER_WAY, "brumaire", request, "04/B", answer, name)
            for request in ("PUT named", "RENAME named"):
                yield Cell(UNDER_WAY, "expert", request, "03", answer, name)
            yield Cell(UNDER_WAY, "conseil", "PUT named", "03", answer, name)
    for name in POSSIBLE:
        yield Cell(UNDER_WAY, "ulysse", "PUT in a new folder", "04/U", "201", name)
        yield Cell(UNDER_WAY, "expert", "PUT in a new folder", "07", "201", name)


def side_cells() -> Iterator[Cell]:
    """Side files, each of several programs."""
    for request, answers in read_table(SIDE).items():
        names = _LITTER if request in ("PUT disguised", "PUT large side") else _LITTER + _TEMPORARY
        for column, (state, person, place, agent) in _SIDE_FOR.items():
            for name in names:
                saving = name in _TEMPORARY and column in _READING
                answer = "403" if saving else answers[column]
                yield Cell(state, person, request, place, answer, f"{name} {agent}")


def other_cells() -> Iterator[Cell]:
    """A piece of long ago put again is refused; rclone must not be told « locked »."""
    for state in (UNDER_WAY, CLOSED):
        yield Cell(state, "brumaire", "PUT same, a month later", "04/B", "403")
        for person in ("brumaire", "ortie", "conseil"):
            yield Cell(state, person, "LOCK by rclone", "04/B", "403")


def room_cells() -> list[Cell]:
    """To be played in this order, one at a time."""
    return [Cell(FULL, *step) for step in ROOM_LEFT]


def all_cells() -> list[Cell]:
    """All that can be played in any order."""
    return [*unfinished_cells(), *name_cells(), *side_cells(), *other_cells()]


def _unfinished(a: Attempt) -> Outcome:
    name = a.new()
    author = a.stage.client("brumaire", a.cell.state)
    body = b"" if a.cell.detail == "reserved" else LITTLE
    assert author.put(name, body).status == 201, a.cell
    request = a.cell.request.partition(",")[0]
    if request == "PROPPATCH":
        return described(a.me.proppatch(name, "<T:a>x</T:a>"))
    reply = {
        "PROPFIND file": lambda: a.me.propfind(name, "0"),
        "GET": lambda: a.me.get(name),
        "HEAD": lambda: a.me.request("HEAD", name),
        "PUT over": lambda: a.me.put(name, b"autre"),
        "LOCK": lambda: a.me.lock(name),
        "UNLOCK": lambda: a.me.unlock(name, "<opaquelocktoken:0>"),
        "DELETE": lambda: a.me.delete(name),
        "RENAME": lambda: a.me.move(name, a.new()),
        "COPY out": lambda: a.me.copy(name, a.new()),
        "COPY onto": lambda: a.me.copy(a.at("03", NOTE), name),
        "MKCOL": lambda: a.me.mkcol(name),
    }[request]()
    if a.cell.person != "brumaire":
        assert author.get(name).body == body, a.cell
    return status_of(reply)


def _named(a: Attempt, name: str) -> Outcome:
    target = a.at(a.cell.place, name)
    method = a.cell.request.split()[0]
    reply = {
        "PUT": lambda: a.me.put(target, LITTLE),
        "MKCOL": lambda: a.me.mkcol(target),
        "LOCK": lambda: a.me.lock(target),
        "COPY": lambda: a.me.copy(a.at("07", NOTE), target),
        "RENAME": lambda: a.me.move(a.at("03", NOTE), target),
    }[method]()
    return status_of(reply)


def _put_in_a_new_folder(a: Attempt) -> Outcome:
    folder = a.new()
    assert a.me.mkcol(folder).status == 201, a.cell
    return status_of(a.me.put((*folder, a.cell.detail), LITTLE))


def _side(a: Attempt) -> Outcome:
    pattern, _, agent = a.cell.detail.partition(" ")
    name = a.at(a.cell.place, pattern.format(a.stage.number()))
    a.me.agent = agent
    if a.cell.request == "LOCK side":
        return status_of(a.me.lock(name))
    body = {
        "PUT side": SWAP if pattern.endswith(".swp") else _FORMS.get(pattern[:2], LITTLE),
        "PUT disguised": b"%PDF-1.7",
        "PUT large side": bytes(70_000),
    }
    return status_of(a.me.put(name, body[a.cell.request]))


def _elsewhere(a: Attempt) -> Names:
    """A file of so many bytes in the expert's space, which is not in the dossier."""
    name = a.at("espace")
    assert a.me.put(name, bytes(int(a.cell.detail))).status == 201, a.cell
    return name


def _put_over(a: Attempt) -> Outcome:
    """The note again, so many bytes longer."""
    body = bytes_of(NOTE) + bytes(int(a.cell.detail))
    return status_of(a.me.put(a.at(a.cell.place, NOTE), body))


def _put_and_delete(a: Attempt) -> Outcome:
    name = a.new()
    assert a.me.put(name, bytes(int(a.cell.detail))).status == 201, a.cell
    return status_of(a.me.delete(name))


def _renamed_and_back(a: Attempt) -> Outcome:
    name, note = a.new(), a.at(a.cell.place, NOTE)
    assert a.me.move(note, name).status == 201, a.cell
    return status_of(a.me.move(name, note))


def _put_chunked(a: Attempt) -> Outcome:
    blocks: Sequence[bytes] = [bytes(int(a.cell.detail))]
    return status_of(a.me.request("PUT", a.new(), blocks, chunked=True))


def _old(a: Attempt) -> Outcome:
    return status_of(a.me.put(a.at(a.cell.place, OLD), bytes_of(OLD)))


REQUESTS |= {
    **{f"{request}, unfinished": _unfinished for request in read_table(UNFINISHED)},
    **{
        f"{method} named": lambda a: _named(a, a.cell.detail)
        for method in ("PUT", "MKCOL", "LOCK", "COPY", "RENAME")
    },
    **dict.fromkeys(read_table(SIDE), _side),
    "PUT in a new folder": _put_in_a_new_folder,
    "PUT same, a month later": _old,
    "LOCK by rclone": lambda a: status_of(a.me.lock(a.at(a.cell.place, PIECE), User_Agent=RCLONE)),
    "PUT bytes": lambda a: status_of(a.me.put(a.new(), bytes(int(a.cell.detail)))),
    "PUT chunked": _put_chunked,
    "PUT over by": _put_over,
    "PUT, DELETE": _put_and_delete,
    "RENAME and back": _renamed_and_back,
    "COPY bytes": lambda a: status_of(a.me.copy(_elsewhere(a), a.new())),
    "MOVE bytes": lambda a: status_of(a.me.move(_elsewhere(a), a.new())),
}
assert ROOM == 1_000
