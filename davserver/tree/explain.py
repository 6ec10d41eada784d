"""Why somebody may do something, or not: the operation itself is tried, and undone.

The trial runs inside a savepoint that is always rolled back, through the very operations that the
doors call, under a gate that notes what it is asked. So the answer cannot differ from the server's.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import select

from davserver.accounts import second_factor
from davserver.accounts.credentials import actor_of
from davserver.errors import Conflict, NotFound, Problem, Refused, TooLarge
from davserver.model import Dossier, Group, Lock, User
from davserver.policy import Act, Action, Actor, Decision, Device
from davserver.policy.gate import Gate
from davserver.policy.rights import Rights
from davserver.storage import Stored
from davserver.tree import (
    duplicate,
    folders,
    grants,
    locking,
    locks,
    properties,
    put,
    relocate,
    remove,
    verbs,
)
from davserver.tree.lookup import Path, find
from davserver.tree.write import EMPTY, Content
from davserver.work import Caches, Client, Work

TREE, LOCKS, ACCOUNT = "tree", "locks", "account"
"""What decides where no policy does: what stands in the tree, a lock, the account itself."""
_PROPERTY = "{urn:davserver:explain}property"
_ELEMENT = '<property xmlns="urn:davserver:explain"/>'
_LOCK_CONDITIONS = ("lock-token-submitted", "no-conflicting-lock", "lock-token-matches-request-uri")


@dataclass(frozen=True)
class Question:
    """A request that somebody might send. ``slash``: the path ends with one. ``size`` is that of
    the content in bytes, ``sha256`` its hash where it matters, ``to`` the destination, ``device``
    the one whose password is given, None for the main password."""

    verb: str
    path: Path
    slash: bool = False
    to: Path | None = None
    size: int | None = None
    sha256: str = ""
    agent: str = ""
    device: Device | None = None


@dataclass(frozen=True)
class Counted:
    """A grant that counted, and the folder on which it stands."""

    folder: str
    principal: str
    rights: Rights


@dataclass(frozen=True)
class Explanation:
    """The server's answer, the rule that decided it, why, and the grants that counted.

    ``property_status`` is that of each property of a PROPPATCH, whose own status is 207.
    """

    allowed: bool
    status: int
    rule: str
    reason: str
    grants: tuple[Counted, ...] = ()
    property_status: int | None = None


def explain(work: Work, user: User, question: Question) -> Explanation:
    """What would become of ``question`` if ``user`` asked it now. Changes nothing.

    ``work`` is one that may write, since the trial does. Locks that the user holds count as his.
    Raises ValueError for a verb that is not in :data:`VERBS`.
    """
    if question.verb not in VERBS:
        raise ValueError(question.verb)
    if user.login is None or user.disabled:
        return Explanation(False, 401, ACCOUNT, "Ce compte est désactivé.")
    if question.device is None and second_factor.is_enabled(work.session, user):
        return Explanation(
            False, 401, ACCOUNT,
            "Ce compte se connecte en deux étapes : le lecteur n'accepte que ses appareils.",
        )  # fmt: skip
    actor = actor_of(user, question.device)
    witness = _Witness(work.gate)
    answer: int | Problem
    savepoint = work.session.begin_nested()
    try:
        answer = VERBS[question.verb](_trial(work, actor, witness, question.agent), question)
    except Problem as problem:
        answer = problem
    finally:
        savepoint.rollback()
        # What the trial read after its own changes was never true.
        work.session.expire_all()
    if isinstance(answer, Problem):
        denied = witness.denied(passing=isinstance(answer, (NotFound, Conflict)))
        return _refusal(_trial(work, actor, witness, ""), answer, denied)
    return _permission(_trial(work, actor, witness, ""), question, answer, witness)


class _PropertyRefused(Problem):
    """The request is answered by 207, its properties by 403."""

    status = 207


class _Witness(Gate):
    """The site's gate, which notes what it is asked: in passing, or as what decides."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.names = gate.names
        self.last: tuple[Action, Decision] | None = None
        self.required: list[tuple[Action, Decision]] = []
        self._requiring = False

    def judge(self, action: Action) -> Decision:
        if action.act is Act.PUBLISH:
            return Decision.allow("")  # there is no content: what it holds is not in question
        decision = self._gate.judge(action)
        self.last = (action, decision)
        if self._requiring:
            self.required.append(self.last)
        return decision

    def require(self, actions: Iterable[Action]) -> None:
        self._requiring = True
        try:
            super().require(actions)
        finally:
            self._requiring = False

    def inspect(self, action: Action, head: bytes) -> Decision | None:
        decision = self._gate.inspect(action, head)
        if decision is not None:
            self.required.append((action, decision))
        return decision

    def denied(self, *, passing: bool) -> tuple[Action, Decision] | None:
        """The no that decided; with ``passing`` also one that hid what was looked for."""
        for action, decision in self.required:
            if not decision.allowed:
                return action, decision
        if passing and self.last is not None and not self.last[1].allowed:
            return self.last
        return None


def _trial(work: Work, actor: Actor, gate: Gate, agent: str) -> Work:
    """The work as ``actor`` would do it; what it compiles of rights is kept from all others."""
    tokens = work.session.scalars(
        select(Lock.token).where(Lock.user_id == actor.id, Lock.expires > work.now)
    )
    return Work(
        work.session,
        work.settings,
        gate,
        work.blobs,
        Caches(),
        actor,
        Client("webdav", agent, frozenset(tokens)),
        work.now,
        writes=True,
    )


def _permission(work: Work, question: Question, status: int, witness: _Witness) -> Explanation:
    asked = [asked for asked in witness.required if asked[1].allowed]
    if not asked and witness.last is not None:
        asked = [witness.last]
    return Explanation(
        allowed=True,
        status=status,
        rule=asked[-1][1].rule if asked else TREE,
        reason=asked[-1][1].reason if asked else "Toute personne identifiée le peut.",
        grants=_counted(work, [action for action, _ in asked]),
        property_status=200 if question.verb == "PROPPATCH" else None,
    )


def _refusal(work: Work, problem: Problem, denied: tuple[Action, Decision] | None) -> Explanation:
    rule, reason = TREE, problem.sentence
    if denied is not None:
        action, decision = denied
        rule, reason = decision.rule, decision.reason
        if decision.hides:
            # Whoever asks is told less: that it is not there.
            reason = f"{problem.sentence} ({action.path} : {decision.reason})"
    elif problem.condition in _LOCK_CONDITIONS:
        rule = LOCKS
    return Explanation(
        allowed=False,
        status=problem.status,
        rule=rule,
        reason=reason,
        grants=_counted(work, [denied[0]] if denied else []),
        property_status=403 if isinstance(problem, _PropertyRefused) else None,
    )


def _counted(work: Work, actions: Iterable[Action]) -> tuple[Counted, ...]:
    """The grants behind the rights of ``actions``, each once."""
    found: dict[Counted, None] = {}
    seen = set()
    for action in actions:
        chain = tuple(folder.id for folder in action.chain)
        dossier = work.session.get(Dossier, action.dossier.id)
        if dossier is None or chain in seen:
            continue
        seen.add(chain)
        for given in work.rights_map(dossier).given(work.actor.id, chain):
            kind, key = given.principal
            principal: grants.Principal = (
                work.session.get_one(User, key)
                if kind == "user"
                else work.session.get_one(Group, key)
            )
            names = [folder.name for folder in action.chain[: chain.index(given.folder_id) + 1]]
            found[Counted("/" + "/".join(names), grants.word(principal), given.rights)] = None
    return tuple(found)


def _options(work: Work, question: Question) -> int:
    return 200


def _get(work: Work, question: Question) -> int:
    spot = find(work, question.path)
    if spot.is_root:
        return 200
    _, node = spot.existing()
    if not node.is_folder:
        work.gate.require(verbs.get(work, spot))
    return 200


def _propfind(work: Work, question: Question) -> int:
    work.gate.require(verbs.propfind(work, find(work, question.path)))
    return 207


def _put(work: Work, question: Question) -> int:
    if question.slash:
        raise Conflict("Cette adresse est celle d'un dossier.")
    most = work.settings.limits.file_bytes
    if question.size is not None and question.size > most:
        raise TooLarge(f"Un fichier ne dépasse pas {most // 1_000_000} Mo sur ce serveur.")
    put.announce(work, question.path, question.size, put.no_condition)
    size = 1 if question.size is None else question.size
    content = Content(Stored("explained", size, question.sha256 or "0" * 64)) if size else EMPTY
    return 201 if put.store(work, question.path, content, put.no_condition).created else 204


def _mkcol(work: Work, question: Question) -> int:
    folders.make(work, question.path, put.no_condition)
    return 201


def _delete(work: Work, question: Question) -> int:
    remove.remove(work, question.path, put.no_condition)
    return 204


def _copy(work: Work, question: Question) -> int:
    both = duplicate.copy(
        work, question.path, _target(question), put.no_condition, overwrite=True, deep=True
    )
    return 201 if both.created else 204


def _move(work: Work, question: Question) -> int:
    both = relocate.move(work, question.path, _target(question), put.no_condition, overwrite=True)
    return 201 if both.created else 204


def _target(question: Question) -> Path:
    if not question.path or not question.to:
        raise Refused("La racine ne se copie ni ne se déplace.")
    return question.to


def _lock(work: Work, question: Question) -> int:
    spot = find(work, question.path)
    if spot.node is not None and spot.seen and spot.node.is_piece:
        _ask(work, verbs.lock(work, spot, []))
    wanted = locking.Wanted(exclusive=True, infinite=False, owner="", timeout=None)
    _, _, created = locking.lock(work, question.path, wanted, put.no_condition)
    return 201 if created else 200


def _unlock(work: Work, question: Question) -> int:
    spot = find(work, question.path).as_seen()
    found = locks.over(work, spot.folders, spot.node)
    own = [lock for lock in found if lock.user_id == work.actor.id]
    token = next((lock.token for lock in [*own, *found]), "")
    locking.unlock(work, question.path, token)
    return 204


def _proppatch(work: Work, question: Question) -> int:
    changes = [properties.Change(_PROPERTY, _ELEMENT)]
    spot, permitted = properties.describe(work, question.path, changes, put.no_condition)
    if not permitted:
        _ask(work, verbs.proppatch(work, spot))
        raise _PropertyRefused("Cette propriété ne se change pas.")
    return 207


def _ask(work: Work, actions: Iterable[Action]) -> None:
    """Have the gate's reason where the operation answers without asking it."""
    try:
        work.gate.require(actions)
    except Problem:
        return


VERBS: dict[str, Callable[[Work, Question], int]] = {
    "OPTIONS": _options,
    "GET": _get,
    "HEAD": _get,
    "PROPFIND": _propfind,
    "PUT": _put,
    "MKCOL": _mkcol,
    "DELETE": _delete,
    "COPY": _copy,
    "MOVE": _move,
    "LOCK": _lock,
    "UNLOCK": _unlock,
    "PROPPATCH": _proppatch,
}
"""How each verb is tried; the value is the status of its success."""
