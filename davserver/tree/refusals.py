"""What becomes of a refusal: a line of the journal, and a word to who was not told."""

from davserver.alerts import outbox
from davserver.errors import Refused
from davserver.model import MessageKind
from davserver.tree import write
from davserver.tree.lookup import Path, find_held
from davserver.work import Work

_DOING = {
    "PUT": "envoi",
    "DELETE": "suppression",
    "MOVE": "déplacement ou changement de nom",
    "COPY": "copie",
    "MKCOL": "nouveau dossier",
    "PROPPATCH": "changement de propriétés",
    "LOCK": "verrouillage",
}


def note(work: Work, path: Path, method: str, refusal: Refused, *, shown: bool) -> None:
    """An attempt that a rule refused is a fact of the dossier, too. Where the actor's program does
    not show it to him (``shown``), a grouped mail does."""
    spot = find_held(work, path)  # the dossier before the journal, as all writers do
    write.record(
        work,
        "refused",
        spot.dossier,
        method=method,
        path="/".join(path),
        rule=refusal.rule,
        agent=work.client.agent[:120],
    )
    if shown or spot.dossier is None:
        return
    replaces = method == "PUT" and spot.node is not None and spot.seen
    doing = "remplacement" if replaces else _DOING.get(method, method)
    outbox.tell(
        work,
        MessageKind.REFUSED,
        spot.dossier,
        spot.folders,
        spot.name,
        author_id=work.actor.id,
        reason=f"{doing} : {refusal.sentence}",
        once=True,
    )
