"""MKCOL: a new folder."""

from collections.abc import Sequence

from davserver.errors import NotAllowed
from davserver.model import Dossier, Node, NodeKind, NodeState
from davserver.tree import locks, properties, verbs, write
from davserver.tree.lookup import Path, Spot, box_of, find, find_held
from davserver.tree.put import Guard
from davserver.work import Work


def announce(work: Work, path: Path) -> None:
    """Raise NotAllowed where the actor sees something, as :func:`make` would: programs make the
    folder of each file that they send, and most often it is there. Nobody has to wait for a
    writer's turn to be told so."""
    _require_unseen(find(work, path))


def make(work: Work, path: Path, guard: Guard, described: Sequence[properties.Change] = ()) -> Node:
    """A folder under a free name, with these properties. In a mailbox it stays its author's until
    a piece in it is sealed.

    Raises NotAllowed (name taken, RFC 4918 §9.3.1), Conflict (no parent), Refused, Locked.
    """
    spot = find_held(work, path)
    _require_unseen(spot)
    dossier, _ = spot.place()
    known = spot.as_seen()
    guard(work, known)
    work.gate.require(verbs.mkcol(work, known))
    spot.require_free()
    locks.require(work, spot.folders, None, membership=True)
    node = create(work, dossier, spot)
    properties.set_all(work, dossier, node, described)
    return node


def _require_unseen(spot: Spot) -> None:
    if spot.is_root or (spot.node is not None and spot.seen):
        raise NotAllowed("Ce nom est déjà pris.")


def create(work: Work, dossier: Dossier, spot: Spot) -> Node:
    """A new folder at a free ``spot``, in the state that its place gives it.

    The caller has asked the gate.
    """
    _, parent = spot.place()
    if verbs.is_side(work, spot, folder=True):
        state = NodeState.SIDE
    elif box_of(spot.folders) is not None:
        state = NodeState.RESERVED
    else:
        state = NodeState.PUBLISHED
    node = write.new_node(work, dossier, parent, spot.name, NodeKind.FOLDER, state)
    if state is NodeState.PUBLISHED:
        write.record(work, "folder.make", dossier, path=write.path_of(spot.folders, node.name))
    return node
