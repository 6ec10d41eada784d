"""Rows that several operations write: a new node, its content, its unfinished deposit, its line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.exc import IntegrityError

from davserver import journal
from davserver.errors import Locked
from davserver.model import Blob, Deposit, Dossier, Node, NodeKind, NodeState
from davserver.names import composed, name_key
from davserver.policy.rights import Rights
from davserver.storage import Stored
from davserver.tree import changes
from davserver.tree.lookup import box_of
from davserver.tree.members import ids_below
from davserver.work import Work


@dataclass(frozen=True)
class Content:
    """Content that is whole and durable: where it is kept (None: empty) and its first bytes."""

    stored: Stored | None
    head: bytes = b""

    @property
    def size(self) -> int:
        return self.stored.size if self.stored else 0

    @property
    def sha256(self) -> str:
        return self.stored.sha256 if self.stored else ""


EMPTY = Content(None)
_BLOB = select(Blob.id).where(Blob.key == bindparam("key"))
EPOCH = datetime(1980, 1, 1, tzinfo=UTC)  # older dates trouble clients (FAT, Macs)


def deposits_here(work: Work, dossier: Dossier, folders: Sequence[Node]) -> bool:
    """Whether what the actor adds here is a deposit: in a mailbox always, elsewhere where he may
    add but not modify. Then it stays his alone until it has been quiet for a while."""
    if box_of(folders) is not None:
        return True
    return Rights.MODIFY not in work.rights_in(dossier, folders)


def new_node(
    work: Work,
    dossier: Dossier,
    parent: Node,
    name: str,
    kind: NodeKind,
    state: NodeState,
    content: Content = EMPTY,
) -> Node:
    """A new node in ``parent``. Raises Locked when somebody took the name meanwhile."""
    node = Node(
        parent_id=parent.id,
        dossier_id=dossier.id,
        name=composed(name),
        name_key=name_key(name),
        spelt=_other_form(work.client.spelt, name),
        scratch_of=work.actor.id if state is NodeState.SIDE else 0,
        kind=kind,
        state=state,
        author_id=work.actor.id,
        inherits=True,
        blob_id=blob_row(work, content.stored),
        size=content.size,
        sha256=content.sha256,
        created=work.now,
        modified=work.now,
        written=work.now,
        change=0,
    )
    changes.begins(work, dossier, node)
    if node.is_folder:
        node.members_change = node.change
    if state is not NodeState.SIDE:
        work.grow(dossier, content.size)
    work.session.add(node)
    flush_name(work)
    return node


def _other_form(spelt: str, name: str) -> str:
    """``spelt``, if it is ``name`` in another form."""
    return spelt if spelt != composed(name) and composed(spelt) == composed(name) else ""


def flush_name(work: Work) -> None:
    """Write what is pending; a name that was taken meanwhile is refused."""
    try:
        work.session.flush()
    except IntegrityError as error:
        raise Locked(
            "Quelqu'un vient d'écrire sous ce nom.", phrase="Nom pris a l'instant"
        ) from error


def fill(work: Work, dossier: Dossier, node: Node, content: Content) -> None:
    """Give ``node`` this content. Only rows change: the bytes are durable already."""
    if node.state is not NodeState.SIDE:
        work.grow(dossier, content.size - node.size)
    node.blob_id = blob_row(work, content.stored)
    node.size = content.size
    node.sha256 = content.sha256
    node.modified = node.written = work.now
    changes.changed(work, dossier, node)
    work.session.flush()


def date(work: Work, node: Node, claimed: datetime | None) -> bool:
    """Show ``claimed`` as the date of the document, as its author's program asks. False: it is no
    date that a document of today can have, and the server's stays.

    When it was deposited is another matter: that is the server's word alone.
    """
    if claimed is None or not EPOCH <= claimed <= work.now + timedelta(days=1):
        return False
    node.modified = claimed
    return True


def content_of(work: Work, node: Node) -> Content:
    """What ``node`` holds, as content for another node: the bytes are shared."""
    blob = work.session.get(Blob, node.blob_id) if node.blob_id is not None else None
    return Content(Stored(blob.key, blob.size, blob.sha256)) if blob else EMPTY


def blob_row(work: Work, stored: Stored | None) -> int | None:
    """The id of the row of ``stored``, made if it is not there yet."""
    if stored is None:
        return None
    found = work.session.scalar(_BLOB, {"key": stored.key})
    if found is None:
        blob = Blob(key=stored.key, size=stored.size, sha256=stored.sha256, created=work.now)
        work.session.add(blob)
        work.session.flush()
        found = blob.id
    return found


def deposit_of(work: Work, node: Node) -> Deposit | None:
    """The deposit that ``node`` is, if it is one."""
    return work.session.scalars(select(Deposit).where(Deposit.node_id == node.id)).first()


def just_sealed(work: Work, node: Node) -> bool:
    """Whether the actor's own piece was sealed a moment ago: programs still come back to what they
    have just written, and get answers that please them and change nothing."""
    deposit = deposit_of(work, node)
    short = timedelta(seconds=work.settings.deposit.courtesy_lock)
    return (
        deposit is not None
        and deposit.sealed_at is not None
        and deposit.author_id == work.actor.id
        and deposit.sealed_at > work.now - short
    )


def open_deposit(work: Work, dossier: Dossier, folders: Sequence[Node], node: Node) -> Deposit:
    """The unfinished deposit of ``node``, begun now if there is none, touched now if there is."""
    deposit = deposit_of(work, node)
    if deposit is None:
        deposit = Deposit(
            dossier_id=dossier.id,
            node_id=node.id,
            author_id=work.actor.id,
            name=node.name,
            channel=work.client.channel,
            agent=work.client.agent[:200],
            opened_at=work.now,
            touched_at=work.now,
        )
        work.session.add(deposit)
    box = box_of(folders)
    deposit.box_id = box.id if box else None
    deposit.direct = not deposits_here(work, dossier, folders)
    deposit.dossier_id = dossier.id
    deposit.name = node.name
    deposit.size = node.size
    deposit.sha256 = node.sha256
    deposit.touched_at = work.now
    work.session.flush()
    return deposit


def remove_tree(work: Work, dossier: Dossier, node: Node) -> None:
    """Remove ``node`` and all below it. The bytes stay until the sweep finds them unused.

    The row of an unfinished deposit goes too. Whoever removes has made sure that no sealed piece is
    among them.
    """
    changes.goes(work, dossier, node)
    changes.rights_leave(work, [dossier], node)
    work.session.flush()
    ids = select(ids_below(node.id).c.id)
    sizes = work.session.scalars(
        select(Node.size).where(Node.id.in_(ids), Node.state != NodeState.SIDE)
    )
    work.grow(dossier, -sum(sizes))
    work.session.execute(
        delete(Deposit)
        .where(Deposit.node_id.in_(ids), Deposit.sealed_at.is_(None))
        .execution_options(synchronize_session=False)
    )
    work.session.execute(
        delete(Node).where(Node.id.in_(ids)).execution_options(synchronize_session=False)
    )
    work.session.flush()
    work.session.expire_all()


def record(work: Work, act: str, dossier: Dossier | None, **facts: Any) -> None:
    """The journal line of what this work does in ``dossier``, or outside of any."""
    journal.record(
        work.session,
        act,
        at=work.now,
        actor=work.actor.login,
        channel=work.client.channel,
        dossier_id=dossier.id if dossier is not None else None,
        **facts,
    )


def path_of(folders: Sequence[Node], name: str) -> str:
    """The place in words, for the journal: ``04 Boîtes aux lettres/Cabinet X/Pièce.pdf``."""
    return "/".join([*(folder.name for folder in folders[1:]), name])
