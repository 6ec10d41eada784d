"""Rights given on folders, recursive: the one policy that says yes."""

from davserver.policy import Act, Action, Decision, Policy
from davserver.policy.rights import FRENCH, Rights, french, needed

UNFINISHED = Decision.deny(
    "Ce dossier contient un dépôt qui n'est pas terminé : classez-le dans un moment.",
    phrase="Depot en cours dans ce dossier",
)
LEFT = Decision.deny(
    "Quelqu'un a laissé dans ce dossier un document sous un nom temporaire, qui ne doit pas se "
    "perdre : réessayez quand il l'aura renommé ou retiré.",
    phrase="Document temporaire de quelqu'un d'autre",
    status=423,
)
_DOING = {
    Act.FETCH: "télécharger de",
    Act.ADD: "ajouter dans",
    Act.COMPLETE: "déposer dans",
    Act.REPLACE: "remplacer dans",
    Act.DESCRIBE: "décrire dans",
    Act.RENAME: "renommer dans",
    Act.REMOVE: "supprimer dans",
    Act.LEAVE: "déplacer hors de",
    Act.ARRIVE: "déplacer vers",
    Act.LOCK: "verrouiller dans",
}


class RecursiveRights(Policy):
    """Permits what the actor's rights in the folder cover. What is unfinished is its author's."""

    alike = True

    def judge(self, action: Action) -> Decision | None:
        entry = action.entry
        if action.act is Act.PUBLISH:
            return None  # the end of what was permitted when its content came
        if entry is not None and _is_somebody_elses(action):
            if entry.state == "side" and action.act in (Act.LEAVE, Act.REMOVE):
                return LEFT
            if action.act is Act.LEAVE:
                # Who takes the folder away sees that he cannot: he may know that he can later.
                return UNFINISHED
            return Decision.hide("C'est le dépôt inachevé de quelqu'un d'autre.")
        wanted = needed(action.act, of_file=entry is not None and entry.is_file)
        for rights in wanted:
            if rights in action.rights:
                return Decision.allow(f"droits : {french(action.rights)}")
        if action.act is Act.SEE:
            return Decision.hide("Ce dossier ne vous est pas ouvert.")
        if not wanted:
            return None
        return Decision.deny(_missing(action, wanted), phrase="Droit insuffisant")


def _is_somebody_elses(action: Action) -> bool:
    """Unfinished and side files exist for their author alone."""
    entry = action.entry
    return entry is not None and entry.state != "published" and entry.author_id != action.actor.id


def _missing(action: Action, wanted: tuple[Rights, ...]) -> str:
    """« Vous ne pouvez rien ajouter dans « Plans » : il vous manque le droit « ajouter ». »

    A folder deep inside that the actor may not see is not named.
    """
    known = action.chain and Rights.BROWSE in action.rights
    folder = f"« {action.chain[-1].name} »" if known else "ce dossier"
    doing = f"Vous ne pouvez rien {_DOING.get(action.act, 'faire dans')} {folder}"
    if len(wanted) == 1:
        return f"{doing} : il vous manque le droit « {french(wanted[0])} »."
    ways = " ou ".join(
        " avec ".join(f"« {word} »" for right, word in FRENCH.items() if right in rights)
        for rights in wanted
    )
    return f"{doing} : il vous manque un droit ({ways})."
