"""The rights, and the one table from acts to rights: the page that an auditor reads.

Words of the trade: naviguer, consulter, télécharger, ajouter (+), modifier (crayon), supprimer
(poubelle), déplacer, gérer. In basic mode « Lire » is the first three together, « Écrire » the next
three; advanced mode names them one by one.
"""

from enum import IntFlag, StrEnum, auto


class Rights(IntFlag):
    """What somebody may do in a folder. Kept in the database as this number: never renumber."""

    NONE = 0
    BROWSE = 1
    VIEW = 2
    DOWNLOAD = 4
    ADD = 8
    MODIFY = 16
    DELETE = 32
    MOVE = 64
    MANAGE = 128
    READ = BROWSE | VIEW | DOWNLOAD
    WRITE = ADD | MODIFY | DELETE
    ALL = READ | WRITE | MOVE | MANAGE


FRENCH = {
    Rights.BROWSE: "naviguer",
    Rights.VIEW: "consulter",
    Rights.DOWNLOAD: "télécharger",
    Rights.ADD: "ajouter",
    Rights.MODIFY: "modifier",
    Rights.DELETE: "supprimer",
    Rights.MOVE: "déplacer",
    Rights.MANAGE: "gérer",
}
BASIC_FRENCH = {
    "lire": Rights.READ,
    "écrire": Rights.WRITE,
    "tout": Rights.ALL,
    "aucun": Rights.NONE,
}


class Act(StrEnum):
    """What is done to one resource. One WebDAV request is one or several acts (tree/verbs.py)."""

    SEE = auto()
    FETCH = auto()
    ADD = auto()
    COMPLETE = auto()
    REPLACE = auto()
    DESCRIBE = auto()
    RENAME = auto()
    REMOVE = auto()
    LEAVE = auto()
    ARRIVE = auto()
    LOCK = auto()
    SIDE = auto()
    PUBLISH = auto()


NEEDS: dict[Act, tuple[Rights, ...]] = {
    # Each act is permitted by any one of these, whole, in the folder where it takes place.
    Act.SEE: (Rights.BROWSE,),  # of a file: VIEW, see needed()
    Act.FETCH: (Rights.DOWNLOAD,),
    Act.ADD: (Rights.ADD,),
    Act.COMPLETE: (Rights.ADD,),  # one's own unfinished deposit: write, describe, rename, drop it
    Act.REPLACE: (Rights.MODIFY,),
    Act.DESCRIBE: (Rights.MODIFY,),
    Act.RENAME: (Rights.MODIFY,),
    Act.REMOVE: (Rights.DELETE,),
    Act.LEAVE: (Rights.DOWNLOAD | Rights.MOVE, Rights.DOWNLOAD | Rights.DELETE),
    Act.ARRIVE: (Rights.ADD, Rights.MOVE),
    Act.LOCK: (Rights.MODIFY,),
    Act.SIDE: (),  # no right opens it: policy/side_files.py says where it is taken in
    Act.PUBLISH: (),  # whoever wrote it had his right: policy/antivirus.py says when it is shown
}

READING = frozenset({Act.SEE, Act.FETCH})
"""The acts that change nothing."""


def needed(act: Act, *, of_file: bool) -> tuple[Rights, ...]:
    """The rights of which one suffices for ``act`` on a folder or a file."""
    if act is Act.SEE and of_file:
        return (Rights.VIEW,)
    return NEEDS[act]


def french(rights: Rights) -> str:
    """« naviguer, consulter, télécharger »; « aucun » for none."""
    return ", ".join(word for right, word in FRENCH.items() if right in rights) or "aucun"


def parse(text: str) -> Rights:
    """Rights from words, in French or by name, basic or advanced: ``lire``, ``lire,ajouter``.

    Raises ValueError naming the word that is none.
    """
    words = {word: right for right, word in FRENCH.items()} | BASIC_FRENCH
    words |= {name.lower(): right for name, right in Rights.__members__.items()}
    result = Rights.NONE
    for part in text.replace("+", ",").split(","):
        word = part.strip().lower()
        if word and word not in words:
            raise ValueError(part.strip())
        result |= words.get(word, Rights.NONE)
    return result
