"""The structure of a dossier: its source folder, boxes and archives stay where they were made."""

from davserver.model import NodeRole
from davserver.policy import Act, Action, Decision, Policy

_CHANGES = frozenset({Act.RENAME, Act.REMOVE, Act.LEAVE, Act.DESCRIBE, Act.LOCK})


class Structure(Policy):
    """Refuses to rename, move, remove or lock the folders that rights and policies hang on."""

    alike = True

    def judge(self, action: Action) -> Decision | None:
        entry = action.entry
        if action.act in _CHANGES and entry is not None and entry.role is not NodeRole.PLAIN:
            return Decision.deny(
                "Ce dossier fait partie de la structure de l'expertise : il reste à sa place.",
                phrase="Dossier protege",
            )
        return None
