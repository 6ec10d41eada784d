"""A mailbox as its statement describes it, in memory: what each request answers, what each person
then sees. It shares no code with the product.

Where the statement and the RFC leave the answer open, an answer is a set of several outcomes; an
outcome is a status, for PROPPATCH « 207 yes » or « 207 no ». All outcomes of one set mean the same
for what is kept: the request was done, or it was not.
"""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

AUTHOR, OTHER, EXPERT = "author", "other", "expert"
PEOPLE = (AUTHOR, OTHER, EXPERT)
_ADDS = {"box": (AUTHOR, EXPERT), "plans": (EXPERT,), "archive": ()}

WINDOWS, FINDER, DAVFS2 = (
    "Microsoft-WebDAV-MiniRedir/10.0.22631",
    "WebDAVFS/3.0.0 (03008000) Darwin/24.6.0 (arm64)",
    "davfs2/1.7.1 neon/0.34.0",
)
_LEAVE_LITTER = (WINDOWS, FINDER)

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
QUIET_LOCKED, QUIET_UNLOCKED, HELD = 20.0, MINUTE, 10 * MINUTE
RESERVATION, LONGEST_RESERVATION = HOUR, DAY
COURTESY = IDLE = 2 * MINUTE
REPLAY = SIDE_LIFE = DAY
_SHORTEST_LOCK, _LONGEST_LOCK = 180.0, 3_600.0

Path = tuple[str, ...]
"""A place (« box », « archive », « plans »), then names."""


class State(Enum):
    """Who sees it, and what may become of it. A folder is RESERVED until a piece in it is sealed."""

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
    def is_side(self) -> bool:
        return self.node.state is State.SIDE if self.node else is_side_name(self.name)


@dataclass(frozen=True)
class Verdict:
    """The refusals that a request meets; if none, the outcomes of its success and what it does."""

    refusals: set[str]
    success: set[str] = field(default_factory=set)
    effect: Callable[[], None] = lambda: None


def composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def key_of(name: str) -> str:
    """What is compared: a Mac's accents and capitals make no other name."""
    return composed(composed(name).casefold())


def is_litter(name: str) -> bool:
    return name.startswith("._")


def is_side_name(name: str) -> bool:
    return is_litter(name) or name.casefold().endswith(".tmp")


def bounded(timeout: float) -> float:
    """The seconds granted to a lock."""
    return max(_SHORTEST_LOCK, min(_LONGEST_LOCK, timeout))


class Mailbox:
    """The tree of a mailbox with what lies around it, the locks, and the time (seconds)."""

    def __init__(self) -> None:
        self.now = 0.0
        self.places = {place: Node(place, "", State.SEALED, True, 0.0) for place in _ADDS}
        self.deposits: list[bytes] = []
        """The content of each sealed deposit."""

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
            visible = [node for node in folder.members.values() if sees(who, node)]
            if all(node.state is State.SIDE for node in visible):
                return  # a Mac removes a folder only if its listing is empty
            for node in visible:
                found[(*path, node.name)] = None if node.is_folder else node.content
                if node.is_folder:
                    enter((*path, node.name), node)

        for place in ("box", "archive"):
            enter((place,), self.places[place])
        return found

    def answer(self, request: Request, granted: str = "") -> set[str]:
        """The outcomes that ``request`` may have. Does what it asks, unless that is refused.

        ``granted`` is the token that the server gave, if it granted a lock.
        """
        spot = self.find(request.who, request.path)
        judge = {
            "GET": self._read, "HEAD": self._read, "PROPFIND": self._read, "OPTIONS": self._read,
            "PUT": self._put, "MKCOL": self._mkcol, "DELETE": self._delete,
            "PROPPATCH": self._proppatch, "COPY": self._copy, "MOVE": self._move,
            "REFRESH": self._refresh, "UNLOCK": self._unlock,
        }  # fmt: skip
        if request.method == "LOCK":
            verdict = self._lock(request, spot, granted)
        else:
            verdict = judge[request.method](request, spot)
        if verdict.refusals:
            return verdict.refusals
        verdict.effect()
        return verdict.success

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
            if self._is_over(node):
                del members[node.key]
            elif node.state is State.RECEIVED and self.now >= self._quiet_from(node):
                node.state, node.sealed = State.SEALED, self.now
                node.locks.clear()
                for folder in folders:
                    folder.state = State.SEALED
                self.deposits.append(node.content)

    def _is_over(self, node: Node) -> bool:
        """Whether nobody came back to what was begun."""
        if node.state is State.SIDE:
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

    def _read(self, request: Request, spot: Spot) -> Verdict:
        if request.method == "OPTIONS":
            return Verdict(set(), {"200"})
        done = {"207" if request.method == "PROPFIND" else "200"}
        return Verdict(set(), done) if spot.node else Verdict({"404"})

    def _put(self, request: Request, spot: Spot) -> Verdict:
        node, cut = spot.node, request.way == "cut"
        if node and self._repeats(request, node):
            return Verdict({"400"}) if cut else Verdict(set(), {"204"})
        refusals = self._landing(request, spot)
        if node and node.is_folder:
            refusals = {"405"} | refusals - {"403"}
            refusals |= self._wants_free(request)
        elif node and node.state is State.SEALED:
            refusals = self._wants_free(request) or {"403"}
            if not self._may_add(request, spot):
                refusals |= {"403"}
        elif node and node.state is State.SIDE:
            refusals |= self._wants_free(request)
        elif node and node.state is State.RECEIVED and request.free == "If-None-Match":
            refusals |= {"412"}
        refusals |= self._conditions(request, node)
        if cut:
            refusals |= {"400"}

        def effect() -> None:
            self._use(request, node)
            self._write(request.who, spot, request.body)

        return Verdict(refusals, {"204" if node else "201"}, effect)

    def _mkcol(self, request: Request, spot: Spot) -> Verdict:
        if spot.node:
            return Verdict({"405"})

        def effect() -> None:
            self._add(spot, Node(
                composed(spot.name), request.who, State.RESERVED, True, self.now
            ))  # fmt: skip

        return Verdict(self._landing(request, spot), {"201"}, effect)

    def _lock(self, request: Request, spot: Spot, granted: str) -> Verdict:
        node = spot.node
        taken = {"412"} if request.free and node else set[str]()
        if node and node.state is State.SEALED:
            courtesy = self._just_sealed(request.who, node) and request.agent != DAVFS2
            late = "403" if request.agent == FINDER else "423"
            refusals = taken or (set() if courtesy else {late})
        else:
            refusals = taken | self._landing(request, spot, tokens=False)
        rivals = {}
        if node and node.state is not State.SEALED:
            rivals = {
                token: lock
                for token, lock in self._live(node).items()
                if request.exclusive or lock.exclusive
            }
        idle = node is not None and node.is_open and all(
            lock.agent == request.agent and self.now > lock.used + IDLE for lock in rivals.values()
        )  # fmt: skip
        if rivals and not idle:
            refusals |= {"423"}

        def effect() -> None:
            locked = node or self._write(request.who, spot, b"")
            for token in rivals:
                del locked.locks[token]
            locked.locks[granted] = Lock(
                request.who, request.agent, request.exclusive,
                self.now + bounded(request.timeout), self.now, locked.state is State.SEALED,
            )  # fmt: skip
            self._sign(locked)

        return Verdict(refusals, {"200" if node else "201"}, effect)

    def _refresh(self, request: Request, spot: Spot) -> Verdict:
        node = spot.node
        if node is None:
            return Verdict({"404", "412"})
        lock = self._locks(node).get(request.token)
        if lock is None or lock.owner != request.who:
            return Verdict({"412"})

        def effect() -> None:
            lock.expires, lock.used = self.now + bounded(request.timeout), self.now
            self._sign(node)

        return Verdict(set(), {"200"}, effect)

    def _unlock(self, request: Request, spot: Spot) -> Verdict:
        node = spot.node
        if node is None:
            return Verdict({"404", "204"})
        lock = self._locks(node).get(request.token)
        if lock and lock.owner != request.who:
            return Verdict({"403"})
        if lock is None and (node.state is State.SIDE or node.author != request.who):
            return Verdict({"409"})

        def effect() -> None:
            node.locks.pop(request.token, None)
            self._sign(node)

        return Verdict(set(), {"204"}, effect)

    def _proppatch(self, request: Request, spot: Spot) -> Verdict:
        node = spot.node
        if node is None:
            return Verdict({"404"})
        refusals = self._conditions(request, node)
        if node.state is State.SEALED:
            if node.is_folder:
                return Verdict(refusals | {"403", "207 no"})
            pleased = request.dates and self._just_sealed(request.who, node)
            return Verdict(refusals or (set() if pleased else {"207 no"}), {"207 yes"})
        if node.state is State.SIDE and not self._may_litter(request, spot):
            refusals |= {"403", "207 no"}
        refusals |= self._guards(request, node)

        def effect() -> None:
            self._use(request, node)
            node.touched = self.now

        return Verdict(refusals, {"207 yes"}, effect)

    def _delete(self, request: Request, spot: Spot) -> Verdict:
        node = spot.node
        if node is None:
            return Verdict({"404"})
        refusals = self._conditions(request, node) | self._removal(request, spot, node)
        return Verdict(refusals, {"204"}, lambda: self._drop(spot, node))

    def _copy(self, request: Request, spot: Spot) -> Verdict:
        node, target = spot.node, self.find(request.who, request.to)
        if node is None:
            return Verdict({"404"})
        refusals = self._ends(request, spot, node, target) | self._landing(request, target, node)
        refusals |= {"403"} if target.node is node else set()
        if target.node is not None:
            refusals |= self._removal(request, target, target.node)

        def effect() -> None:
            if target.node is not None:
                self._drop(target, target.node)
            self._duplicate(request.who, node, target)

        return Verdict(refusals, {"204" if target.node else "201"}, effect)

    def _move(self, request: Request, spot: Spot) -> Verdict:
        node, target = spot.node, self.find(request.who, request.to)
        if node is None:
            return Verdict({"404"})
        same = target.node is node
        refusals = self._ends(request, spot, node, target)
        if node.state is State.SEALED:
            refusals |= self._filing(request, node, target)
        elif not same:
            refusals |= self._landing(request, target, node)
            if target.node is not None:
                refusals |= self._removal(request, target, target.node)
            if node.is_folder and target.place != "box":
                refusals |= {"403"}
        if node.is_folder and target.is_side:
            refusals |= {"403"}
        if node.state is State.SIDE:
            if not self._may_litter(request, spot):
                refusals |= {"403"}
            if target.node is not None and target.node.is_folder:
                refusals |= {"403", "405", "409"}
        refusals |= self._guards(request, node)

        def effect() -> None:
            self._relocate(request, spot, node, target)

        if same:
            return Verdict(refusals, {"201", "204"}, effect)
        return Verdict(refusals, {"204" if target.node else "201"}, effect)

    def _filing(self, request: Request, node: Node, target: Spot) -> set[str]:
        """A sealed piece, or the folder of such: the expert alone moves it, and only into the
        archive of the same lawyer, under its own name, with nothing unfinished in it."""
        files = request.who == EXPERT and target.place == "archive"
        whole = not any(member.is_open for member in node.below())
        if files and whole and composed(target.name) == node.name and target.node is None:
            return set()
        return {"403", "423"} if target.hidden else {"403"}

    def _relocate(self, request: Request, spot: Spot, node: Node, target: Spot) -> None:
        lands = node.state is State.SIDE and not target.is_side
        same = target.node is node
        if lands:
            self._write(request.who, target, node.content)
            self._drop(spot, node)
            return
        if target.node is not None and not same:
            self._drop(target, target.node)
        self._drop(spot, node)
        for moved in (node, *node.below()):
            moved.locks.clear()
        if node.is_open and not same and is_side_name(target.name):
            node.state = State.SIDE
        node.name = composed(target.name)
        node.touched = self.now
        self._add(target, node)

    def _ends(self, request: Request, spot: Spot, node: Node, target: Spot) -> set[str]:
        """What MOVE and COPY refuse whatever lies there."""
        refusals = self._conditions(request, node)
        if target.lost:
            refusals |= {"409"}
        if target.node is node and composed(target.name) == node.name:
            refusals |= {"403"}
        if node in target.folders or (target.node is not None and target.node in spot.folders):
            refusals |= {"403"}
        if target.node is not None and target.node is not node and not request.overwrite:
            refusals |= {"412"}
        return refusals

    def _landing(
        self, request: Request, spot: Spot, arriving: Node | None = None, *, tokens: bool = True
    ) -> set[str]:
        """The refusals that whoever writes under a name meets. ``arriving``: by MOVE or COPY."""
        if spot.lost:
            return {"409"} if self._may_add(request, spot) else {"409", "403"}
        refusals = self._guards(request, spot.node) if spot.node and tokens else set[str]()
        if spot.is_side:
            disguised = arriving is not None and arriving.state is not State.SIDE
            if not self._may_litter(request, spot) or (disguised and is_litter(spot.name)):
                refusals |= {"403"}
        elif not self._may_add(request, spot):
            refusals |= {"403"}
        elif spot.hidden:
            refusals |= {"423"}
        return refusals

    def _removal(self, request: Request, spot: Spot, node: Node) -> set[str]:
        """The refusals that whoever removes ``node`` meets, by DELETE or by overwriting."""
        if node.state is State.SEALED:
            return {"403"}
        refusals = self._guards(request, node)
        if node.state is State.SIDE and not self._may_litter(request, spot):
            refusals |= {"403"}
        return refusals

    def _guards(self, request: Request, node: Node) -> set[str]:
        """The locks in the way of a change to all of ``node``; on his own unfinished file an author
        needs no token, since Windows and davfs2 lose theirs."""
        for guarded in (node, *node.below()):
            if guarded is node and node.is_open:
                continue
            locks = self._live(guarded)
            mine = locks.get(request.token)
            if locks and (mine is None or mine.owner != request.who):
                return {"423"}
        return set()

    def _conditions(self, request: Request, node: Node | None) -> set[str]:
        """If and If-Match. What an author says of the lock of his unfinished file may be stale."""
        refusals = set()
        if request.match is not None and (
            node is None or node.is_folder or node.content != request.match
        ):
            refusals |= {"412"}
        if request.token and not (node and node.is_open):
            if node is None or request.token not in self._locks(node):
                refusals |= {"412"}
        if node and node.state is State.SEALED and refusals:
            refusals |= {"403"}
        return refusals

    @staticmethod
    def _wants_free(request: Request) -> set[str]:
        return {"412"} if request.free else set()

    @staticmethod
    def _may_add(request: Request, spot: Spot) -> bool:
        return request.who in _ADDS[spot.place]

    def _may_litter(self, request: Request, spot: Spot) -> bool:
        return self._may_add(request, spot) or request.agent in _LEAVE_LITTER

    def _repeats(self, request: Request, node: Node) -> bool:
        """A lost answer: the same content again, by the same author."""
        return (
            node.state is State.SEALED
            and not node.is_folder
            and node.author == request.who
            and node.content == request.body
            and self.now < node.modified + REPLAY
        )

    def _just_sealed(self, who: str, node: Node) -> bool:
        return not node.is_folder and node.author == who and self.now < node.sealed + COURTESY

    def _locks(self, node: Node) -> dict[str, Lock]:
        return {token: lock for token, lock in node.locks.items() if lock.expires > self.now}

    def _live(self, node: Node) -> dict[str, Lock]:
        """The locks that protect something."""
        return {token: lock for token, lock in self._locks(node).items() if not lock.courtesy}

    def _use(self, request: Request, node: Node | None) -> None:
        """Whoever submits his lock's token uses the lock."""
        lock = self._locks(node).get(request.token) if node else None
        if lock and lock.owner == request.who:
            lock.used = self.now

    def _sign(self, node: Node) -> None:
        """A program that locks has given a sign."""
        if node.is_open:
            node.used_lock, node.touched = True, self.now

    @staticmethod
    def _child(folder: Node, who: str, name: str) -> Node | None:
        """One's own side file comes before what others see."""
        key = key_of(name)
        return folder.members.get((key, who)) or folder.members.get((key, ""))

    def _write(self, who: str, spot: Spot, content: bytes) -> Node:
        """Content arrives under a name. Returns the file."""
        node = spot.node
        if node is None:
            state = State.SIDE if is_side_name(spot.name) else State.RESERVED
            node = Node(composed(spot.name), who, state, False, self.now)
            self._add(spot, node)
        node.content, node.modified, node.touched = content, self.now, self.now
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


def sees(who: str, node: Node) -> bool:
    """Unfinished and side files exist for their author alone."""
    return node.state is State.SEALED or node.author == who
