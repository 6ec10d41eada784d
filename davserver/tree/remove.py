"""DELETE: a node and all below it, whole or not at all."""

from davserver.errors import Refused
from davserver.model import NodeState
from davserver.tree import locks, verbs, write
from davserver.tree.lookup import Path, find_held
from davserver.tree.members import below
from davserver.tree.put import Guard
from davserver.work import Work


def remove(work: Work, path: Path, guard: Guard) -> None:
    """Remove what stands at ``path``. One member that may not be removed refuses all.

    Raises NotFound, Refused, Locked (also for a lock on a member), PreconditionFailed.
    """
    spot = find_held(work, path)
    if spot.is_root:
        raise Refused("La racine ne se supprime pas.")
    dossier, node = spot.existing()
    guard(work, spot)
    inside = below(work, spot.folders, node)
    work.gate.require(verbs.delete(work, spot, inside))
    locks.require(work, spot.folders, node, membership=True, deep=True)
    facts = {"path": write.path_of(spot.folders, node.name), "sha256": node.sha256}
    act = "deposit.drop" if node.is_open else "node.remove"
    counted = node.state is not NodeState.SIDE
    write.remove_tree(work, dossier, node)
    if counted:
        write.record(work, act, dossier, members=len(inside), **facts)
