"""Rights compiled per dossier: an immutable snapshot, valid while its revision stands still."""

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.model import Dossier, Grant, Group, Membership, Node, Participant, Role
from davserver.policy.rights import Rights

Principal = tuple[str, int]  # ("user" or "group", id)
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
        here = select(Node.id).where(Node.folders(), Node.dossier_id == dossier.id)
        self._grants: dict[int, dict[Principal, _Grant]] = defaultdict(dict)
        for grant in session.scalars(
            select(Grant)
            .join(Node, Node.id == Grant.node_id)
            .where(Node.folders(), Node.dossier_id == dossier.id)
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
        own = sorted(self.principals(user_id), key=lambda found: (found[0] != "user", found[1]))
        found = (self._nearest(principal, chain) for principal in own)
        return [given for given in found if given is not None]

    def principals(self, user_id: int) -> frozenset[Principal]:
        """A user with the groups of the dossier that he is in."""
        groups = self._groups.get(user_id, frozenset())
        return frozenset({("user", user_id), *(("group", group) for group in groups)})

    def all_given(self, chain: tuple[int, ...]) -> list[Given]:
        """The grants that count in the last folder of ``chain``, of whomever they are."""
        named = {principal for folder in chain for principal in self._grants.get(folder, {})}
        found = (self._nearest(principal, chain) for principal in sorted(named))
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
