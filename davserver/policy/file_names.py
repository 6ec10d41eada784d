"""File names: none that Windows cannot hold, none that cannot be listed."""

from davserver.names import MAX_PATH_CHARACTERS, fault
from davserver.policy import Act, Action, Decision, Policy

_NAMING = frozenset({Act.ADD, Act.ARRIVE, Act.RENAME, Act.SIDE})


class FileNames(Policy):
    """Refuses a new name that some member could not open on his computer."""

    def judge(self, action: Action) -> Decision | None:
        if action.act not in _NAMING:
            return None
        why = fault(action.name)
        if why is None and len(action.path) > MAX_PATH_CHARACTERS:
            why = f"le chemin complet dépasse {MAX_PATH_CHARACTERS} caractères"
        if why is None:
            return None
        return Decision.deny(
            f"Ce nom n'est pas possible : {why}. Renommez le fichier puis recommencez.",
            phrase="Nom de fichier impossible",
        )
