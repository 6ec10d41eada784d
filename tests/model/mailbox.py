"""What each request to a mailbox answers, as its statement describes it, and what it does.

It shares no code with the product. Where the statement and the RFC leave the answer open, an answer
is a set of several outcomes; an outcome is a status, for PROPPATCH « 207 yes » or « 207 no ». All
outcomes of one set mean the same for what is kept: the request was done, or it was not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.model.tree import (
    ADDS,
    COURTESY,
    DAVFS2,
    EXPERT,
    FINDER,
    IDLE,
    LEAVE_LITTER,
    LONGEST_LOCK,
    REPLAY,
    SHORTEST_LOCK,
    WINDOWS,
    Lock,
    Node,
    Request,
    Spot,
    State,
    Tree,
    composed,
    is_litter,
    is_side_name,
    way_of,
)


@dataclass(frozen=True)
class Verdict:
    """The refusals that a request meets; if none, the outcomes of its success and what it does."""

    refusals: set[str]
    success: set[str] = field(default_factory=set)
    effect: Callable[[], None] = lambda: None


def bounded(timeout: float, courtesy: bool) -> float:
    """The seconds granted to a lock; a courtesy is short, whatever was asked."""
    return SHORTEST_LOCK if courtesy else max(SHORTEST_LOCK, min(LONGEST_LOCK, timeout))


class Mailbox(Tree):
    """Judges requests, and does what is not refused."""

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
            # davfs2 shows « Permission denied » for nothing but 423 (§2.5).
            shown = {"403": "423"} if request.agent == DAVFS2 else {}
            return {shown.get(refusal, refusal) for refusal in verdict.refusals}
        verdict.effect()
        return verdict.success

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
        refusals |= self._other_name(spot)
        refusals |= self._conditions(request, node)
        if cut:
            refusals |= {"400"}

        def effect() -> None:
            self._use(request, node)
            self._write(request.who, spot, request.body)

        return Verdict(refusals, {"204" if node else "201"}, effect)

    def _mkcol(self, request: Request, spot: Spot) -> Verdict:
        refusals = self._conditions(request, spot.node)
        if spot.node:
            return Verdict(refusals | {"405"})

        def effect() -> None:
            self._add(spot, Node(
                composed(spot.name), request.who, State.RESERVED, True, self.now
            ))  # fmt: skip

        return Verdict(refusals | self._landing(request, spot, folder=True), {"201"}, effect)

    def _lock(self, request: Request, spot: Spot, granted: str) -> Verdict:
        node = spot.node
        taken = {"412"} if request.free and node else set[str]()
        if node and node.state is State.SEALED:
            courtesy = self._just_sealed(request.who, node) and request.agent != DAVFS2
            late = "403" if request.agent == FINDER else "423"
            refusals = taken or (set() if courtesy else {late})
        else:
            refusals = taken | self._landing(request, spot, tokens=False) | self._other_name(spot)
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
            courtesy = locked.state is State.SEALED
            locked.locks[granted] = Lock(
                request.who, request.agent, request.exclusive,
                self.now + bounded(request.timeout, courtesy), self.now, courtesy,
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
            lock.expires = self.now + bounded(request.timeout, lock.courtesy)
            lock.used = self.now
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
            # Whatever its token: the one of who has just written is gone with the seal.
            pleased = request.dates and self._just_sealed(request.who, node)
            return Verdict(set() if pleased else {"207 no"}, {"207 yes"})
        if node.state is State.SIDE and not self._may_litter(request, spot):
            refusals |= {"403", "207 no"}
        refusals |= self._guards(request, node, below=False)

        def effect() -> None:
            self._use(request, node)
            node.touched = self.now

        return Verdict(refusals, {"207 yes"}, effect)

    def _delete(self, request: Request, spot: Spot) -> Verdict:
        node = spot.node
        if node is None:
            return Verdict({"404"})
        refusals = self._conditions(request, node) | self._removal(request, spot, node)
        if request.agent != WINDOWS:  # to which capitals are nothing
            refusals |= self._other_name(spot)
        return Verdict(refusals, {"204"}, lambda: self._drop(spot, node))

    def _copy(self, request: Request, spot: Spot) -> Verdict:
        node, target = spot.node, self.find(request.who, request.to)
        if node is None:
            return Verdict({"404"})
        refusals = self._ends(request, spot, node, target) | self._landing(request, target, node)
        refusals |= {"403"} if target.node is node else set()
        if target.node is not None:
            refusals |= self._removal(request, target, target.node) | self._other_name(target)

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
                refusals |= self._other_name(target)
            if node.is_folder and target.place != "box":
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
        archive of the same lawyer, under its own name, with nothing unfinished in it, and no
        document that somebody else has left there under a temporary name."""
        files = request.who == EXPERT and target.place == "archive"
        whole = not any(member.is_open for member in node.below())
        left = any(
            member.is_left_document and member.author != request.who for member in node.below()
        )
        if files and whole and composed(target.name) == node.name and target.node is None:
            return {"423"} if left else set()
        return {"403", "423"} if target.hidden or left else {"403"}

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
        if node.is_open and not same and not node.is_folder and is_side_name(target.name):
            node.state, node.told = State.SIDE, None
        if node.state is State.SEALED:
            self._file(spot.folders, node)
        node.name = composed(target.name)
        node.touched = self.now
        self._add(target, node)

    def _file(self, folders: tuple[Node, ...], node: Node) -> None:
        if not node.is_folder:
            self.filed.add((node.author, way_of(folders, node), node.content))
        for member in list(node.members.values()):
            self._file((*folders, node), member)

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
        self,
        request: Request,
        spot: Spot,
        arriving: Node | None = None,
        *,
        tokens: bool = True,
        folder: bool = False,
    ) -> set[str]:
        """The refusals that whoever writes under a name meets. ``arriving``: by MOVE or COPY.
        ``folder``: it makes one, and no name makes a folder a side file."""
        folder = folder or (arriving is not None and arriving.is_folder)
        if spot.lost:
            return {"409"} if self._may_add(request, spot) else {"409", "403"}
        refusals = self._guards(request, spot.node) if spot.node and tokens else set[str]()
        replaced = arriving is not None and arriving.state is not State.SIDE
        if (is_side_name(spot.name) if replaced else spot.is_side) and not folder:
            litter = arriving and arriving.state is State.SIDE and is_litter(arriving.name)
            disguised = is_litter(spot.name) and (
                bool(arriving and not litter) or bool(request.method == "PUT" and request.body)
            )
            if not self._may_litter(request, spot):
                refusals |= {"403"}
            elif disguised:
                refusals |= {"403", "423"} if spot.hidden else {"403"}
            elif spot.hidden:  # a folder of somebody else
                refusals |= {"423"}
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

    def _guards(self, request: Request, node: Node, *, below: bool = True) -> set[str]:
        """The locks in the way of a change to ``node`` and to all ``below`` it; on his own
        unfinished file an author needs no token, since Windows and davfs2 lose theirs."""
        for guarded in (node, *(node.below() if below else ())):
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
    def _other_name(spot: Spot) -> set[str]:
        """Two files whose names differ by capitals are not one file in two versions."""
        return {"403"} if spot.misspelt else set()

    @staticmethod
    def _wants_free(request: Request) -> set[str]:
        return {"412"} if request.free else set()

    @staticmethod
    def _may_add(request: Request, spot: Spot) -> bool:
        return request.who in ADDS[spot.place]

    def _may_litter(self, request: Request, spot: Spot) -> bool:
        """What may be a document is taken only where one may add; litter from Macs and Windows
        anywhere."""
        leaves = request.agent in LEAVE_LITTER and is_litter(spot.name)
        return self._may_add(request, spot) or leaves

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

    def _use(self, request: Request, node: Node | None) -> None:
        """Whoever submits his lock's token uses the lock."""
        lock = self._locks(node).get(request.token) if node else None
        if lock and lock.owner == request.who:
            lock.used = self.now
