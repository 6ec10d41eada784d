"""Archives are the expert's: he alone, or the assistant to whom he gave the right to move, files a
piece, and only into its own lawyer's archive. He may take a filing back.
"""

from davserver.model import NodeRole, Role
from davserver.names import same_name_kept_both
from davserver.policy import Act, Action, Decision, Entry, Policy, nearest

_FILERS = frozenset({Role.EXPERT, Role.ASSISTANT})  # the assistant by the expert's explicit grant
_HERE = frozenset({NodeRole.ARCHIVE, NodeRole.ARCHIVES})


class Archives(Policy):
    """Judges what enters an archive, what leaves it, and where a deposited piece may go."""

    alike = True

    def judge(self, action: Action) -> Decision | None:
        if action.act is Act.ARRIVE:
            return self._arrival(action)
        inside = any(folder.role in _HERE for folder in action.chain)
        if not inside or action.act in (Act.SEE, Act.FETCH, Act.SIDE):
            return None
        if action.act is Act.LEAVE:
            if action.actor.role not in _FILERS:
                return Decision.deny(
                    "Seul l'expert déplace les pièces.", phrase="Seul l'expert classe les pieces"
                )
            return _deny_structure() if not _is_from_a_box(action.entry) else None
        if action.act is Act.ADD:
            return Decision.deny(
                "On n'ajoute rien aux archives : l'expert y classe les pièces reçues dans la "
                "boîte aux lettres.",
                phrase="Archives - classement par l'expert seul",
            )
        return _deny_structure()

    def _arrival(self, action: Action) -> Decision | None:
        piece, target = action.arriving, action.archive
        box = nearest(action.arriving_chain, NodeRole.MAILBOX)
        archive = nearest(action.arriving_chain, NodeRole.ARCHIVE)
        origin = box or archive
        enters = any(folder.role in _HERE for folder in action.chain)
        sealed = piece is not None and piece.number is not None
        deposited = origin is not None and piece is not None and piece.state == "published"
        leaves = sealed or deposited
        if not enters and not leaves:
            return None
        if action.actor.role not in _FILERS:
            return Decision.deny(
                "Seul l'expert classe les pièces.", phrase="Seul l'expert classe les pieces"
            )
        home = target or (action.mailbox if archive is not None else None)
        if (
            not leaves
            or origin is None
            or home is None
            or home.representation_id is None
            or home.representation_id != origin.representation_id
        ):
            return Decision.deny(
                "Une pièce déposée ne va que dans les archives de l'avocat qui l'a déposée.",
                phrase="Seulement vers les archives du meme avocat",
            )
        if piece is not None and action.name != piece.name:
            back = target is None and same_name_kept_both(action.name, piece.name)
            if not back and not same_name_kept_both(piece.name, action.name):
                return Decision.deny(
                    "Une pièce garde le nom sous lequel elle a été déposée.",
                    phrase="Le nom d'une piece ne change pas",
                )
        return None


def _is_from_a_box(entry: Entry | None) -> bool:
    """A piece, or a folder that was deposited with pieces in it: these alone can be filed anew."""
    return entry is not None and (entry.number is not None or entry.author_id is not None)


def _deny_structure() -> Decision:
    return Decision.deny(
        "Les dossiers d'archives et ce qu'ils contiennent ne se modifient pas.",
        phrase="Archives protegees",
    )
