"""File names: none that Windows cannot hold, none that cannot be listed, none for two files."""

from davserver.names import MAX_PATH_CHARACTERS, fault
from davserver.policy import Act, Action, Decision, Policy

_NAMING = frozenset({Act.ADD, Act.ARRIVE, Act.RENAME, Act.SIDE})


class FileNames(Policy):
    """Refuses a new name that some member could not open on his computer, and the name of another
    file that a program takes for a name of its own."""

    alike = True

    def judge(self, action: Action) -> Decision | None:
        if action.misspelt:
            return _taken(action)
        if action.act not in _NAMING:
            return None
        # What came by its name before a rule forbade it must not be shut in where it is.
        is_new = action.arriving is None or action.arriving.name != action.name
        why = fault(action.name) if is_new else None
        if why is None and len(action.path) > MAX_PATH_CHARACTERS:
            why = f"le chemin complet dépasse {MAX_PATH_CHARACTERS} caractères"
        if why is None:
            return None
        return Decision.deny(
            f"Ce nom n'est pas possible : {why}. Renommez le fichier puis recommencez.",
            phrase="Nom de fichier impossible",
        )


def _taken(action: Action) -> Decision:
    """Windows and this server take both names for one; a Linux or a Mac may hold two files, or two
    folders: what is added by the one way could then be replaced by the other."""
    if action.entry is not None and action.entry.name != action.name:
        theirs, mine = f"« {action.entry.name} »", "fichier"
    else:
        way = "/".join(folder.name for folder in action.chain[1:])
        theirs, mine = f"dossier « {way} »", "dossier"
    return Decision.deny(
        f"Ce nom est déjà pris, écrit autrement (majuscules, lettres équivalentes) : {theirs}. "
        f"Rien n'a changé. Donnez un autre nom à votre {mine}.",
        phrase="Nom deja pris, ecrit autrement",
    )
