"""The shape of the tree."""

from collections.abc import Iterator

from davserver.model import NodeKind, NodeRole, NodeState
from davserver.names import composed, name_key, unprintable
from davserver.tree.lookup import ROOT_ID
from davserver.verify.rows import Rows


def faults(rows: Rows) -> Iterator[str]:
    """One root, every node on a way from it, folders above, names that are their keys."""
    reached: set[int] = set()
    pending = [ROOT_ID] if ROOT_ID in rows.nodes else []
    while pending:
        node_id = pending.pop()
        if node_id not in reached:  # a circle through the root must not keep us for ever
            reached.add(node_id)
            pending += rows.children[node_id]
    taken: dict[tuple[int, str, int], int] = {}
    for node in rows.nodes.values():
        where = f"node {node.id} ({rows.path(node.id)})"
        if node.id not in reached:
            yield f"{where}: no way leads to it from the root"
        if node.name_key != name_key(node.name) or node.name != composed(node.name):
            yield f"{where}: its key is not that of its name"
        named = node.name not in ("", ".", "..") and "/" not in node.name
        if node.id != ROOT_ID and (not named or unprintable(node.name)):
            yield f"{where}: no program can show its name"
        if node.spelt and (composed(node.spelt) != node.name or node.spelt == node.name):
            yield f"{where}: « {node.spelt} » is no other form of its name"
        if (node.state == NodeState.SIDE) != (node.scratch_of != 0):
            yield f"{where}: a side file without author, or another file with one"
        if node.state != NodeState.PUBLISHED and node.author_id is None:
            yield f"{where}: hidden, and nobody's: nobody will ever see it"
        elif node.scratch_of not in (0, node.author_id):
            yield f"{where}: a side file of one person under the name of another"
        if node.kind == NodeKind.FILE and node.role != NodeRole.PLAIN:
            yield f"{where}: a file in the part of a folder"
        names = (node.parent_id, node.name_key, node.scratch_of)
        if node.parent_id is not None and taken.setdefault(names, node.id) != node.id:
            yield f"{where}: it has the name of node {taken[names]}"
        parent = rows.nodes.get(node.parent_id or 0)
        if node.id == ROOT_ID:
            if node.role != NodeRole.ROOT or node.parent_id is not None:
                yield f"{where}: it is not the root that it should be"
        elif parent is not None and parent.kind != NodeKind.FOLDER:
            yield f"{where}: it lies in a file"
        elif (node.parent_id == ROOT_ID) != (node.role == NodeRole.SOURCE):
            yield f"{where}: only source folders lie at the root, and nowhere else"
        elif parent is not None and parent.id != ROOT_ID and parent.dossier_id != node.dossier_id:
            yield f"{where}: it belongs to another dossier than its folder"
