"""Device passwords: one per device, revocable, limited if wanted; used with the person's login.

They are random and long (about 119 bits), so one fast hash keeps them: nobody can search all of
them, and nobody chooses them. They are found by their digest, in the row of the person that is
announced.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from davserver.accounts import naming, passwords
from davserver.accounts.people import PeopleProblem
from davserver.model import DevicePassword, Dossier, Participant, User
from davserver.policy import Device, Rights

GROUPS = 6  # of four characters
LONGEST_NAME = 80
RIGHTS = {
    "read": Rights.READ,
    "deposit": Rights.READ | Rights.ADD,
    "all": Rights.ALL,
}
"""What a device may be limited to, by the word for it."""
_FORM = re.compile(rf"[a-z2-9]{{4}}(-[a-z2-9]{{4}}){{{GROUPS - 1}}}")


def add(
    session: Session, user: User, name: str, dossier: Dossier | None, rights: Rights, now: datetime
) -> tuple[DevicePassword, str]:
    """A new device of ``user``, and its password, which is kept nowhere.

    Raises PeopleProblem for a name that is none or taken, and a dossier that is not his.
    """
    shown = " ".join(name.split())
    if not shown or len(shown) > LONGEST_NAME or not shown.isprintable():
        raise PeopleProblem(f"Le nom d'un appareil a de 1 à {LONGEST_NAME} caractères.")
    if _named(session, user, shown) is not None:
        raise PeopleProblem(f"« {user.login} » a déjà un appareil « {shown} ».")
    if dossier is not None and session.get(Participant, (dossier.id, user.id)) is None:
        raise PeopleProblem(f"« {user.login} » ne participe pas au dossier « {dossier.title} ».")
    password = passwords.generated(GROUPS)
    device = DevicePassword(
        user_id=user.id,
        name=shown,
        digest=digest(password),
        dossier_id=dossier.id if dossier is not None else None,
        rights=int(rights),
        created=now,
    )
    session.add(device)
    session.flush()
    return device, password


def of(session: Session, user: User) -> Sequence[DevicePassword]:
    """The devices of ``user``, by name."""
    return session.scalars(
        select(DevicePassword)
        .where(DevicePassword.user_id == user.id)
        .order_by(DevicePassword.name)
    ).all()


def find(session: Session, user: User, name: str) -> DevicePassword:
    """The device of ``user`` called ``name``. Raises PeopleProblem."""
    device = _named(session, user, " ".join(name.split()))
    if device is None:
        raise PeopleProblem(f"« {user.login} » n'a pas d'appareil « {name} ».")
    return device


def revoke_all(session: Session, user: User) -> int:
    """Refuse all devices of ``user`` from now on. Returns how many there were."""
    found = of(session, user)
    session.execute(delete(DevicePassword).where(DevicePassword.user_id == user.id))
    return len(found)


def of_password(session: Session, login: str, password: str) -> tuple[User, DevicePassword] | None:
    """Whose device has this password; None unless it is one of ``login``."""
    if not _FORM.fullmatch(password) or not naming.is_login(login):
        return None
    found = session.execute(
        select(User, DevicePassword)
        .join(DevicePassword, DevicePassword.user_id == User.id)
        .where(DevicePassword.digest == digest(password), User.login == login)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def note_use(session: Session, device_id: int, door: str, day: date) -> None:
    """Note that the device was used on ``day``; the caller does so once a day and door."""
    device = session.get(DevicePassword, device_id)
    if device is not None:
        device.used_on, device.used_by = day, door


def facts(device: DevicePassword) -> Device:
    """The device as policies see it."""
    return Device(device.id, device.name, device.dossier_id, Rights(device.rights))


def digest(password: str) -> str:
    """What is kept of a password of this kind."""
    return hashlib.sha256(password.encode()).hexdigest()


def _named(session: Session, user: User, name: str) -> DevicePassword | None:
    return session.scalars(
        select(DevicePassword).where(DevicePassword.user_id == user.id, DevicePassword.name == name)
    ).first()
