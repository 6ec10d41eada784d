"""The life of a dossier after its creation: found, stated, closed, purged."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.orm import Session

from davserver import journal
from davserver.accounts import people
from davserver.accounts.people import PeopleProblem
from davserver.dossiers import export
from davserver.dossiers.create import create_platform
from davserver.errors import Problem
from davserver.model import (
    Deposit,
    DevicePassword,
    Dossier,
    DossierKind,
    DossierState,
    Group,
    Message,
    Node,
    NodeRole,
    Participant,
    Platform,
    Representation,
    User,
    UserKind,
)
from davserver.names import name_key
from davserver.tree import write
from davserver.work import Work


class DossierProblem(Problem):
    """An act on a dossier that makes no sense; the sentence says why."""

    status = 409
    phrase = "Dossier impossible"


def find(session: Session, title: str) -> Dossier:
    """The dossier of this title, or the only one whose title begins so. Raises DossierProblem.

    A purged one is found only where no living one has the title.
    """
    wanted = name_key(title.strip())
    dossiers = session.scalars(
        select(Dossier).where(Dossier.kind == DossierKind.EXPERTISE).order_by(Dossier.id.desc())
    ).all()
    begun = [dossier for dossier in dossiers if name_key(dossier.title).startswith(wanted)]
    exact = [dossier for dossier in begun if name_key(dossier.title) == wanted]
    found = exact or begun
    living = [dossier for dossier in found if dossier.state is not DossierState.PURGED]
    if living:
        found = living
    elif exact:
        found = exact[:1]
    if not wanted or not found:
        raise DossierProblem(f"Aucun dossier « {title} ».")
    if len(found) > 1:
        titles = ", ".join(f"« {dossier.title} »" for dossier in found)
        raise DossierProblem(f"« {title} » peut désigner plusieurs dossiers : {titles}.")
    return found[0]


def set_state(work: Work, dossier: Dossier, state: DossierState) -> None:
    """Bring a dossier into another state; its deposits and readers feel it at once.

    Raises DossierProblem for a purged one, and for « purgé », which :func:`purge` alone gives.
    """
    _require_content(dossier)
    if state is DossierState.PURGED:
        raise DossierProblem("Un dossier ne devient « purgé » que par sa purge.")
    work.hold(dossier)
    before = dossier.state
    if before is not state:
        dossier.state, dossier.state_since = state, work.now
    write.record(work, "dossier.state", dossier, state=state.value, before=before.value)


def set_deadline(work: Work, dossier: Dossier, deadline: datetime | None) -> None:
    """Set the end of the time for dires, None for no end. Deposits received later are late; what
    is sealed already keeps its mention."""
    _require_content(dossier)
    work.hold(dossier)
    before, dossier.deadline = dossier.deadline, deadline
    write.record(work, "dossier.deadline", dossier, deadline=deadline, before=before)


def make_expert(work: Work, user: User) -> Platform:
    """Give ``user`` a platform of his own, with his private space. Raises PeopleProblem."""
    if user.kind is UserKind.PRIVATE:
        raise PeopleProblem(f"« {user.login} » est un utilisateur privé : il ne peut être expert.")
    platform = create_platform(work, user)
    journal.record(
        work.session, "platform.create", at=work.now, actor=work.actor.login,
        channel=work.client.channel, expert=user.login, quota=platform.quota,
    )  # fmt: skip
    return platform


def purge(work: Work, dossier: Dossier) -> Mapping[str, Any]:
    """Erase a dossier: content, boxes, groups, rights, alerts, private accounts. Returns the
    certificate, which is also its journal line: dates, counts, the hash of the manifest, no name.

    The row stays, so do the deposits' numbers, hashes and dates. Public accounts stay; a private
    one that a deposit names keeps an empty row. The bytes go with the sweep. Raises DossierProblem.
    """
    _require_content(dossier)
    work.hold(dossier)
    manifest = export.manifest(work, dossier)
    users = work.session.scalars(
        select(User).where(User.kind == UserKind.PRIVATE, User.dossier_id == dossier.id)
    ).all()
    certificate = {
        "reference": dossier.reference,
        "opened": dossier.created.isoformat(),
        "state": dossier.state.value,
        "state_since": dossier.state_since.isoformat(),
        "files": len(manifest.files),
        "bytes": sum(file.size for file in manifest.files),
        "deposits": work.session.scalar(
            select(func.count(Deposit.id)).where(
                Deposit.dossier_id == dossier.id, Deposit.number.is_not(None)
            )
        ),
        "private_users": len(users),
        "manifest_sha256": manifest.sha256,
    }
    _erase(work, dossier)
    for user in users:
        _forget(work, user)
    dossier.state, dossier.state_since = DossierState.PURGED, work.now
    dossier.rights_changed()
    work.session.flush()
    write.record(work, "dossier.purge", dossier, **certificate)
    return certificate


def _erase(work: Work, dossier: Dossier) -> None:
    """The rows of the content and of all that hangs on it."""
    for table in (Message, Group, Participant, Representation, DevicePassword):
        work.session.execute(
            delete(table)
            .where(table.dossier_id == dossier.id)
            .execution_options(synchronize_session=False)
        )
    source = work.session.scalars(
        select(Node).where(Node.dossier_id == dossier.id, Node.role == NodeRole.SOURCE)
    ).one()
    write.remove_tree(work, dossier, source)


def _forget(work: Work, user: User) -> None:
    """End a private account; its row goes too, unless something that stays names it."""
    people.remove(work.session, user)
    named = work.session.scalar(
        select(
            or_(
                exists().where(Deposit.author_id == user.id),
                exists().where(Node.author_id == user.id),
                exists().where(Message.depositor_id == user.id),
            )
        )
    )
    if named:
        user.first_name = user.last_name = user.email = ""
    else:
        work.session.delete(user)
    work.session.flush()


def _require_content(dossier: Dossier) -> None:
    if dossier.kind is not DossierKind.EXPERTISE:
        raise DossierProblem("L'espace de l'expert n'est pas un dossier d'expertise.")
    if dossier.state is DossierState.PURGED:
        raise DossierProblem(f"Le dossier « {dossier.title} » a été purgé.")
