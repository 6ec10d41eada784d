"""Side files: what programs write beside a document. Taken in for their author alone.

Refusing them breaks the copy of the real file (Finder, Explorer, Office), so they are absorbed:
never listed to others, never counted. True litter is absorbed silently; a document that bears its
name is refused aloud. What may be a document that is being saved is kept only where its author may
write, and he is told before it goes (:mod:`davserver.tree.side_files`).
"""

from collections.abc import Sequence

from davserver.clients import program
from davserver.model import LIVE_STATES, NodeState
from davserver.policy import Act, Action, Decision, Entry, Policy, Rights
from davserver.policy.side_names import SideKind, is_formed, is_litter, kind_of, most


class SideFiles(Policy):
    """Says where side files are taken in, and refuses documents in disguise."""

    alike = True

    def judge(self, action: Action) -> Decision | None:
        if action.act in (Act.RENAME, Act.ARRIVE):
            return _disguised(action) if _gets_name_of_litter(action) else None
        if action.act is not Act.SIDE:
            return None
        kind = _kind(action)
        live = action.dossier.state in LIVE_STATES
        writes = live and bool(action.rights & (Rights.ADD | Rights.MODIFY))
        litters = kind is SideKind.LITTER and program(action.agent).litters
        if not writes and not litters:
            return Decision.deny(
                "Vous ne pouvez rien écrire dans ce dossier.", phrase="Droit insuffisant"
            )
        if _takes(action) and kind is SideKind.LITTER:
            return _refused_as_litter(action) or _taken()
        return _taken()

    def inspect(self, action: Action, head: bytes) -> Decision | None:
        # An empty file is nobody's document; that a file has bytes is not yet to know them.
        if action.act is not Act.SIDE or not head or _kind(action) is not SideKind.LITTER:
            return None
        return None if is_formed(action.name, head) else _disguised(action)


def _gets_name_of_litter(action: Action) -> bool:
    """Whether a shared document is to be called like litter: the program that writes such a file
    for somebody else would then write into the document, and remove it."""
    moved = action.arriving or action.entry
    if moved is None or not moved.is_file or moved.name == action.name:
        return False
    return is_litter(action.name)


def _taken() -> Decision:
    return Decision.allow("fichier annexe d'un programme")


def _takes(action: Action) -> bool:
    """Whether something comes under a name, rather than being locked, described or removed."""
    return action.entry is None or action.size is not None


def _refused_as_litter(action: Action) -> Decision | None:
    if action.arriving is not None and not _came_as_litter(action.arriving, action):
        return _disguised(action)
    if action.makes_folder:
        return None
    bound = most(action.name, in_folder=_side_folder(action.chain) is not None)
    return _disguised(action) if not bound or (action.size or 0) > bound else None


def _came_as_litter(arriving: Entry, action: Action) -> bool:
    """Whether what MOVE or COPY brings has been found to be litter when it came."""
    folder = _side_folder(action.arriving_chain)
    return arriving.state is NodeState.SIDE and SideKind.LITTER is kind_of(
        arriving.name,
        action.agent,
        folder=not arriving.is_file,
        within=folder.name if folder else None,
    )


def _kind(action: Action) -> SideKind:
    """The kind of side file that is, or would be, acted on; what another program has made is a side
    file, too."""
    entry = action.entry
    folder = _side_folder([above for above in action.chain if above != entry])
    found = kind_of(
        action.name,
        action.agent,
        folder=action.makes_folder or (entry is not None and not entry.is_file),
        within=folder.name if folder else None,
    )
    return found or SideKind.TEMPORARY


def _side_folder(chain: Sequence[Entry]) -> Entry | None:
    """The outermost side folder of ``chain``."""
    return next((folder for folder in chain if folder.state is NodeState.SIDE), None)


def _disguised(action: Action) -> Decision:
    folder = _side_folder(action.chain)
    if folder is not None and folder != action.entry:
        return Decision.deny(
            f"« {folder.name} » est un dossier technique, que le serveur ne garde pas. Pour "
            f"déposer « {action.name} », mettez-le ailleurs.",
            phrase="Dossier reserve aux fichiers techniques",
        )
    return Decision.deny(
        f"« {action.name} » porte le nom d'un fichier technique, que le serveur ne garde pas. Pour "
        "le déposer, donnez-lui un autre nom.",
        phrase="Nom reserve aux fichiers techniques",
    )
