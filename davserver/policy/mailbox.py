"""Mailboxes are deposit-only: what is deposited there is never changed or removed, by anybody."""

from davserver.model import NodeRole
from davserver.policy import Act, Action, Decision, Policy
from davserver.policy.recursive_rights import UNFINISHED

_CHANGES = frozenset({Act.REPLACE, Act.DESCRIBE, Act.RENAME, Act.REMOVE, Act.LOCK})


class Mailbox(Policy):
    """Protects pieces wherever they lie; nothing is added beside the boxes.

    The expert alone takes a piece out, and only into the archive of the same lawyer
    (:mod:`davserver.policy.archives`).
    """

    alike = True

    def __init__(self, folders: bool = True) -> None:
        self.folders = folders

    def judge(self, action: Action) -> Decision | None:
        entry = action.entry
        if action.act in _CHANGES and entry is not None and _is_sealed(action):
            return Decision.deny(
                "Cette pièce est déposée : elle ne peut plus être ni modifiée ni supprimée.",
                phrase="Depot definitif - modification interdite",
            )
        if action.act is Act.LEAVE and action.mailbox and entry is not None and entry.is_open:
            return UNFINISHED
        if action.chain and action.chain[-1].role is NodeRole.MAILBOXES:
            if action.act in (Act.ADD, Act.ARRIVE):
                return Decision.deny(
                    "On ne dépose pas ici, mais dans une boîte aux lettres.",
                    phrase="Deposez dans une boite aux lettres",
                )
        if action.act is Act.ADD and action.makes_folder and action.mailbox and not self.folders:
            return Decision.deny(
                "Cette boîte aux lettres ne reçoit que des fichiers, pas de dossiers.",
                phrase="Pas de dossier dans cette boite",
            )
        return None


def _is_sealed(action: Action) -> bool:
    """A numbered piece, or anything published inside a mailbox."""
    entry = action.entry
    if entry is None or entry.state != "published":
        return False
    return entry.number is not None or (action.mailbox is not None and entry != action.mailbox)
