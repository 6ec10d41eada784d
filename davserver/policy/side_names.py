"""The names that programs give to what they write beside a document, and how true litter looks.

Anybody may give such a name to a document of his. So a name alone makes nothing vanish: what is
absorbed as litter has the size and the first bytes that its program gives it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate

from davserver.names import name_key


class SideKind(StrEnum):
    """LITTER holds no work of anybody; TEMPORARY may hold a document that is being saved."""

    LITTER = "litter"
    TEMPORARY = "temporary"


Form = Callable[[bytes], bool]
"""Whether the first bytes of a file (:data:`davserver.policy.HEAD`) are those of true litter."""


def _begins(*starts: bytes) -> Form:
    return lambda head: head.startswith(starts)


def _thumbnails(head: bytes) -> bool:
    """A compound file whose directory, near its beginning, lists thumbnails. Word, Excel and
    PowerPoint wrote compound files, too, for twenty years."""
    listed = ("Catalog", "32_", "96_", "256_", "1024_")
    return head.startswith(_COMPOUND) and any(name.encode("utf-16-le") in head for name in listed)


def _sections(head: bytes) -> bool:
    """Settings in sections, in one of the encodings that Windows and KDE write."""
    text = head.removeprefix(b"\xff\xfe").removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"")
    return text.lstrip().startswith(b"[")


def _owner(head: bytes) -> bool:
    """Who has opened a document in Office: the length of his name (52 at most), then his name."""
    return len(head) in (162, 165) and 1 <= head[0] <= 52


def _lock(head: bytes) -> bool:
    """Who has opened a document in LibreOffice: « name,login,computer,date,profile; »."""
    return head.count(b",") >= 3 and head.rstrip().endswith(b";")


def _any(head: bytes) -> bool:
    return True


@dataclass(frozen=True)
class _Litter:
    """Litter: the sizes (bytes) and forms that it has, when it is not empty."""

    name: re.Pattern[str]
    most: int
    form: Form


def _matching(name: str) -> re.Pattern[str]:
    return re.compile(translate(name_key(name)))


def _litter(most: int, form: Form, *names: str) -> tuple[_Litter, ...]:
    return tuple(_Litter(_matching(name), most, form) for name in names)


_COMPOUND = b"\xd0\xcf\x11\xe0"
_XML = (b"<?xml", b"bplist")
_TINY, _SMALL, _LARGE = 64, 65_536, 20_000_000  # bytes
_LITTER = (
    *_litter(_LARGE, _begins(b"\x00\x05\x16\x07", b"\x00\x05\x16\x00"), "._*"),
    *_litter(_LARGE, _begins(b"\x00\x00\x00\x01Bud1"), ".DS_Store"),
    *_litter(_LARGE, _thumbnails, "Thumbs.db", "ehthumbs.db"),
    *_litter(_LARGE, _begins(b"b0"), ".*.swp", ".*.swx"),  # vim, nano
    *_litter(_SMALL, _sections, "desktop.ini", ".directory"),
    *_litter(_SMALL, _begins(*_XML), ".apdisk"),
    *_litter(4_096, _any, ".hidden"),
    *_litter(4_096, _lock, ".~lock.*#", "~lock.*#"),
    *_litter(165, _owner, "~$*"),
    *_litter(_TINY, _any, ".localized", ".metadata_never_index"),
    *_litter(_TINY, _any, ".TemporaryItems", ".Trashes", ".Trash-*", ".Spotlight-V100"),
    *_litter(_TINY, _any, ".fseventsd"),
)
# Folders that systems make on a drive for themselves, and what they write in them.
_LITTER_FOLDERS = tuple(
    _matching(name)
    for name in (".TemporaryItems", ".Trashes", ".Trash-*", ".Spotlight-V100", ".fseventsd")
)
_IN_LITTER_FOLDERS = (
    *_LITTER,
    *_litter(4_096, _begins(b"[Trash Info]"), "*.trashinfo"),
    *_litter(_SMALL, _begins(*_XML), "VolumeConfiguration.plist"),
    *_litter(_SMALL, _begins(b"\x1f\x8b"), "[0-9a-f]" * 16),
    *_litter(_TINY, _any, "fseventsd-uuid", "no_log"),
)
_TEMPORARY = tuple(
    _matching(name)
    for name in (
        "~WR[DLSA]*.tmp",
        "*.tmp",
        "4913",
        "*~",
        ".goutputstream-*",
        ".fuse_hidden*",
        ".nfs*",
        "*.part",
        "*.crdownload",
        "*.sb-????????-??????",
        "(A Document Being Saved By *",
    )
)
# The folders in which a Mac's programs save a document, to exchange it for the one before.
_SAVING_FOLDERS = (_matching("*.sb-????????-??????"), _matching("(A Document Being Saved By *"))
_DOCUMENTS = (
    b"%PDF", b"PK\x03\x04", b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\x00", b"MM\x00*", b"{\\rtf",
    b"7z\xbc\xaf", b"Rar!", b"AC10",
)  # fmt: skip
_FINDER, _EXPLORER = "webdavfs", "microsoft-webdav-miniredir"
_EXCELS = _matching("[0-9A-F]" * 8)


def kind_of(name: str, agent: str, *, folder: bool, within: str | None) -> SideKind | None:
    """What kind of side file, or side folder, ``name`` is for this user agent; None for an ordinary
    name. ``within``: the name of the side folder, at any height, in which it lies."""
    key = name_key(name)
    if within is not None:
        # Nothing but litter in the folders of systems; in those for saving what is being saved.
        only_litter = _matches(name_key(within), _LITTER_FOLDERS)
        is_litter = only_litter or _found(key, _LITTER) is not None
        return SideKind.LITTER if is_litter else SideKind.TEMPORARY
    return _folder(key, agent.lower()) if folder else _file(key, agent.lower())


def is_litter(name: str, *, within: str | None = None) -> bool:
    """Whether a file of this name is litter, whatever program has written it. ``within``: as for
    :func:`kind_of`."""
    return kind_of(name, "", folder=False, within=within) is SideKind.LITTER


def _file(key: str, agent: str) -> SideKind | None:
    if _found(key, _LITTER) is not None:
        return SideKind.LITTER
    # Excel's temporary name: a real file may be called so, hence only from Windows' own client.
    if _matches(key, _TEMPORARY) or (agent.startswith(_EXPLORER) and _EXCELS.match(key)):
        return SideKind.TEMPORARY
    return None


def _folder(key: str, agent: str) -> SideKind | None:
    """Hardly any folder is one: what a name means of a file it does not mean of a folder, which may
    hold the pieces of a whole day (« 20240612 »)."""
    if _matches(key, _LITTER_FOLDERS):
        return SideKind.LITTER
    if agent.startswith(_FINDER) and _matches(key, _SAVING_FOLDERS):
        return SideKind.TEMPORARY
    return None


def most(name: str, *, in_folder: bool) -> int:
    """The most bytes that litter of this name has; 0 where none has such a name. ``in_folder``: it
    lies in a folder of litter."""
    found = _found(name_key(name), _IN_LITTER_FOLDERS if in_folder else _LITTER)
    return found.most if found is not None else 0


def is_formed(name: str, head: bytes) -> bool:
    """Whether content that begins with ``head`` is what litter of this name holds."""
    found = _found(name_key(name), _IN_LITTER_FOLDERS)
    return found is not None and found.form(head) and not head.startswith(_DOCUMENTS)


def _matches(key: str, patterns: tuple[re.Pattern[str], ...]) -> bool:
    return any(pattern.match(key) for pattern in patterns)


def _found(key: str, litter: tuple[_Litter, ...]) -> _Litter | None:
    return next((one for one in litter if one.name.match(key)), None)
