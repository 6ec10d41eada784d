"""Rights given on folders, recursive: the one policy that says yes."""

from davserver.policy import Act, Action, Decision, Policy
from davserver.policy.rights import french, needed


class RecursiveRights(Policy):
    """Permits what the actor's rights in the folder cover. What is unfinished is its author's."""

    def judge(self, action: Action) -> Decision | None:
        entry = action.entry
        if action.act is Act.PUBLISH:
            return None  # the end of what was permitted when its content came
        if entry is not None and _is_somebody_elses(action):
            return Decision.hide("C'est le dépôt inachevé de quelqu'un d'autre.")
        wanted = needed(action.act, of_file=entry is not None and entry.is_file)
        for rights in wanted:
            if rights in action.rights:
                return Decision.allow(f"droits : {french(action.rights)}")
        if action.act is Act.SEE:
            return Decision.hide("Ce dossier ne vous est pas ouvert.")
        if not wanted:
            return None
        missing = " ou ".join(f"« {french(rights)} »" for rights in wanted)
        return Decision.deny(f"Vous n'avez pas ici le droit {missing}.", phrase="Droit insuffisant")


def _is_somebody_elses(action: Action) -> bool:
    """Unfinished and side files exist for their author alone."""
    entry = action.entry
    return entry is not None and entry.state != "published" and entry.author_id != action.actor.id
