"""Rights compiled per dossier: an immutable snapshot, valid while its revision stands still."""

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.model import Dossier, Grant, Group, Membership, Node, Participant, Role
from davserver.policy.rights import Rights

Principal = tuple[str, int]  # ("user" or "group", id)
KEPT = 2_000  # dossiers whose compiled rights stay in memory
REMEMBERED = 50_000  # answers remembered per dossier


@dataclass(frozen=True, slots=True)
class Given:
    """One grant that counts, and the folder on which it stands."""

    principal: Principal
    rights: Rights
    folder_id: int


@dataclass(frozen=True, slots=True)
class _Grant:
    rights: Rights
    recursive: bool


class RightsMap:
    """Who has which rights where, in one dossier. Reads no row once built."""

    def __init__(self, session: Session, dossier: Dossier) -> None:
        here = select(Node.id).where(Node.dossier_id == dossier.id)
        self._grants: dict[int, dict[Principal, _Grant]] = defaultdict(dict)
        for grant in session.scalars(
            select(Grant).join(Node, Node.id == Grant.node_id).where(Node.dossier_id == dossier.id)
        ):
            principal = (
                ("user", grant.user_id)
                if grant.user_id is not None
                else ("group", grant.group_id or 0)
            )
            self._grants[grant.node_id][principal] = _Grant(Rights(grant.rights), grant.recursive)
        self._cuts = frozenset(session.scalars(here.where(Node.inherits.is_(False))))
        groups = defaultdict(set)
        for user_id, group_id in session.execute(
            select(Membership.user_id, Membership.group_id)
            .join(Group, Group.id == Membership.group_id)
            .where(Group.dossier_id == dossier.id)
        ):
            groups[user_id].add(group_id)
        self._groups = {user: frozenset(ids) for user, ids in groups.items()}
        roles = session.execute(
            select(Participant.user_id, Participant.role).where(
                Participant.dossier_id == dossier.id
            )
        )
        self.roles: dict[int, Role] = dict(roles.all())
        self._answers: dict[tuple[int, tuple[int, ...]], Rights] = {}

    def of(self, user_id: int, chain: tuple[int, ...]) -> Rights:
        """The rights of a user in the last folder of ``chain`` (ids from the source folder down):
        the union of what is given to him and to his groups."""
        key = (user_id, chain)
        found = self._answers.get(key)
        if found is None:
            found = Rights.NONE
            for given in self.given(user_id, chain):
                found |= given.rights
            if len(self._answers) >= REMEMBERED:
                self._answers.clear()
            self._answers[key] = found
        return found

    def given(self, user_id: int, chain: tuple[int, ...]) -> list[Given]:
        """The grants that make up :meth:`of`: the nearest one of each principal."""
        principals: list[Principal] = [("user", user_id)]
        principals += [("group", group) for group in sorted(self._groups.get(user_id, ()))]
        found = (self._nearest(principal, chain) for principal in principals)
        return [given for given in found if given is not None]

    def _nearest(self, principal: Principal, chain: tuple[int, ...]) -> Given | None:
        cut = False
        for depth, folder_id in enumerate(reversed(chain)):
            grant = self._grants.get(folder_id, {}).get(principal)
            # « naviguer » alone is a passage right: it does not go down. A cut never takes away
            # the right to manage, else nobody could mend it.
            goes_down = grant is not None and grant.recursive and grant.rights != Rights.BROWSE
            if grant is not None and (depth == 0 or goes_down):
                if not cut or Rights.MANAGE in grant.rights:
                    return Given(principal, grant.rights, folder_id)
                return None
            cut = cut or folder_id in self._cuts
        return None


class RightsCache:
    """The compiled rights of the dossiers asked last, shared by the threads of one process.

    Staleness is impossible: every change gives the dossier a revision that it never had before, in
    the same transaction, so even what a rolled-back transaction compiled is never found again.
    """

    def __init__(self) -> None:
        self._maps: OrderedDict[tuple[int, int], RightsMap] = OrderedDict()
        self._lock = Lock()

    def of(self, session: Session, dossier: Dossier) -> RightsMap:
        """The rights of ``dossier`` at the revision that ``session`` sees."""
        key = (dossier.id, dossier.rights_revision)
        with self._lock:
            found = self._maps.get(key)
            if found is not None:
                self._maps.move_to_end(key)
                return found
        fresh = RightsMap(session, dossier)
        with self._lock:
            self._maps[key] = fresh
            while len(self._maps) > KEPT:
                self._maps.popitem(last=False)
        return fresh
