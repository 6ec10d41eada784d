"""The one table from verbs to acts: what each WebDAV method does, to every resource it touches.

Each function lists the acts of one request on what stands in the tree; :data:`policy.rights.NEEDS`
says which right each act needs. Operations ask the gate about exactly these before they change a
row, and ``davserver rights explain`` asks about the same, so that the answer cannot differ.

| method            | acts                                                                     |
|-------------------|--------------------------------------------------------------------------|
| PROPFIND          | SEE the target and every member shown                                    |
| GET, HEAD         | FETCH                                                                    |
| PUT               | ADD a free name; COMPLETE one's own unfinished file; REPLACE any other   |
| MKCOL             | ADD                                                                      |
| PROPPATCH         | DESCRIBE, or COMPLETE                                                    |
| LOCK              | ADD a free name; COMPLETE; else LOCK; if infinite, of every member too   |
| DELETE            | REMOVE the target and every member, or COMPLETE                          |
| COPY              | FETCH the target and every member seen; ADD; REMOVE what it overwrites   |
| MOVE, same folder | RENAME; REMOVE what it overwrites                                        |
| MOVE, elsewhere   | LEAVE of every member, ARRIVE; REMOVE what it overwrites                 |
| MOVE, as to save  | SIDE the source; SEE, FETCH, RENAME and REPLACE the document             |
| MOVE, unfinished  | COMPLETE every member; ADD; REMOVE what it overwrites                    |
| side files        | SIDE, whatever the method; go with their folder, but see _left_by_others |
| all that shows    | PUBLISH the content: at the seal, or at once (tree/publication.py)       |
"""

from collections.abc import Iterator, Sequence
from typing import Any

from davserver.errors import NotAllowed, Refused
from davserver.model import Dossier, Node, NodeState
from davserver.policy import Act, Action
from davserver.policy.side_names import SideKind, kind_of
from davserver.tree.lookup import Spot, box_of
from davserver.tree.members import Member, is_left_document, side_above
from davserver.work import Work, entry_of


def side_kind(work: Work, spot: Spot, *, folder: bool = False) -> SideKind | None:
    """What kind of side file of a program is, or would be, at ``spot``; None for an ordinary file.
    ``folder``: it would be a folder."""
    node = spot.node
    within = side_above(spot.folders)
    if within is None and node is not None and node.state is not NodeState.SIDE:
        return None
    found = kind_of(
        spot.name,
        work.client.agent,
        folder=folder or spot.is_folder,
        within=within,
    )
    # What another program has made stays a side file.
    return found or (SideKind.TEMPORARY if node is not None else None)


def is_side(work: Work, spot: Spot, *, folder: bool = False) -> bool:
    """Whether what is, or would be, at ``spot`` is a side file of a program."""
    return side_kind(work, spot, folder=folder) is not None


def is_temporary(work: Work, name: str) -> bool:
    """Whether a document called so bears the name of one that a program is saving."""
    found = kind_of(name, work.client.agent, folder=False, within=None)
    return found is SideKind.TEMPORARY


def get(work: Work, spot: Spot) -> Iterator[Action]:
    """GET and HEAD."""
    dossier, node = spot.existing()
    yield work.action(Act.FETCH, dossier, spot.folders, node)


def propfind(work: Work, spot: Spot) -> Iterator[Action]:
    """PROPFIND of the target; :func:`davserver.tree.lookup.members` chooses the members shown."""
    if not spot.is_root:
        dossier, node = spot.existing()
        yield work.action(Act.SEE, dossier, spot.folders, node)


def put(work: Work, spot: Spot, size: int | None) -> Iterator[Action]:
    """PUT of ``size`` bytes (None: not announced)."""
    yield from _put(work, spot, size)


def _put(work: Work, spot: Spot, size: int | None, **facts: Any) -> Iterator[Action]:
    dossier, _ = spot.place()
    node = spot.node
    if node is not None and node.is_folder:
        raise NotAllowed("Un dossier porte déjà ce nom.")
    facts |= {"name": spot.name, "size": size, "misspelt": _is_misspelt(work, spot)}
    if is_side(work, spot, folder=facts.get("makes_folder", False)):
        yield work.action(Act.SIDE, dossier, spot.folders, node, **facts)
        return
    act = Act.ADD if node is None else _own_or(work, node, Act.REPLACE)
    replaced = node.size if node is not None else 0
    yield work.action(act, dossier, spot.folders, node, replaced=replaced, **facts)


def mkcol(work: Work, spot: Spot) -> Iterator[Action]:
    """MKCOL of a free name."""
    dossier, _ = spot.place()
    act = Act.SIDE if is_side(work, spot, folder=True) else Act.ADD
    yield work.action(act, dossier, spot.folders, name=spot.name, makes_folder=True)


def proppatch(work: Work, spot: Spot) -> Iterator[Action]:
    """PROPPATCH of what stands there."""
    dossier, node = spot.existing()
    yield work.action(_own_or(work, node, Act.DESCRIBE), dossier, spot.folders, node)


def lock(work: Work, spot: Spot, below: Sequence[Member]) -> Iterator[Action]:
    """LOCK of a name, taken or free; with the members ``below`` where it shall be infinite."""
    if spot.node is None:
        yield from put(work, spot, 0)
        return
    dossier, node = spot.existing()
    misspelt = _is_misspelt(work, spot)
    facts = {"name": spot.name, "misspelt": misspelt}
    yield from _throughout(work, Act.LOCK, dossier, spot, node, below, **facts)


def delete(work: Work, spot: Spot, below: Sequence[Member]) -> Iterator[Action]:
    """DELETE of the target with all its members. Programs take back what they could not send: by
    the name of their own file, not of another."""
    dossier, node = spot.existing()
    misspelt = not work.client.program.case_blind and _is_misspelt(work, spot)
    facts = {"name": spot.name, "misspelt": misspelt}
    yield from _throughout(work, Act.REMOVE, dossier, spot, node, below, **facts)


def copy(
    work: Work, source: Spot, below: Sequence[Member], target: Spot, overwritten: Sequence[Member]
) -> Iterator[Action]:
    """COPY of the source, with the members ``below`` that the actor sees, onto the target."""
    dossier, node = source.existing()
    size = node.size
    yield work.action(Act.SEE, dossier, source.folders, node)
    yield work.action(Act.FETCH, dossier, source.folders, node)
    for member in below:
        size += member.node.size
        yield work.action(Act.FETCH, dossier, member.folders, member.node)
    yield from _overwriting(work, target, overwritten)
    there, _ = target.place()
    yield work.action(
        Act.SIDE if is_side(work, target.freed(), folder=node.is_folder) else Act.ADD,
        there,
        target.folders,
        name=target.name,
        size=size,
        **_arrival(source, node),
    )


def move(
    work: Work, source: Spot, below: Sequence[Member], target: Spot, overwritten: Sequence[Member]
) -> Iterator[Action]:
    """MOVE of the source with all its members onto the target."""
    dossier, node = source.existing()
    there, parent = target.place()
    if node.state is NodeState.SIDE:
        yield work.action(Act.SIDE, dossier, source.folders, node)
        if target.node is not None and target.node.id == node.id:
            return
        yield from _put(work, target, node.size, **_arrival(source, node))
        return
    if node.is_open:
        _require_simple(work, source, node, target)
        yield work.action(Act.COMPLETE, dossier, source.folders, node)
        for member in _counted(below):
            yield work.action(Act.COMPLETE, dossier, member.folders, member.node)
        yield from _overwriting(work, target, overwritten)
        yield work.action(
            Act.SIDE if is_side(work, target.freed(), folder=node.is_folder) else Act.ADD,
            there,
            target.folders,
            name=target.name,
            size=node.size if there.id != dossier.id else 0,
            **_arrival(source, node),
        )
        return
    if parent.state is NodeState.SIDE:
        raise Refused("Un document ne se range pas dans un dossier temporaire.")
    yield from _overwriting(work, target, overwritten)
    if is_rename(source, target):
        yield work.action(Act.RENAME, dossier, source.folders, node, name=target.name)
        return
    yield work.action(Act.LEAVE, dossier, source.folders, node)
    for member in _counted(below):
        yield work.action(Act.LEAVE, dossier, member.folders, member.node)
    yield from _left_by_others(work, Act.LEAVE, dossier, below)
    size = node.size + sum(member.node.size for member in below)
    yield work.action(
        Act.ARRIVE,
        there,
        target.folders,
        name=target.name,
        size=size if there.id != dossier.id else 0,
        **_arrival(source, node),
    )


def is_rename(source: Spot, target: Spot) -> bool:
    """Whether a MOVE gives what others may see another name in its folder: no more is asked then of
    what is below it, which sees nothing of this."""
    _, node = source.existing()
    _, parent = target.place()
    return node.state is NodeState.PUBLISHED and node.parent_id == parent.id


def save(work: Work, source: Spot, aside: Spot, target: Spot) -> Iterator[Action]:
    """MOVE of the temporary file ``source`` onto the name of a document that its program has just
    set aside: the document gets its name back, and the new content; the actor gets the old one."""
    dossier, node = source.existing()
    there, document = aside.existing()
    yield work.action(Act.SIDE, dossier, source.folders, node)
    yield work.action(Act.SEE, there, aside.folders, document)
    yield work.action(Act.FETCH, there, aside.folders, document)
    yield from move(work, aside, [], target, [])
    yield from put(work, aside, node.size)


def _require_simple(work: Work, source: Spot, node: Node, target: Spot) -> None:
    """An unfinished folder goes nowhere but to another name in its own box: what is in it would
    else become a deposit where its author may not deposit, or a temporary file."""
    same_box = box_of(source.folders) == box_of(target.folders)
    if node.is_folder and (is_side(work, target.freed(), folder=True) or not same_box):
        raise Refused(
            "Un dossier en cours de dépôt ne se déplace pas : déplacez les fichiers un à un.",
            phrase="Deplacez les fichiers un a un",
        )


def _overwriting(work: Work, target: Spot, overwritten: Sequence[Member]) -> Iterator[Action]:
    """Overwriting is removing what stands there, each member included (RFC 4918 §9.8.4)."""
    if target.node is not None and target.dossier is not None:
        dossier, node = target.dossier, target.node
        facts = {"name": target.name, "misspelt": _is_misspelt(work, target)}
        yield from _throughout(work, Act.REMOVE, dossier, target, node, overwritten, **facts)


def _throughout(
    work: Work,
    act: Act,
    dossier: Dossier,
    spot: Spot,
    node: Node,
    below: Sequence[Member],
    **facts: Any,
) -> Iterator[Action]:
    """``act`` on the target, as the client calls it, and on every member; or what it is on one's
    own unfinished file."""
    yield work.action(_own_or(work, node, act), dossier, spot.folders, node, **facts)
    for member in _counted(below):
        yield work.action(_own_or(work, member.node, act), dossier, member.folders, member.node)
    if act is Act.REMOVE:
        yield from _left_by_others(work, act, dossier, below)


def _counted(below: Sequence[Member]) -> list[Member]:
    """The members that are judged: side files go the way of their folder, whoever made them, but
    for :func:`_left_by_others`."""
    return [member for member in below if member.node.state is not NodeState.SIDE]


def _left_by_others(
    work: Work, act: Act, dossier: Dossier, below: Sequence[Member]
) -> Iterator[Action]:
    """``act`` on what may be documents of others under temporary names."""
    for member in below:
        node = member.node
        if node.author_id != work.actor.id and is_left_document(member.folders, node):
            yield work.action(act, dossier, member.folders, node)


def _own_or(work: Work, node: Node, act: Act) -> Act:
    """COMPLETE for the actor's own unfinished file, SIDE for a side file, else ``act``."""
    if node.state is NodeState.SIDE:
        return Act.SIDE
    return Act.COMPLETE if node.is_open and node.author_id == work.actor.id else act


def _is_misspelt(work: Work, spot: Spot) -> bool:
    """Whether the client may mean another file of its own than the one that stands there."""
    return spot.is_spelt_otherwise(way=not work.client.program.case_blind)


def _arrival(source: Spot, node: Node) -> dict[str, Any]:
    """What comes by MOVE or COPY, and from where."""
    return {
        "makes_folder": node.is_folder,
        "arriving": entry_of(node),
        "arriving_chain": tuple(entry_of(folder) for folder in source.folders),
    }
