"""Everything below a folder, with the folders that lead to each member."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import CTE, ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from davserver.model import Node, NodeState
from davserver.policy.side_names import is_litter
from davserver.work import Work

_MOST = 500  # ids in one statement
_deeper = aliased(Node)


@dataclass(frozen=True)
class Member:
    """A node and its folders from the source folder down to its parent."""

    node: Node
    folders: tuple[Node, ...]


def ids_below(*folder_ids: int) -> CTE:
    """A recursive query of the ids of folders and of all below them (column ``id``)."""
    tree = select(Node.id).where(Node.id.in_(folder_ids)).cte("tree", recursive=True)
    return tree.union_all(select(_deeper.id).join(tree, _deeper.parent_id == tree.c.id))


def below(work: Work, folders: Sequence[Node], node: Node | None) -> list[Member]:
    """The members of ``node`` at any depth, parents first; none for a file.

    Hidden and unfinished ones included: whoever acts on a folder acts on all that is in it.
    """
    if node is None or not node.is_folder:
        return []
    tree = ids_below(node.id)
    nodes = work.session.scalars(
        select(Node).where(Node.id.in_(select(tree.c.id)), Node.id != node.id).order_by(Node.id)
    ).all()
    children: dict[int | None, list[Node]] = {}
    for member in nodes:
        children.setdefault(member.parent_id, []).append(member)
    found: list[Member] = []
    pending = [(node, (*folders, node))]
    while pending:
        folder, chain = pending.pop()
        for member in children.get(folder.id, ()):
            found.append(Member(member, chain))
            if member.is_folder:
                pending.append((member, (*chain, member)))
    return found


def among(
    column: InstrumentedAttribute[int], nodes: Iterable[Node], listed: Node | None
) -> Iterator[ColumnElement[bool]]:
    """Conditions under which ``column`` names one of ``nodes``, to be asked one after another. All
    members of the folder ``listed`` are named by it: that is faster than a long list, and names its
    hidden members, too."""
    ids = {node.id for node in nodes if listed is None or node.parent_id != listed.id}
    if listed is not None:
        yield column.in_(select(Node.id).where(Node.parent_id == listed.id))
    for others in batches(sorted(ids)):
        yield column.in_(others)


def batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """``ids`` in their order, as many at a time as one statement names."""
    for start in range(0, len(ids), _MOST):
        yield ids[start : start + _MOST]


def is_left_document(folders: Sequence[Node], node: Node) -> bool:
    """Whether ``node`` may be a document that a program was saving, or somebody under an unlucky
    name: a temporary file with content. ``folders`` lead to it."""
    if node.state is not NodeState.SIDE or node.is_folder or not node.size:
        return False
    return not is_litter(node.name, within=side_above(folders))


def side_above(folders: Sequence[Node]) -> str | None:
    """The name of the outermost side folder of a program among ``folders``, if there is one."""
    return next((folder.name for folder in folders if folder.state is NodeState.SIDE), None)
