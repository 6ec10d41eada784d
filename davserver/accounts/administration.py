"""Acts on accounts and groups, each with its journal line: what every door calls.

The acts themselves are in :mod:`people` and :mod:`groups`; passwords never reach the journal.
"""

from typing import Any

from sqlalchemy import select

from davserver import journal
from davserver.accounts import devices, groups, people, second_factor
from davserver.accounts.people import PeopleProblem
from davserver.model import (
    DevicePassword,
    Dossier,
    Group,
    Membership,
    Participant,
    Role,
    User,
)
from davserver.policy import Rights
from davserver.work import Work


def add_user(work: Work, *, dossier: Dossier | None = None, **facts: Any) -> User:
    """A new account, private if ``dossier`` is given; ``facts`` as for :func:`people.add`."""
    user = people.add(work.session, now=work.now, dossier=dossier, **facts)
    _record(
        work, "user.add", dossier, user.login,
        kind=user.kind.value, administrator=user.administrator,
    )  # fmt: skip
    return user


def set_password(work: Work, user: User, password: str, *, devices_too: bool = False) -> None:
    """Give ``user`` a new password; with ``devices_too`` all his devices are refused, too."""
    people.set_password(work.session, user, password)
    revoked = devices.revoke_all(work.session, user) if devices_too else 0
    _record(work, "user.password", None, user.login, devices_revoked=revoked)


def enable_second_factor(work: Work, user: User) -> str:
    """Have ``user`` log in in two steps. Returns the ``otpauth:`` URI. Raises PeopleProblem."""
    uri = second_factor.enable(work.session, user, work.now)
    _record(work, "user.totp.enable", None, user.login)
    return uri


def disable_second_factor(work: Work, user: User) -> None:
    """Have ``user`` log in by his password alone. Raises PeopleProblem."""
    second_factor.disable(work.session, user)
    _record(work, "user.totp.disable", None, user.login)


def add_device(
    work: Work, user: User, name: str, *, dossier: Dossier | None, rights: Rights
) -> tuple[DevicePassword, str]:
    """A new device of ``user``, with its password. Raises PeopleProblem."""
    device, password = devices.add(work.session, user, name, dossier, rights, work.now)
    _record(
        work, "device.add", None, user.login,
        device=device.name, rights=int(rights), only_dossier=device.dossier_id,
    )  # fmt: skip
    return device, password


def revoke_device(work: Work, user: User, name: str) -> None:
    """Refuse a device of ``user`` from its next request on. Raises PeopleProblem."""
    device = devices.find(work.session, user, name)
    work.session.delete(device)
    work.session.flush()
    _record(work, "device.revoke", None, user.login, device=device.name)


def disable(work: Work, user: User, *, disabled: bool) -> None:
    """Shut an account out, or let it in again. Raises PeopleProblem for the last administrator."""
    if disabled:
        _require_another_administrator(work, user)
    people.disable(work.session, user, disabled=disabled)
    _record(work, "user.disable" if disabled else "user.enable", None, user.login)


def move_to_public(work: Work, user: User) -> None:
    """Make a private account a public one. Raises PeopleProblem for one that is public."""
    dossier = work.session.get(Dossier, user.dossier_id) if user.dossier_id else None
    people.move_to_public(work.session, user)
    _record(work, "user.public", dossier, user.login)


def remove(work: Work, user: User) -> None:
    """End an account. Raises PeopleProblem for the expert of a platform, and for the last
    administrator."""
    _require_another_administrator(work, user)
    login = user.login
    people.remove(work.session, user)
    _record(work, "user.remove", None, login)


def add_group(work: Work, dossier: Dossier, name: str) -> Group:
    """A new group, the dossier's expert in it. Raises PeopleProblem for a name that is taken."""
    if not name.strip():
        raise PeopleProblem("Il manque le nom du groupe.")
    group = groups.add(work.session, dossier, name.strip(), expert_of(work, dossier))
    _record(work, "group.add", dossier, group=group.name)
    return group


def join(work: Work, dossier: Dossier, group: Group, user: User) -> bool:
    """Put ``user`` into ``group``. False: he is in it. Raises PeopleProblem."""
    if work.session.get(Membership, (group.id, user.id)) is not None:
        return False
    groups.join(work.session, dossier, group, user)
    _record(work, "group.join", dossier, user.login, group=group.name)
    return True


def leave(work: Work, dossier: Dossier, group: Group, user: User) -> bool:
    """Take ``user`` out of ``group``. False: he is not in it."""
    if work.session.get(Membership, (group.id, user.id)) is None:
        return False
    groups.leave(work.session, dossier, group, user)
    _record(work, "group.leave", dossier, user.login, group=group.name)
    return True


def expert_of(work: Work, dossier: Dossier) -> User:
    """The expert of a dossier, who sees for himself in each of its groups that alerts arrive."""
    return work.session.scalars(
        select(User)
        .join(Participant, Participant.user_id == User.id)
        .where(Participant.dossier_id == dossier.id, Participant.role == Role.EXPERT)
    ).one()


def _require_another_administrator(work: Work, user: User) -> None:
    """Raise PeopleProblem if nobody but ``user`` administers the site and can log in."""
    if not user.administrator:
        return
    # Locked: of two who are shut out at once, one must see that the other is gone.
    active = work.session.scalars(
        select(User.id)
        .where(User.administrator, User.login.is_not(None), User.disabled.is_(False))
        .order_by(User.id)
        .with_for_update()
    ).all()
    if set(active) <= {user.id}:
        raise PeopleProblem(
            f"« {user.login} » est le dernier administrateur du site : ajoutez-en d'abord un autre "
            "(« davserver user add … --administrator »)."
        )


def _record(
    work: Work, act: str, dossier: Dossier | None, login: str | None = None, **facts: Any
) -> None:
    if login is not None:
        facts = {"user": login, **facts}
    journal.record(
        work.session,
        act,
        at=work.now,
        actor=work.actor.login,
        channel=work.client.channel,
        dossier_id=dossier.id if dossier else None,
        **facts,
    )
