"""Conditions set by clients: RFC 9110 §13 and the If header of RFC 4918 §10.4.

A malformed condition is a refusal, never « as if absent ». The same guard is asked before the body
is read and again in the transaction that writes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from davserver.dates import parsed
from davserver.errors import BadDestination, BadRequest, Conflict, PreconditionFailed
from davserver.model import Node, NodeState
from davserver.providers.address import parse_url
from davserver.tree import locks, synchronise
from davserver.tree.entity_tags import Tags
from davserver.tree.lookup import Spot, find
from davserver.work import Work

_LONGEST = 8_192
_TAG = re.compile(r'(W/)?"([^"\x00-\x20\x7f]*)"')
_STATE = re.compile(r'\s*(?:(Not)\s*)?(?:<([^<>\s]+)>|\[((?:W/)?"[^"]*")\])', re.IGNORECASE)
_END = re.compile(r"\s*\)\s*,?")
_BEGIN = re.compile(r"\s*(?:<([^<>\s]+)>\s*)?\(")


@dataclass(frozen=True)
class _State:
    """One condition of a list: a lock token or an entity tag, perhaps negated."""

    negated: bool
    token: str | None
    tag: str | None


@dataclass(frozen=True)
class _List:
    """Conditions that must all hold, on a tagged resource or (None) on the one of the request."""

    url: str | None
    states: tuple[_State, ...]


class Conditions:
    """The conditions of one request. Raises BadRequest when made from a malformed header.

    ``of_folder``: the address of the request ends with a slash, and names a folder or nothing
    (RFC 4918 §5.2).
    """

    def __init__(
        self, headers: Mapping[str, str], hosts: frozenset[str], *, of_folder: bool = False
    ) -> None:
        self._hosts = hosts
        self._of_folder = of_folder
        self._if = _parse_if(headers.get("if", ""))
        self._match = _tags(headers.get("if-match"))
        self._none_match = _tags(headers.get("if-none-match"))
        # A date that cannot be read is ignored (RFC 9110 §13.1.3).
        self._modified = parsed(headers.get("if-modified-since", ""))
        self._unmodified = parsed(headers.get("if-unmodified-since", ""))
        # On PUT not standard, yet gvfs means it: do not replace what is there.
        self._no_overwrite = headers.get("overwrite", "").strip().upper() == "F"

    @property
    def tokens(self) -> frozenset[str]:
        """The state tokens submitted; one under Not is submitted too (RFC 4918 §10.4.1)."""
        return frozenset(state.token for part in self._if for state in part.states if state.token)

    def guard(self, work: Work, spot: Spot) -> None:
        """Raise PreconditionFailed unless all conditions hold for ``spot``, Conflict for a file
        under the address of a folder."""
        node = spot.node if spot.seen else None
        if node is not None and not node.is_folder:
            self._require_address_of_file()
        if self._none_match is not None and _matches(work, self._none_match, node, weak=True):
            raise PreconditionFailed("Ce nom est déjà pris.", phrase="Nom deja pris")
        self.guard_get(work, spot)

    def guard_lock(self, work: Work, spot: Spot) -> None:
        """As :meth:`guard`; what a LOCK makes of a free name is a file."""
        if not spot.is_folder:
            self._require_address_of_file()
        self.guard(work, spot)

    def guard_get(self, work: Work, spot: Spot) -> None:
        """As :meth:`guard`, for reading: If-None-Match is a question then, not a condition."""
        node = spot.node if spot.seen else None
        if self._match is not None and not _matches(work, self._match, node, weak=False):
            raise PreconditionFailed("Le document a changé entre-temps.")
        if self._unmodified is not None and self._match is None and node and not node.is_folder:
            if not _known_since(node, self._unmodified):
                raise PreconditionFailed("Le document a changé entre-temps.")
        if self._if and not any(self._holds(work, spot, part) for part in self._if):
            raise PreconditionFailed("Le verrou ou la version indiqués ne sont plus les bons.")

    def guard_put(self, work: Work, spot: Spot) -> None:
        """As :meth:`guard`, with the Overwrite header that some clients send with PUT."""
        node = spot.node if spot.seen else None
        reserved = node is not None and node.state is NodeState.RESERVED
        wants_free = self._no_overwrite or self._none_match == ("*",)
        if wants_free and node is not None and not node.is_open:
            raise PreconditionFailed("Ce nom est déjà pris.", phrase="Nom deja pris")
        if node is not None and node.is_piece:
            return  # the gate refuses what would change it, and says why
        if reserved and wants_free:
            # The author's own reservation, by a LOCK or by this very transfer: free for him.
            self.guard_get(work, spot)
        else:
            self.guard(work, spot)

    def _require_address_of_file(self) -> None:
        if self._of_folder:
            raise Conflict("Cette adresse est celle d'un dossier.")

    def unchanged(self, node: Node, tag: str) -> bool:
        """Whether GET may answer 304 (RFC 9110 §13.2.2). ``tag`` is the node's entity tag."""
        if self._none_match is not None:
            return _is_among(self._none_match, tag, weak=True)
        if self._modified is None or node.is_folder:  # whose date is not the same for everybody
            return False
        return same_since(node, self._modified)

    def _holds(self, work: Work, spot: Spot, part: _List) -> bool:
        place = spot
        if part.url is not None:
            try:
                address = parse_url(part.url, self._hosts)
            except BadDestination:
                return False  # another server's resource has no state here
            if address.site:
                return False  # nothing there has a lock or an entity tag
            place = find(work, address.path)
        node = place.node if place.seen else None
        folders = place.folders
        tokens = {lock.token for lock in locks.over(work, folders, node)}
        # The author's token on his unfinished file may be stale: Windows and davfs2 lose theirs.
        lenient = node is not None and node.is_open and node.author_id == work.actor.id
        if node is not None and place.dossier is not None:
            # A folder's sync-token is a state token too (RFC 6578 §5).
            if any(synchronise.is_token(state.token) for state in part.states):
                tokens.add(synchronise.token(work, place.dossier))
        tag = Tags(work).of(node) if node and any(state.tag for state in part.states) else ""
        return all(_state_holds(state, tag, tokens, lenient) for state in part.states)


def _state_holds(state: _State, tag: str, tokens: set[str], lenient: bool) -> bool:
    if state.token is not None:
        forgiven = lenient and not state.negated and not synchronise.is_token(state.token)
        held = state.token in tokens or forgiven
    else:
        held = bool(tag) and state.tag == tag
    return held is not state.negated


def _parse_if(text: str) -> tuple[_List, ...]:
    """The lists of an If header. Each list of a tagged production keeps its tag."""
    if not text.strip():
        return ()
    if len(text) > _LONGEST:
        raise BadRequest("L'en-tête If est trop long.")
    lists: list[_List] = []
    url: str | None = None
    position = 0
    while position < len(text.rstrip()):
        begin = _BEGIN.match(text, position)
        if begin is None:
            raise BadRequest("L'en-tête If est mal formé.")
        if begin[1] is not None:
            url = begin[1]
        elif lists and url is None and any(part.url for part in lists):
            raise BadRequest("L'en-tête If est mal formé.")
        position = begin.end()
        states = []
        while (state := _STATE.match(text, position)) is not None:
            states.append(_State(state[1] is not None, state[2], state[3]))
            position = state.end()
        end = _END.match(text, position)
        if end is None or not states:
            raise BadRequest("L'en-tête If est mal formé.")
        position = end.end()
        lists.append(_List(url, tuple(states)))
    return tuple(lists)


def _tags(text: str | None) -> tuple[str, ...] | None:
    """The entity tags of If-Match or If-None-Match; ``("*",)`` for any."""
    if text is None:
        return None
    if text.strip() == "*":
        return ("*",)
    tags = tuple(match[0] for match in _TAG.finditer(text))
    parts = _TAG.sub("\0", text).split(",")  # a tag may have commas in it
    if not tags or any(part.strip() not in ("", "\0") for part in parts):
        raise BadRequest("Un en-tête de condition est mal formé.")
    return tags


def _matches(work: Work, tags: tuple[str, ...], node: Node | None, *, weak: bool) -> bool:
    if node is None:
        return False
    return tags == ("*",) or _is_among(tags, Tags(work).of(node), weak=weak)


def _is_among(tags: tuple[str, ...], own: str, *, weak: bool) -> bool:
    return any(tag in ("*", own) or (weak and tag == f"W/{own}") for tag in tags)


def same_since(node: Node, date: datetime) -> bool:
    """Whether the content that bears ``date`` is the present one. Where a program has set the date,
    it proves nothing, since another content may bear it too; a piece has never another."""
    set_by_program = _second(node.modified) != _second(node.written)
    return (node.is_piece or not set_by_program) and _known_since(node, date)


def _known_since(node: Node, date: datetime) -> bool:
    """Whether who has the state of ``date`` has the present one.

    The date shown may be older than the content, since programs set it: an older one says nothing
    unless the content itself is older too.
    """
    shown = _second(node.modified)
    return shown == date or max(shown, _second(node.written)) < date


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
