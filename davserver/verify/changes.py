"""The numbers of changes, on which synchronisation and folder ETags stand."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.model import NodeKind, NodeState, Removal
from davserver.verify.rows import Rows


def faults(session: Session, rows: Rows) -> Iterator[str]:
    """No number is of a change to come; what went has gone from a folder of its dossier."""
    for node in rows.nodes.values():
        dossier = rows.dossiers.get(node.dossier_id)
        last = max(node.change, node.members_change, node.came)
        if dossier is not None and node.state != NodeState.SIDE and last > dossier.change:
            where = f"node {node.id} ({rows.path(node.id)})"
            yield f"{where}: it bears the number of a change that has not been"
    for gone in session.execute(select(*Removal.__table__.c).order_by(Removal.id)):
        where = f"removal {gone.id} ({rows.path(gone.parent_id)}/{gone.name})"
        dossier, folder = rows.dossiers.get(gone.dossier_id), rows.nodes.get(gone.parent_id)
        if dossier is not None and not 0 < gone.change <= dossier.change:
            yield f"{where}: it bears the number of a change that has not been"
        if folder is not None and (
            folder.kind != NodeKind.FOLDER or folder.dossier_id != gone.dossier_id
        ):
            yield f"{where}: gone from where no folder of its dossier is"
