"""The people and groups that somebody may know of: himself, and those of his dossiers; by a
device that is limited to one dossier, those of this one."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from davserver.model import Group, Membership, Participant, User
from davserver.policy import Actor


def users_known_to(session: Session, actor: Actor) -> list[User]:
    """The actor and those who take part in a dossier with him."""
    mine = select(Participant.dossier_id).where(Participant.user_id == actor.id)
    if actor.device is not None and actor.device.dossier_id is not None:
        mine = mine.where(Participant.dossier_id == actor.device.dossier_id)
    others = select(Participant.user_id).where(Participant.dossier_id.in_(mine))
    return list(
        session.scalars(
            select(User)
            .where(or_(User.id == actor.id, User.id.in_(others)), User.login.is_not(None))
            .order_by(User.id)
        )
    )


def groups_known_to(session: Session, actor: Actor) -> list[Group]:
    """The groups that the actor is in."""
    wanted = (
        select(Group)
        .join(Membership, Membership.group_id == Group.id)
        .where(Membership.user_id == actor.id)
        .order_by(Group.id)
    )
    if actor.device is not None and actor.device.dossier_id is not None:
        wanted = wanted.where(Group.dossier_id == actor.device.dossier_id)
    return list(session.scalars(wanted))


def members_of(session: Session, group_id: int) -> list[int]:
    """The ids of the users in a group."""
    return list(
        session.scalars(
            select(Membership.user_id)
            .where(Membership.group_id == group_id)
            .order_by(Membership.user_id)
        )
    )
