"""Request bodies: XML that can do no harm, and content that must be whole."""

import errno
from collections.abc import Iterator
from typing import Any, Protocol

from lxml import etree

from davserver.errors import BadRequest, TooLarge

BLOCK = 1 << 17  # bytes read at once
MOST_ELEMENTS = 1_000
MOST_NAMES = 500  # of elements, each counted once


class Input(Protocol):
    """The body as the server gives it: at its end, and when it is cut, ``read`` returns ``b""``."""

    def read(self, size: int, /) -> bytes: ...


class Cut(BadRequest):
    """The body ended before its announced end: the connection is lost, nothing was kept."""

    phrase = "Transfert interrompu"

    def __init__(self) -> None:
        super().__init__("Le transfert a été interrompu : rien n'a été enregistré.")


def blocks(source: Input, announced: int | None) -> Iterator[bytes]:
    """The body in blocks, to its very end. Raises Cut when fewer bytes than ``announced`` come, or
    a chunked body breaks off, and TooLarge for one that passes what the server takes (EFBIG)."""
    # Where the server can, a block is what has come: a slow line is heard of in time.
    take = getattr(source, "read1", source.read)
    left = announced
    while left is None or left > 0:
        try:
            block = take(BLOCK if left is None else min(BLOCK, left))
        except (OSError, ValueError, EOFError) as error:
            if isinstance(error, OSError) and error.errno == errno.EFBIG:
                raise TooLarge("Ce fichier est trop volumineux pour ce serveur.") from None
            raise Cut from None
        if not block:
            break
        if left is not None:
            left -= len(block)
        yield block
    if left:
        raise Cut


def whole(source: Input, announced: int | None, most: int) -> bytes:
    """The body, of at most ``most`` bytes. Raises TooLarge, Cut."""
    if announced == 0:
        return b""
    if announced is not None and announced > most:
        raise TooLarge("Cette requête est trop longue.", phrase="Requete trop longue")
    text = bytearray()
    for block in blocks(source, announced):
        text += block
        if len(text) > most:
            raise TooLarge("Cette requête est trop longue.", phrase="Requete trop longue")
    return bytes(text)


def xml(text: bytes) -> Any:
    """The root element of an XML body; None for an empty one.

    Raises BadRequest for what is not XML, or has a DOCTYPE: entities are how XML attacks.
    """
    if not text.strip():
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError:
        raise BadRequest("Le corps de la requête n'est pas du XML valable.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadRequest("Le corps de la requête contient un DOCTYPE.")
    tags = [element.tag for element in root.iter()]
    if len(tags) > MOST_ELEMENTS or len(set(tags)) > MOST_NAMES:
        raise BadRequest("Le corps de la requête contient trop d'éléments.")
    return root
