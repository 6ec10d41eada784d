"""Names of files and folders: the one form in which they are kept and compared.

A name is kept in NFC as given; two names are the same when their keys are equal, so that one name
is one object from Windows (which ignores case) and from a Mac (which sends NFD).
"""

import re
import unicodedata

MAX_NAME_BYTES = 240  # UTF-8 bytes of one name: what file systems take, with room for « (2) »
MAX_PATH_CHARACTERS = 600  # of a whole path; see docs/decisions.md for why not Windows' 260

_ILLEGAL = '\\/:*?"<>|'
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"]
)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Invisible though their category does not say so: what of Default_Ignorable_Code_Point (Unicode,
# DerivedCoreProperties) is not of the category Cf, and the empty cell of braille.
_IGNORABLE = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2065, 0x2065),
    (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8),
    (0xE0000, 0xE0FFF),
)  # fmt: skip
# Of the category Cf, and yet signs that are seen: they enclose Arabic, Syriac and Kaithi numbers.
_VISIBLE = frozenset("\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd").union(
    map(chr, range(0x0600, 0x0606))
)
_JOINER, _AS_EMOJI = "\u200d", "\ufe0f"


def composed(name: str) -> str:
    """``name`` in NFC, the form in which it is kept and shown."""
    return unicodedata.normalize("NFC", name)


def name_key(name: str) -> str:
    """What is compared: NFC of the case-folded NFC."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def unprintable(name: str) -> bool:
    """Whether ``name`` holds what no listing can carry: controls, surrogates, non-characters."""
    return any(
        unicodedata.category(char) in ("Cc", "Cs") or (ord(char) & 0xFFFE) == 0xFFFE
        for char in name
    )


def reordering(name: str) -> bool:
    """Whether ``name`` holds what changes the direction of reading: shown anywhere, a journal or a
    mail included, it would read as another name (« fdp.exe » as « exe.pdf »)."""
    return any(char in _BIDI for char in name)


def fault(name: str) -> str | None:
    """Why no file or folder can have ``name``, as the end of a French sentence; None if it can."""
    if not name or name in (".", ".."):
        return "il est vide"
    if unprintable(name):
        return "il contient un caractère de commande"
    if reordering(name):
        return "il contient un caractère invisible qui inverse le sens de lecture"
    if any(_is_invisible(name, index) for index in range(len(name))):
        return "il contient un caractère invisible"
    for char in name:
        if char in _ILLEGAL:
            return f"Windows n'accepte pas le caractère « {char} »"
    if name[-1] == "." or _is_space(name[-1]):
        return "Windows n'accepte pas un nom qui finit par un point ou une espace"
    if _is_space(name[0]):
        return "Windows n'accepte pas un nom qui commence par une espace"
    if name_key(name.split(".", maxsplit=1)[0].rstrip()) in _DEVICES:
        return "Windows réserve ce nom"
    if len(composed(name).encode()) > MAX_NAME_BYTES:
        return f"il dépasse {MAX_NAME_BYTES} octets"
    return None


def portable(name: str) -> str:
    """``name`` as any computer can hold it: itself, but for an old one that :func:`fault` would
    refuse today."""
    if fault(name) is None:
        return name
    name = composed(name)
    kept = "".join(
        "_" if char in _ILLEGAL or unprintable(char) or _is_invisible(name, index) else char
        for index, char in enumerate(name)
    )
    kept = kept.encode()[: MAX_NAME_BYTES - 1].decode(errors="ignore").strip().rstrip(". ")
    return kept if kept and fault(kept) is None else f"_{kept}"


def numbered(name: str, number: int) -> str:
    """``name`` with the « (2) » that keeps two files of one name apart."""
    stem, dot, extension = name.rpartition(".")
    return f"{stem} ({number}){dot}{extension}" if stem else f"{name} ({number})"


def _is_invisible(name: str, index: int) -> bool:
    """Whether the character at ``index`` is not seen, so that two names may look like one. What
    phones put inside of emoji is seen there, and there alone."""
    char = name[index]
    category = unicodedata.category(char)
    before = name[:index].rstrip(_AS_EMOJI)[-1:]
    if char == _AS_EMOJI:
        return not _is_emoji(before) and name[index + 1 : index + 2] != "\u20e3"
    if char == _JOINER:
        return not (_is_emoji(before) and _is_emoji(name[index + 1 : index + 2]))
    if category == "Cf":
        return char not in _VISIBLE
    return category in ("Zl", "Zp") or any(low <= ord(char) <= high for low, high in _IGNORABLE)


def _is_emoji(char: str) -> bool:
    """Whether ``char`` is a pictogram, or the colour of a skin."""
    return bool(char) and (
        unicodedata.category(char) == "So" or "\U0001f3fb" <= char <= "\U0001f3ff"
    )


def _is_space(char: str) -> bool:
    return unicodedata.category(char) == "Zs"


def same_name_kept_both(original: str, name: str) -> bool:
    """Whether ``name`` is ``original`` with the « (2) » that keeps two files of one name apart."""
    stem, dot, extension = original.rpartition(".")
    if not stem:
        stem, dot, extension = original, "", ""
    pattern = re.escape(stem) + r" \(\d{1,3}\)" + re.escape(dot + extension)
    return re.fullmatch(pattern, name) is not None
