"""What a mailbox holds as its statement describes it, in memory, and what time does to it.

It shares no code with the product. Times are seconds since the run began.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

AUTHOR, OTHER, EXPERT = "author", "other", "expert"
PEOPLE = (AUTHOR, OTHER, EXPERT)
ADDS = {"box": (AUTHOR, EXPERT), "plans": (EXPERT,), "archive": ()}

WINDOWS, FINDER, DAVFS2 = (
    "Microsoft-WebDAV-MiniRedir/10.0.22631",
    "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)",
    "davfs2/1.7.1 neon/0.34.0",
)
LEAVE_LITTER = (WINDOWS, FINDER)

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
QUIET_LOCKED, QUIET_UNLOCKED, HELD = 20.0, MINUTE, 10 * MINUTE
RESERVATION, LONGEST_RESERVATION = HOUR, DAY
COURTESY = IDLE = 2 * MINUTE
REPLAY = SIDE_LIFE = DAY
TOLD, TEMPORARY_LIFE = 10 * MINUTE, 7 * DAY
SHORTEST_LOCK, LONGEST_LOCK = 180.0, 3_600.0

Path = tuple[str, ...]
"""A place (« box », « archive », « plans »), then names."""


class State(Enum):
    """Who sees it and what may become of it. A folder is RESERVED until a piece in it is sealed."""

    RESERVED = auto()
    RECEIVED = auto()
    SEALED = auto()
    SIDE = auto()


@dataclass
class Lock:
    """A lock that was granted. A courtesy lock protects nothing."""

    owner: str
    agent: str
    exclusive: bool
    expires: float
    used: float
    courtesy: bool


@dataclass(eq=False)
class Node:
    """A file or a folder."""

    name: str
    author: str
    state: State
    is_folder: bool
    now: float
    content: bytes = b""
    used_lock: bool = False
    told: float | None = None
    """When its author was told that this content is no deposit."""
    locks: dict[str, Lock] = field(default_factory=dict)
    members: dict[tuple[str, str], "Node"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.opened = self.touched = self.received = self.modified = self.sealed = self.now

    @property
    def is_open(self) -> bool:
        return self.state in (State.RESERVED, State.RECEIVED)

    @property
    def key(self) -> tuple[str, str]:
        """Its key among the members of its folder: side files of several people may have one
        name."""
        return key_of(self.name), self.author if self.state is State.SIDE else ""

    @property
    def is_left_document(self) -> bool:
        """Whether it may hold a document that a program was saving."""
        return self.state is State.SIDE and bool(self.content) and not is_litter(self.name)

    def below(self) -> Iterator["Node"]:
        """All members, at any depth."""
        for member in self.members.values():
            yield member
            yield from member.below()


@dataclass(frozen=True)
class Request:
    """What somebody asks. ``token`` goes into If, of UNLOCK into Lock-Token; ``match`` is the
    content whose entity tag If-Match has; ``way``: whole, chunked, or cut short."""

    who: str
    method: str
    path: Path
    agent: str = WINDOWS
    body: bytes = b""
    way: str = "whole"
    free: str = ""
    """The header that asks for a free name: If-None-Match or Overwrite."""
    match: bytes | None = None
    token: str = ""
    to: Path = ()
    overwrite: bool = True
    exclusive: bool = True
    timeout: float = 600.0
    dates: bool = True


@dataclass(frozen=True)
class Spot:
    """Where a path leads for somebody. ``hidden``: something stands there that he does not see."""

    place: str
    folders: tuple[Node, ...]
    name: str
    node: Node | None
    hidden: bool

    @property
    def lost(self) -> bool:
        return not self.folders

    @property
    def misspelt(self) -> bool:
        """Whether what stands here, or a folder on the way, is called by another spelling."""
        return self.node is not None and composed(self.name) != self.node.name

    @property
    def is_side(self) -> bool:
        return self.node.state is State.SIDE if self.node else is_side_name(self.name)


def composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def key_of(name: str) -> str:
    """What is compared: a Mac's accents and capitals make no other name."""
    return composed(composed(name).casefold())


def way_of(folders: Iterable[Node], node: Node) -> tuple[str, ...]:
    """The way to a file, and its name, as they are compared."""
    return (*(key_of(folder.name) for folder in folders), key_of(node.name))


def is_litter(name: str) -> bool:
    return name.startswith("._")


def is_side_name(name: str) -> bool:
    return is_litter(name) or name.casefold().endswith(".tmp")


def sees(who: str, node: Node) -> bool:
    """Unfinished and side files exist for their author alone."""
    return node.state is State.SEALED or node.author == who


class Tree:
    """The mailbox with what lies around it, the locks, and the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.places = {place: Node(place, "", State.SEALED, True, 0.0) for place in ADDS}
        self.deposits: list[bytes] = []
        """The content of each sealed deposit."""
        self.filed: set[tuple[str, tuple[str, ...], bytes]] = set()
        """The pieces that were filed: author, way and name in the box, content."""

    def find(self, who: str, path: Path) -> Spot:
        """The spot of ``path`` for ``who``."""
        folders = [self.places[path[0]]]
        for name in path[1:-1]:
            node = self._child(folders[-1], who, name)
            if node is None or not node.is_folder or not sees(who, node):
                return Spot(path[0], (), path[-1], None, False)
            folders.append(node)
        node = self._child(folders[-1], who, path[-1])
        seen = node is not None and sees(who, node)
        hidden = node is not None and not seen
        return Spot(path[0], tuple(folders), path[-1], node if seen else None, hidden)

    def seen(self, who: str) -> dict[Path, bytes | None]:
        """What ``who`` finds listed: the content of each file, None for a folder."""
        found: dict[Path, bytes | None] = {}

        def enter(path: Path, folder: Node) -> None:
            visible = [
                node
                for node in folder.members.values()
                if sees(who, node) and self._child(folder, who, node.name) is node
            ]
            if all(node.state is State.SIDE and not node.is_left_document for node in visible):
                return  # a Mac removes a folder only if its listing is empty
            for node in visible:
                found[(*path, node.name)] = None if node.is_folder else node.content
                if node.is_folder:
                    enter((*path, node.name), node)

        for place in ("box", "archive"):
            enter((place,), self.places[place])
        return found

    def wait(self, seconds: float) -> None:
        """Time passes: what is quiet is sealed, what was not finished is freed."""
        self.now += seconds
        for place in self.places.values():
            self._settle((place,))

    def _settle(self, folders: tuple[Node, ...]) -> None:
        members = folders[-1].members
        for node in list(members.values()):
            if node.is_folder:
                self._settle((*folders, node))
            if node.is_left_document and self.now > node.modified + TOLD:
                node.told = node.told or self.now
            if self._is_over(node):
                del members[node.key]
            elif node.state is State.RECEIVED and self.now >= self._quiet_from(node):
                if self._was_filed(folders, node):
                    del members[node.key]
                    continue
                node.state, node.sealed = State.SEALED, self.now
                node.locks.clear()
                for folder in folders:
                    folder.state = State.SEALED
                self.deposits.append(node.content)

    def _was_filed(self, folders: tuple[Node, ...], node: Node) -> bool:
        """Whether this would be a second deposit of a piece that the expert has filed."""
        return (node.author, way_of(folders, node), node.content) in self.filed

    def _is_over(self, node: Node) -> bool:
        """Whether nobody came back to what was begun."""
        if node.state is State.SIDE:
            if node.told is not None:
                return self.now > node.told + TEMPORARY_LIFE
            return self.now > node.modified + SIDE_LIFE
        if node.state is not State.RESERVED:
            return False
        if node.is_folder:
            return not node.members and self.now > node.opened + RESERVATION
        last = node.opened + LONGEST_RESERVATION
        return self.now >= (last if self._live(node) else min(last, node.touched + RESERVATION))

    def _quiet_from(self, node: Node) -> float:
        """When a content is sealed if nothing more happens."""
        if self._live(node):
            return node.received + HELD
        return node.touched + (QUIET_LOCKED if node.used_lock else QUIET_UNLOCKED)

    @staticmethod
    def _child(folder: Node, who: str, name: str) -> Node | None:
        """One's own side file comes before what others see."""
        key = key_of(name)
        return folder.members.get((key, who)) or folder.members.get((key, ""))

    def _locks(self, node: Node) -> dict[str, Lock]:
        return {token: lock for token, lock in node.locks.items() if lock.expires > self.now}

    def _live(self, node: Node) -> dict[str, Lock]:
        """The locks that protect something."""
        return {token: lock for token, lock in self._locks(node).items() if not lock.courtesy}

    def _sign(self, node: Node) -> None:
        """A program that locks has given a sign."""
        if node.is_open:
            node.used_lock, node.touched = True, self.now

    def _write(self, who: str, spot: Spot, content: bytes) -> Node:
        """Content arrives under a name. Returns the file."""
        node = spot.node
        if node is None:
            state = State.SIDE if is_side_name(spot.name) else State.RESERVED
            node = Node(composed(spot.name), who, state, False, self.now)
            self._add(spot, node)
        node.content, node.modified, node.touched = content, self.now, self.now
        node.told = None
        if node.is_open:
            node.state = State.RECEIVED if content else State.RESERVED
            node.received = self.now
        return node

    def _duplicate(self, who: str, node: Node, target: Spot) -> None:
        """A copy is a deposit of whoever copies; what he does not see is not copied."""
        if not node.is_folder:
            self._write(who, Spot(target.place, target.folders, target.name, None, False),
                        node.content)  # fmt: skip
            return
        made = Node(composed(target.name), who, State.RESERVED, True, self.now)
        self._add(target, made)
        for member in list(node.members.values()):
            if member.state is not State.SIDE and sees(who, member):
                inside = Spot(target.place, (*target.folders, made), member.name, None, False)
                self._duplicate(who, member, inside)

    @staticmethod
    def _add(spot: Spot, node: Node) -> None:
        if spot.place != "plans":  # what leaves the mailbox so is an ordinary file
            spot.folders[-1].members[node.key] = node

    @staticmethod
    def _drop(spot: Spot, node: Node) -> None:
        del spot.folders[-1].members[node.key]
