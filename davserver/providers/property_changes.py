"""Property changes that clients ask, in PROPPATCH and in an extended MKCOL."""

from typing import Any

from lxml import etree

from davserver.providers import live
from davserver.tree.properties import Change

_LANGUAGE = f"{{{live.XML_NAMESPACE}}}lang"
_ID = f"{{{live.XML_NAMESPACE}}}id"
_DISPLAYNAME = "{DAV:}displayname"


def read(instructions: Any) -> list[Change]:
    """The changes of ``set`` and ``remove`` instructions, in document order (RFC 4918 §9.2)."""
    changes = []
    for instruction in instructions:
        for prop in instruction.iterfind("{DAV:}prop"):
            for element in prop:
                if instruction.tag == "{DAV:}set":
                    text = "".join(element.itertext()).strip()
                    changes.append(Change(element.tag, _kept(element), text))
                elif instruction.tag == "{DAV:}remove":
                    changes.append(Change(element.tag, None))
    return changes


def protected(changes: list[Change], name: str) -> list[str]:
    """The properties that nobody may set so. A displayname that is the name changes nothing; any
    other would show a file under a name that is not its own."""
    return [
        change.tag
        for change in changes
        if live.is_protected(change.tag)
        and not (change.tag == _DISPLAYNAME and change.text == name)
    ]


def outcome(changes: list[Change], bad: list[str]) -> list[tuple[int, str]]:
    """For each status the properties that have it: all or none are set (RFC 4918 §9.2.1)."""
    tags = list(dict.fromkeys(change.tag for change in changes))
    if not bad:
        return [(200, _names(tags))]
    rest = [tag for tag in tags if tag not in bad]
    refused = [(403, _names([tag for tag in tags if tag in bad]))]
    return [*refused, (424, _names(rest))] if rest else refused


def _names(tags: list[str]) -> str:
    return "".join(live.empty(tag) for tag in tags)


def _kept(element: etree._Element) -> str:
    """The element on its own, its inherited language included (§4.3), without ids: two documents
    with one id would be no valid listing."""
    for part in element.iter(etree.Element):
        part.attrib.pop(_ID, "")
    if _LANGUAGE not in element.attrib:
        for parent in element.iterancestors():
            if _LANGUAGE in parent.attrib:
                element.set(_LANGUAGE, parent.attrib[_LANGUAGE])
                break
    return etree.tostring(element, encoding="unicode", with_tail=False)
