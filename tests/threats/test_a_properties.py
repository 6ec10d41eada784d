"""A17: properties of one person that nobody else can read, or that say what is not so."""

from xml.etree import ElementTree

import pytest
from lxml import etree

from tests.dav import Dav, Names
from tests.threats.scene import BOX


def test_a17_what_will_be_sealed_has_few_bytes_of_properties(author: Dav) -> None:
    piece = (*BOX, "annotée.pdf")
    assert author.put(piece, b"%PDF-1.4").status == 201

    assert author.proppatch(piece, f"<T:a>{'x' * 3_000}</T:a>").status == 207
    assert author.proppatch(piece, f"<T:b>{'x' * 2_000}</T:b>").status == 507
    assert author.delete(piece).status == 204


@pytest.mark.parametrize(
    ("element", "status"),
    [
        ("<\U00010000 xmlns='u'>x</\U00010000>", 400),  # a name that not every parser knows
        ("<T:\U00010000>x</T:\U00010000>", 400),
        ("<T:a><\U00010000/></T:a>", 400),
        ("<xml:foo>x</xml:foo>", 207),
        ("<T:a xml:id='same'>x</T:a>", 207),
        ("<T:a><T:b xml:id='same'/></T:a>", 207),
        ("<x xmlns=''>x</x>", 207),
    ],
)
def test_a17_no_property_makes_a_listing_that_some_parser_refuses(
    expert: Dav, room: Names, element: str, status: int
) -> None:
    for name in ("eins", "zwei"):
        expert.put((*room, name), b"x")
        reply = expert.proppatch((*room, name), element)
        assert reply.status == status
        ElementTree.fromstring(reply.body)

    asked = f"<D:propfind xmlns:D='DAV:' xmlns:T='urn:test'><D:prop>{element}</D:prop></D:propfind>"
    names = b"<D:propfind xmlns:D='DAV:'><D:propname/></D:propfind>"
    for body in (b"", names, *([asked.encode()] if status == 207 else [])):
        reply = expert.propfind(room, "1", body)
        assert reply.status == 207
        assert len(ElementTree.fromstring(reply.body)) == 3
        assert len(etree.fromstring(reply.body)) == 3


@pytest.mark.parametrize("name", ["ishidden", "iscollection", "href", "status", "checked-in", "x"])
def test_a17_no_invented_property_passes_for_a_live_one(
    expert: Dav, room: Names, name: str
) -> None:
    expert.put((*room, "a"), b"x")

    reply = expert.proppatch((*room, "a"), f"<D:{name}>1</D:{name}>")

    assert reply.xml.findtext(".//{DAV:}propstat/{DAV:}status") == "HTTP/1.1 403 Forbidden"
    prop = expert.propfind((*room, "a"), "0").xml.find(".//{DAV:}prop")
    assert prop is not None
    assert prop.find(f"{{DAV:}}{name}") is None
