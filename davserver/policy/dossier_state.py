"""The state of the dossier: closed, it is read; archived, it is the expert's; purged, nobody's."""

from davserver.model import LIVE_STATES, DossierState, Role
from davserver.policy import Act, Action, Decision, Policy
from davserver.policy.rights import READING


class DossierLife(Policy):
    """Refuses writing outside the live states, and reading once members are cut."""

    alike = True

    def judge(self, action: Action) -> Decision | None:
        state = action.dossier.state
        if state in LIVE_STATES or action.act is Act.PUBLISH:
            return None  # what came whole before the closing is a deposit, and is sealed
        if state is DossierState.PURGED:
            return Decision.hide("Ce dossier a été purgé.")
        if state is DossierState.ARCHIVED and action.actor.role is not Role.EXPERT:
            return Decision.hide("Ce dossier est archivé.")
        if action.act in READING or action.act is Act.SIDE:
            return None  # what programs leave while they read is judged by policy/side_files.py
        return Decision.deny(
            f"Ce dossier est {state.value} : il est en lecture seule.",
            phrase=f"Dossier {state.value} - lecture seule",
        )
