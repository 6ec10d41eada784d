"""How much room a dossier has, as one person may know it: what he may not see takes none."""

from dataclasses import dataclass

from sqlalchemy import func, select

from davserver.model import Dossier, Node, NodeKind, NodeState, Role
from davserver.tree.lookup import folders_seen
from davserver.work import Work

_OPEN = (NodeState.RESERVED, NodeState.RECEIVED)


@dataclass(frozen=True)
class Room:
    """Bytes. ``left`` may promise more than there is: a transfer that finds less is refused."""

    used: int
    left: int


def as_seen(work: Work, dossier: Dossier) -> Room:
    """The room of ``dossier`` for the actor. The other dossiers of the platform are the business of
    its expert alone."""
    facts = work.facts(dossier)
    used = _seen(work, dossier)
    expert = work.rights_map(dossier).roles.get(work.actor.id) is Role.EXPERT
    platform = facts.platform_used - _unseen_on_platform(work, dossier) if expert else used
    return Room(used, max(0, min(facts.quota - used, facts.platform_quota - platform)))


def _seen(work: Work, dossier: Dossier) -> int:
    """The bytes of the files that the actor sees, his own unfinished ones included."""
    files = select(func.sum(Node.size)).where(
        Node.dossier_id == dossier.id, Node.kind == NodeKind.FILE
    )
    published = files.add_columns(Node.parent_id).where(Node.state == NodeState.PUBLISHED)
    sizes = {
        folder: size for size, folder in work.session.execute(published.group_by(Node.parent_id))
    }
    own = work.session.scalar(files.where(Node.state.in_(_OPEN), Node.author_id == work.actor.id))
    shown = sum(sizes.get(folder, 0) for folder, _, views in folders_seen(work, dossier) if views)
    return int(shown + (own or 0))


def _unseen_on_platform(work: Work, dossier: Dossier) -> int:
    """The bytes of what others have not finished, in all dossiers of the platform."""
    size = work.session.scalar(
        select(func.sum(Node.size))
        .join(Dossier, Dossier.id == Node.dossier_id)
        .where(
            Dossier.platform_id == dossier.platform_id,
            Node.state.in_(_OPEN),
            Node.author_id != work.actor.id,
        )
    )
    return int(size or 0)
