"""Describing resources: which properties a client asks, and their ``D:response`` elements.

PROPFIND (RFC 4918 §9.1) and REPORT (RFC 3253 §3.6) ask and are answered alike.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from davserver.errors import BadRequest, Refused
from davserver.model import Dossier, NodeState
from davserver.providers import live
from davserver.providers.address import below
from davserver.providers.answers import propstats, response
from davserver.providers.facts import Facts
from davserver.providers.view import Shared, View
from davserver.tree.lookup import Path, Spot, members, shown_name
from davserver.tree.members import Member
from davserver.work import Work

REMEMBERED = 4_096  # resources whose properties were written last
_SHORT = 1_500  # characters of the names of properties: who asks for more wants to fill memory
_NAME = "{DAV:}displayname"


class Endless(Refused):
    """A collection was to be listed to all depths (§9.1)."""

    def __init__(self) -> None:
        super().__init__(
            "Un dossier entier ne se liste pas en une fois.",
            phrase="Depth infinity refuse",
            condition="propfind-finite-depth",
        )


@dataclass(frozen=True)
class Asked:
    """Which properties: named ones, all with some more, or only their names. ``minimal``: what a
    resource lacks is not mentioned (RFC 8144 §2.1)."""

    named: tuple[str, ...] = ()
    everything: bool = False
    only_names: bool = False
    minimal: bool = False

    @cached_property
    def is_plain(self) -> bool:
        """Whether :func:`live.plain` tells all that is asked of most resources."""
        return all(live.is_plain(tag) for tag in self.named)

    @cached_property
    def is_short(self) -> bool:
        """Whether what is told of each of so many resources may be remembered."""
        return sum(map(len, self.named)) <= _SHORT

    def tags(self, dead: Iterable[str]) -> list[str]:
        """The properties to be told of a resource with these dead ones. Of all, not the name again,
        which the href has: Windows reads no listing beyond 1,000,000 bytes."""
        if not self.everything:
            return list(self.named)
        return [tag for tag in (*live.USUAL, *dead) if tag != _NAME] + list(self.named)


def asked(body: Any, *, minimal: bool) -> Asked:
    """What a PROPFIND body asks; an empty one asks for all (§9.1). Raises BadRequest."""
    if body is None:
        return Asked(everything=True, minimal=minimal)
    children = {child.tag: child for child in body}
    kinds = [tag for tag in ("prop", "allprop", "propname") if f"{{DAV:}}{tag}" in children]
    if body.tag != "{DAV:}propfind" or len(kinds) != 1:
        raise BadRequest("Cette demande de propriétés est mal formée.")
    if kinds == ["propname"]:
        return Asked(only_names=True)
    part = children.get("{DAV:}prop", children.get("{DAV:}include"))
    named = tuple(child.tag for child in part) if part is not None else ()
    found = Asked(named, everything=kinds == ["allprop"], minimal=minimal)
    return _once(found) if found.is_short else found


@lru_cache(maxsize=256)
def _once(asked: Asked) -> Asked:
    """The equal one that came before, if there was one: what is remembered of resources keeps it
    with each."""
    return asked


def listing(work: Work, spot: Spot, *, deep: bool) -> Iterator[View]:
    """The resource and, if ``deep``, its members, with all that their properties need."""
    assert spot.node is not None  # the gate has let the request through
    inside = members(work, spot) if deep and spot.node.is_folder else []
    shared = Shared(work, [spot.node, *inside], spot.folders, spot.node if inside else None)
    yield shared.in_folder(spot.dossier, spot.folders).view(spot.path, "", spot.node)
    folders = () if spot.is_root else (*spot.folders, spot.node)
    keeps_form = work.client.program.keeps_form
    for node in inside:
        dossier = spot.dossier
        if dossier is None and node.dossier_id is not None:
            dossier = work.session.get_one(Dossier, node.dossier_id)
        # What is unfinished is its author's: whose program wants its own form back, gets it.
        kept = node.spelt if keeps_form and node.state is not NodeState.PUBLISHED else ""
        name = kept or shown_name(node, dossier)
        yield shared.in_folder(dossier, folders).view((*spot.path, name), name, node)


def views(
    work: Work, dossier: Dossier, found: Sequence[tuple[Path, Member]]
) -> Iterator[tuple[Path, View]]:
    """Resources of one dossier from several folders, each with its path."""
    above = [folder for _, member in found for folder in member.folders]
    shared = Shared(work, [member.node for _, member in found], above)
    for path, member in found:
        yield path, shared.in_folder(dossier, member.folders).view(path, "", member.node)


def described(view: View, wanted: Asked, base: str) -> str:
    """The ``D:response`` of one resource. ``base``: the href of the resource asked for, of which it
    may be a member."""
    names = (view.name,) if view.name else ()
    where = below(base, names, folder=view.node.is_folder)
    if wanted.only_names:
        return response(where, propstats([(200, "".join(map(live.empty, live.names(view))))]))
    if wanted.is_plain and not view.locks and not view.dead:
        told = _plain if wanted.is_short else _plain.__wrapped__
        return response(where, told(view.facts, wanted))
    tags = wanted.tags(view.dead)
    return response(where, propstats(sorted_out(tags, lambda tag: live.element(view, tag), wanted)))


@lru_cache(maxsize=REMEMBERED)
def _plain(facts: Facts, wanted: Asked) -> str:
    """The properties of a resource without locks and dead ones: see :mod:`providers.facts`."""
    return propstats(sorted_out(wanted.tags(()), lambda tag: live.plain(facts, tag), wanted))


def sorted_out(
    tags: Sequence[str], element: Callable[[str], str | None], wanted: Asked
) -> list[tuple[int, str]]:
    """For each status the properties that have it. ``element`` tells a property, None where the
    resource has no such one: what was not asked by name is not missed."""
    found, missing = [], []
    for tag in dict.fromkeys(tags):
        told = element(tag)
        if told is not None:
            found.append(told)
        elif not wanted.minimal and tag in wanted.named:
            missing.append(live.empty(tag))
    outcome = [(200, "".join(found))] if found or not missing else []
    return [*outcome, (404, "".join(missing))] if missing else outcome
