"""What an answer must hold, as a question about it: for the last column of a script."""

from collections import Counter
from collections.abc import Callable
from urllib.parse import unquote

from lxml import etree

from tests.clients import sha256
from tests.dav import Reply

Question = Callable[[Reply], bool]


def has(name: str, value: str | None = None) -> Question:
    """A header, perhaps with this value."""
    if value is None:
        return lambda reply: bool(reply.headers.get(name.lower()))
    return lambda reply: reply.headers.get(name.lower()) == value


def writable(reply: Reply) -> bool:
    """Classes 1 and 2, without which Macs and Windows mount nothing that can be written, and not 3,
    which some programs take for another protocol."""
    classes = [word.strip() for word in reply.headers.get("dav", "").split(",")]
    return classes[:2] == ["1", "2"] and "3" not in classes


def content(wanted: bytes) -> Question:
    """Exactly these bytes."""
    return lambda reply: sha256(reply.body) == sha256(wanted)


def says(text: bytes) -> Question:
    """These bytes somewhere in the body."""
    return lambda reply: text in reply.body


def both(*questions: Question) -> Question:
    """All of these."""
    return lambda reply: all(question(reply) for question in questions)


def lists(*names: str) -> Question:
    """Among the members, each of these once."""

    def question(reply: Reply) -> bool:
        found = Counter(_names(reply))
        return all(found[name] == 1 for name in names)

    return question


def lacks(*names: str) -> Question:
    """None of these among the members."""
    return lambda reply: not set(names) & set(_names(reply))


def inside(status: int) -> Question:
    """A multistatus in which every property has this status."""
    return lambda reply: _statuses(reply) == {f"HTTP/1.1 {status}"}


def prop(tag: str, text: str) -> Question:
    """The first resource has this property: this text, and no element in it."""

    def question(reply: Reply) -> bool:
        element = _element(reply, tag)
        return element is not None and not len(element) and (element.text or "") == text

    return question


def prop_has(tag: str, *children: str) -> Question:
    """The first resource has this property, and in it each of these elements."""

    def question(reply: Reply) -> bool:
        element = _element(reply, tag)
        inner = {child.tag for child in element.iter()} if element is not None else set()
        return set(children) <= inner

    return question


def explained(reply: Reply) -> bool:
    """A refusal for people: a French reason phrase of its own and a sentence."""
    return reply.reason.isascii() and " " in reply.reason and reply.message.endswith(".")


def timed(reply: Reply) -> bool:
    """A PUT that saves the client a look: its date, the file's date and its tag are told."""
    return {"date", "last-modified", "etag"} <= set(reply.headers) and reply.body == b""


def _names(reply: Reply) -> list[str]:
    hrefs = [element.text or "" for element in reply.xml.iterfind("{DAV:}response/{DAV:}href")]
    return [unquote(href.rstrip("/").rpartition("/")[2]) for href in hrefs[1:]]


def _statuses(reply: Reply) -> set[str]:
    found = reply.xml.iterfind("{DAV:}response/{DAV:}propstat/{DAV:}status")
    return {" ".join((element.text or "").split()[:2]) for element in found}


def _element(reply: Reply, tag: str) -> etree._Element | None:
    for part in reply.xml.iterfind("{DAV:}response/{DAV:}propstat"):
        if "200" in (part.findtext("{DAV:}status") or ""):
            element = part.find(f"{{DAV:}}prop/{tag}")
            if element is not None:
                return element
    return None
