"""How a text becomes a word of each language."""

import shlex

from davserver.kit.drive import BadDrive


def shell(text: str) -> str:
    """One word of a POSIX shell."""
    return shlex.quote(text)


def batch(text: str) -> str:
    """What stands between the quotes of ``set "NAME=…"`` in a .cmd file, delayed expansion being
    off: « % » is doubled, and all other signs mean themselves there.

    Raises BadDrive for quotes, which end the quotes whatever precedes them, and for what is not
    ASCII: which letter a byte stands for differs from one Windows to another.
    """
    if '"' in text or not text.isascii():
        raise BadDrive(f"« {text} » ne peut pas être écrit dans un fichier de commandes Windows.")
    return text.replace("%", "%%")
