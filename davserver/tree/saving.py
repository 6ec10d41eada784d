"""Saving by two renames, as Word, Excel and their kin do: the document goes to a temporary name,
and the temporary file with the new content takes its place. Both are one document."""

from datetime import timedelta

from sqlalchemy import select

from davserver.model import Node, NodeKind, NodeState, Removal
from davserver.names import name_key
from davserver.tree import side_files, verbs
from davserver.tree.lookup import Spot, child
from davserver.work import Work

SAVING = timedelta(minutes=5)  # between the two renames, at the most


def set_aside(work: Work, source: Spot, target: Spot) -> Spot | None:
    """Where the document lies that bore the name of ``target`` until the actor himself, by its last
    rename and a moment ago, gave it a temporary name: what the temporary file ``source`` is the new
    content of.

    None where there is none, and where the actor may not write into it, may not have the old
    content, or has no room for it among his temporary files: then ``source`` is another document.
    """
    _, node = source.existing()
    if node.state is not NodeState.SIDE or node.is_folder or target.node is not None:
        return None
    document = _renamed(work, target)
    if document is None or not verbs.is_temporary(work, document.name):
        return None
    there, parent = target.place()
    path = (*target.path[:-1], document.name)
    aside = Spot(path, there, target.folders, document, seen=True)
    # Where the old content is to go may stand nothing but what goes itself.
    free = child(work, parent, document.name) in (document, node)
    room = side_files.has_room(work, document.size - node.size)
    acts = verbs.save(work, source, aside, target)
    return aside if free and room and all(work.gate.permits(act) for act in acts) else None


def _renamed(work: Work, target: Spot) -> Node | None:
    """The shared document in the folder of ``target`` that the actor renamed from its name."""
    _, parent = target.place()
    recent = work.session.execute(
        select(Node, Removal)
        .join(Removal, Removal.node_id == Node.id)
        .where(
            Node.parent_id == parent.id,
            Node.kind == NodeKind.FILE,
            Node.state == NodeState.PUBLISHED,
            Removal.parent_id == parent.id,
            Removal.actor_id == work.actor.id,
            Removal.at > work.now - SAVING,
        )
        .order_by(Removal.id.desc())
    )
    for node, removal in recent:
        if name_key(removal.name) == name_key(target.name):
            later = select(Removal.id).where(Removal.id > removal.id, Removal.node_id == node.id)
            return None if work.session.scalars(later.limit(1)).first() is not None else node
    return None
