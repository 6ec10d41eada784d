"""Side files: what programs write beside a document. Taken in for their author alone, never kept.

Refusing them breaks the copy of the real file (Finder, Explorer, Office), so they are absorbed:
never listed to others, never counted, gone after a month. Only true litter is absorbed silently: a
real document that bears such a name is refused aloud, never swallowed.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate

from davserver.clients import program
from davserver.model import LIVE_STATES
from davserver.names import name_key
from davserver.policy import Act, Action, Decision, Policy, Rights

PLAIN_LITTER = 65_536  # bytes: litter of unknown form is never larger
FORMED_LITTER = 20_000_000  # bytes: litter that bears its own magic bytes


class SideKind(StrEnum):
    """LITTER holds no work of anybody; TEMPORARY may hold a document that is being saved."""

    LITTER = "litter"
    TEMPORARY = "temporary"


@dataclass(frozen=True)
class _Pattern:
    name: re.Pattern[str]
    kind: SideKind
    magic: tuple[bytes, ...] = ()
    agent: str = ""


def _pattern(name: str, kind: SideKind, *magic: bytes, agent: str = "") -> _Pattern:
    return _Pattern(re.compile(translate(name_key(name))), kind, magic, agent)


_OLE = b"\xd0\xcf\x11\xe0"
_PATTERNS = (
    _pattern("._*", SideKind.LITTER, b"\x00\x05\x16\x07", b"\x00\x05\x16\x00"),
    _pattern(".DS_Store", SideKind.LITTER, b"\x00\x00\x00\x01Bud1"),
    _pattern("Thumbs.db", SideKind.LITTER, _OLE),
    _pattern("ehthumbs.db", SideKind.LITTER, _OLE),
    *(
        _pattern(name, SideKind.LITTER)
        for name in [
            "desktop.ini",
            ".directory",
            ".hidden",
            ".localized",
            ".metadata_never_index",
            ".apdisk",
            ".TemporaryItems",
            ".Trashes",
            ".Trash-*",
            ".Spotlight-V100",
            ".fseventsd",
            "~$*",
            ".~lock.*#",
            "~lock.*#",
        ]
    ),
    *(
        _pattern(name, SideKind.TEMPORARY)
        for name in [
            "~WR[DLSA]*.tmp",
            "*.tmp",
            ".*.swp",
            ".*.swx",
            "4913",
            "*~",
            ".goutputstream-*",
            ".fuse_hidden*",
            ".nfs*",
            "*.part",
            "*.crdownload",
            "*.sb-????????-??????",
        ]
    ),
    _pattern("(A Document Being Saved By *", SideKind.TEMPORARY),
    # Excel's temporary name: a real file may be called so, hence only from Windows' own client.
    _pattern("[0-9A-F]" * 8, SideKind.TEMPORARY, agent="microsoft-webdav-miniredir"),
)
_DOCUMENTS = (
    b"%PDF", b"PK\x03\x04", b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\x00", b"MM\x00*", b"{\\rtf",
    b"7z\xbc\xaf", b"Rar!", b"AC10",
)  # fmt: skip


def side_kind(name: str, agent: str) -> SideKind | None:
    """What kind of side file ``name`` is for this user agent; None for an ordinary name."""
    found = _found(name, agent)
    return found.kind if found else None


def _found(name: str, agent: str) -> _Pattern | None:
    key = name_key(name)
    return next(
        (
            pattern
            for pattern in _PATTERNS
            if pattern.name.match(key) and agent.lower().startswith(pattern.agent)
        ),
        None,
    )


class SideFiles(Policy):
    """Says where side files are taken in, and refuses documents in disguise."""

    def judge(self, action: Action) -> Decision | None:
        if action.act is not Act.SIDE:
            return None
        live = action.dossier.state in LIVE_STATES
        writes = live and bool(action.rights & (Rights.ADD | Rights.MODIFY))
        if not writes and not program(action.agent).litters:
            return Decision.deny(
                "Vous ne pouvez rien écrire dans ce dossier.", phrase="Droit insuffisant"
            )
        if action.size is not None and action.size > _most(action):
            return _disguised(action.name)
        if action.arriving is not None and action.arriving.state != "side" and _is_litter(action):
            return _disguised(action.name)
        return Decision.allow("fichier annexe d'un programme")

    def inspect(self, action: Action, head: bytes) -> Decision | None:
        found = _found(action.name, action.agent)
        if action.act is not Act.SIDE or found is None or found.kind is not SideKind.LITTER:
            return None
        formed = bool(found.magic) and head.startswith(found.magic)
        size = action.size or 0
        if formed and size <= FORMED_LITTER:
            return None
        if size > PLAIN_LITTER or head.startswith(_DOCUMENTS):
            return _disguised(action.name)
        return None


def _is_litter(action: Action) -> bool:
    return side_kind(action.name, action.agent) is SideKind.LITTER


def _most(action: Action) -> float:
    """The most bytes that this side file may announce; its form is judged once it is there."""
    found = _found(action.name, action.agent)
    if found is None or found.kind is SideKind.TEMPORARY:
        return float("inf")
    return FORMED_LITTER if found.magic else PLAIN_LITTER


def _disguised(name: str) -> Decision:
    return Decision.deny(
        f"« {name} » porte le nom d'un fichier technique, que le serveur ne garde pas. Pour le "
        "déposer, donnez-lui un autre nom.",
        phrase="Nom reserve aux fichiers techniques",
    )
