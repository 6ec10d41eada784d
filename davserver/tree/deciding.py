"""What the expert decides about a deposit that is held: to show it all the same, or reject it."""

from davserver.errors import Refused
from davserver.model import Deposit, Dossier, Node
from davserver.tree import holding, sealing, write
from davserver.work import Work


def release(work: Work, deposit_id: int, reason: str) -> None:
    """Seal a deposit that is held, by the expert's decision and with a mention of it.

    Raises Refused where nothing is held, or new content is coming.
    """
    deposit, dossier, node = _held(work, deposit_id)
    folders = sealing.folders_of(work, node)
    write.record(
        work, "deposit.release", dossier, path=write.path_of(folders, node.name),
        sha256=node.sha256, held_at=deposit.held_at, held=deposit.reason, reason=reason,
    )  # fmt: skip
    why = f"Publié sur décision de l'expert : {reason.rstrip('.')}. Était retenu : {deposit.reason}"
    holding.begin_anew(deposit)
    deposit.released_at = work.now
    deposit.reason = why[:400]
    sealing.seal(work, dossier, folders, node, deposit)


def reject(work: Work, deposit_id: int, reason: str) -> None:
    """Remove a deposit that is held, by the expert's decision; its author is told. Raises Refused
    as :func:`release` does."""
    deposit, dossier, node = _held(work, deposit_id)
    why = f"Rejeté sur décision de l'expert : {reason.rstrip('.')}. {deposit.reason}"
    folders = sealing.folders_of(work, node)
    sealing.turn_away(work, dossier, folders, node, deposit, why, rule="expert")


def _held(work: Work, deposit_id: int) -> tuple[Deposit, Dossier, Node]:
    found = sealing.unfinished(work, deposit_id)
    if found is None or found[0].held_at is None:
        raise Refused(f"Le dépôt {deposit_id} n'est pas retenu.")
    coming = found[0].receiving_until
    if coming is not None and coming > work.now:
        raise Refused(
            "Un nouveau contenu est en train d'arriver sous ce nom : regardez de nouveau."
        )
    return found
