"""Groups of a dossier: the principals that rights and alerts usually name."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from davserver.accounts.people import PeopleProblem
from davserver.model import Dossier, Group, Membership, User, UserKind


def find(session: Session, dossier: Dossier, name: str) -> Group:
    """The group of ``dossier`` called ``name``. Raises PeopleProblem."""
    group = session.scalars(
        select(Group).where(Group.dossier_id == dossier.id, Group.name == name)
    ).first()
    if group is None:
        raise PeopleProblem(f"Aucun groupe « {name} » dans ce dossier.")
    return group


def add(session: Session, dossier: Dossier, name: str, expert: User) -> Group:
    """A new group, the expert in it: so he sees for himself that alerts arrive."""
    if session.scalar(select(Group.id).where(Group.dossier_id == dossier.id, Group.name == name)):
        raise PeopleProblem(f"Le groupe « {name} » existe déjà dans ce dossier.")
    group = Group(dossier_id=dossier.id, name=name)
    session.add(group)
    session.flush()
    join(session, dossier, group, expert)
    return group


def join(session: Session, dossier: Dossier, group: Group, user: User) -> None:
    """Put ``user`` into ``group``; does nothing if he is in it. A private user of another dossier
    is refused."""
    if user.kind is UserKind.PRIVATE and user.dossier_id != dossier.id:
        raise PeopleProblem(f"« {user.login} » est un utilisateur privé d'un autre dossier.")
    if session.get(Membership, (group.id, user.id)) is None:
        session.add(Membership(group_id=group.id, user_id=user.id))
        dossier.rights_changed()
        session.flush()


def leave(session: Session, dossier: Dossier, group: Group, user: User) -> None:
    """Take ``user`` out of ``group``."""
    session.execute(
        delete(Membership).where(Membership.group_id == group.id, Membership.user_id == user.id)
    )
    dossier.rights_changed()
    session.flush()


def members(session: Session, group: Group) -> Sequence[User]:
    """Who is in ``group``, by login."""
    return session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.group_id == group.id)
        .order_by(User.login)
    ).all()
