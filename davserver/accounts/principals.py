"""The people and groups that somebody may know of: himself, and those of his dossiers."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from davserver.model import Group, Membership, Participant, User


def users_known_to(session: Session, user_id: int) -> list[User]:
    """The user and those who take part in a dossier with him."""
    mine = select(Participant.dossier_id).where(Participant.user_id == user_id)
    others = select(Participant.user_id).where(Participant.dossier_id.in_(mine))
    return list(
        session.scalars(
            select(User)
            .where(or_(User.id == user_id, User.id.in_(others)), User.login.is_not(None))
            .order_by(User.id)
        )
    )


def groups_known_to(session: Session, user_id: int) -> list[Group]:
    """The groups that the user is in."""
    return list(
        session.scalars(
            select(Group)
            .join(Membership, Membership.group_id == Group.id)
            .where(Membership.user_id == user_id)
            .order_by(Group.id)
        )
    )


def members_of(session: Session, group_id: int) -> list[int]:
    """The ids of the users in a group."""
    return list(
        session.scalars(
            select(Membership.user_id)
            .where(Membership.group_id == group_id)
            .order_by(Membership.user_id)
        )
    )
