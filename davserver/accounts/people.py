"""Accounts: made, changed, removed. Every change is effective at the account's next request."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from davserver.accounts import naming, passwords
from davserver.errors import Problem
from davserver.model import (
    AlertRule,
    DevicePassword,
    Dossier,
    Grant,
    Group,
    Lock,
    Membership,
    Node,
    Participant,
    Platform,
    SecondFactor,
    User,
    UserKind,
)


class PeopleProblem(Problem):
    """An act on accounts or groups that makes no sense; the sentence says why."""

    status = 409
    phrase = "Compte impossible"


def find(session: Session, login: str) -> User:
    """The account with this login. Raises PeopleProblem."""
    user = session.scalars(select(User).where(User.login == login.strip().lower())).first()
    if user is None:
        raise PeopleProblem(f"Aucun compte « {login} ».")
    return user


def add(
    session: Session,
    *,
    first_name: str,
    last_name: str,
    email: str,
    password: str,
    now: datetime,
    login: str = "",
    dossier: Dossier | None = None,
    administrator: bool = False,
    password_hash: str = "",
) -> User:
    """A new account: private if ``dossier`` is given, else public. Raises PeopleProblem.

    ``password_hash`` is the hash of ``password`` where it was made already: many accounts of one
    password need it once.
    """
    try:
        first, last = naming.checked_person(first_name, last_name, email)
        login = naming.checked_login(login or naming.proposed_login(first, last))
        address = naming.checked_email(email)
        password_hash = password_hash or passwords.hashed(password)
    except ValueError as error:
        raise PeopleProblem(str(error)) from None
    if session.scalar(select(User.id).where(User.login == login)) is not None:
        raise PeopleProblem(f"L'identifiant « {login} » est déjà pris.")
    user = User(
        login=login,
        kind=UserKind.PRIVATE if dossier else UserKind.PUBLIC,
        dossier_id=dossier.id if dossier else None,
        first_name=first,
        last_name=last,
        email=address,
        password_hash=password_hash,
        administrator=administrator,
        created=now,
    )
    session.add(user)
    session.flush()
    return user


def set_password(session: Session, user: User, password: str) -> None:
    """Give ``user`` a new password; the old one is refused from now on. His devices have their own:
    see :func:`davserver.accounts.devices.revoke_all`."""
    try:
        user.password_hash = passwords.hashed(password)
    except passwords.BadPassword as error:
        raise PeopleProblem(str(error)) from None
    session.flush()


def disable(session: Session, user: User, *, disabled: bool) -> None:
    """Shut an account out, or let it in again."""
    user.disabled = disabled
    session.flush()


def move_to_public(session: Session, user: User) -> None:
    """A private user whom other dossiers will need: he keeps login, password and rights."""
    if user.kind is UserKind.PUBLIC:
        raise PeopleProblem(f"« {user.login} » est déjà un utilisateur public.")
    user.kind = UserKind.PUBLIC
    user.dossier_id = None
    session.flush()


def remove(session: Session, user: User) -> None:
    """End an account: no login, no devices, no rights, no groups, no locks. What it deposited keeps
    its name.

    The row stays and its id is never given again, so a new account with the same login inherits
    nothing. Raises PeopleProblem for the expert of a platform.
    """
    if session.scalar(select(Platform.id).where(Platform.expert_id == user.id)) is not None:
        raise PeopleProblem(f"« {user.login} » est l'expert d'une plateforme : elle reste à lui.")
    touched = set(
        session.scalars(
            select(Node.dossier_id)
            .join(Grant, Grant.node_id == Node.id)
            .where(Grant.user_id == user.id)
        )
    ) | set(
        session.scalars(
            select(Group.dossier_id)
            .join(Membership, Membership.group_id == Group.id)
            .where(Membership.user_id == user.id)
        )
    )
    for table in (
        Grant, AlertRule, Membership, Participant, Lock, DevicePassword, SecondFactor,
    ):  # fmt: skip
        session.execute(delete(table).where(table.user_id == user.id))
    for dossier in session.scalars(select(Dossier).where(Dossier.id.in_(touched))):
        dossier.rights_changed()
    user.login = None
    user.password_hash = ""
    user.disabled = True
    session.flush()
