"""Nothing is shown to others before the antivirus has called it clean. Doubt holds."""

from davserver.model import Verdict
from davserver.policy import Act, Action, Decision, Policy

_PENDING = Decision.deny(
    "En attente de contrôle : l'antivirus ne s'est pas encore prononcé.",
    phrase="En attente du controle antivirus",
    status=503,
)


class Antivirus(Policy):
    """Judges PUBLISH by the verdict about the very content. A bad one counts for ever; without a
    scanner (``active`` false), contents that nobody has inspected are shown."""

    alike = True

    def __init__(self, *, active: bool) -> None:
        self._active = active

    def judge(self, action: Action) -> Decision | None:
        if action.act is not Act.PUBLISH:
            return None
        if action.verdict is Verdict.INFECTED:
            return Decision.deny(
                f"Le contrôle antivirus y a trouvé « {action.finding} ».",
                phrase="Fichier infecte",
            )
        if action.verdict is Verdict.UNSCANNABLE:
            return Decision.deny(
                "Le contrôle antivirus n'a pas pu l'examiner en entier (chiffré, trop volumineux "
                f"ou trop imbriqué : « {action.finding} »).",
                phrase="Controle antivirus impossible",
            )
        if action.verdict is None and action.size and self._active:
            return _PENDING
        return Decision.allow("aucun contrôle ne s'y oppose")
