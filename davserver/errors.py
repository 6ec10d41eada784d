"""What can go wrong, said as facts. Each carries the HTTP status of its kind and a French sentence.

Operations raise these; one place at each door turns them into an answer. ``phrase`` is the short
ASCII reason phrase that file managers show; ``sentence`` is the full French sentence; ``condition``
names the ``DAV:`` precondition element of the error body (RFC 4918 §16), where there is one.
"""

import unicodedata


class Problem(Exception):
    """A request that cannot be served. Carries no path of the server, no secret, no traceback."""

    status = 500
    phrase = "Erreur du serveur"

    def __init__(
        self, sentence: str, *, phrase: str | None = None, condition: str | None = None
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.phrase = ascii_phrase(phrase or type(self).phrase)
        self.condition = condition


class BadRequest(Problem):
    """The request itself is malformed: nothing was looked at (RFC 9110 §15.5.1)."""

    status = 400
    phrase = "Requete incorrecte"


class Unauthenticated(Problem):
    """Nobody, or not the person announced (RFC 9110 §15.5.2)."""

    status = 401
    phrase = "Identifiez-vous"


class Refused(Problem):
    """A rule says no; ``rule`` names the policy, empty where the tree itself says it."""

    status = 403
    phrase = "Acces refuse"

    def __init__(
        self,
        sentence: str,
        *,
        phrase: str | None = None,
        condition: str | None = None,
        status: int = 403,
        rule: str = "",
    ) -> None:
        super().__init__(sentence, phrase=phrase, condition=condition)
        self.status = status
        self.rule = rule


class NotFound(Problem):
    """Not there, or not there for this person: the two are answered alike."""

    status = 404
    phrase = "Introuvable"


class NotAllowed(Problem):
    """The method makes no sense on what stands at this address (RFC 9110 §15.5.6)."""

    status = 405
    phrase = "Methode non permise"


class Conflict(Problem):
    """The parent folder is missing (RFC 4918 §9.3.1, §9.7.1)."""

    status = 409
    phrase = "Dossier parent introuvable"


class PreconditionFailed(Problem):
    """A condition set by the client does not hold (RFC 9110 §13, RFC 4918 §10.4)."""

    status = 412
    phrase = "Condition non remplie"


class TooLarge(Problem):
    """More bytes than one file may have."""

    status = 413
    phrase = "Fichier trop volumineux"


class UnsupportedBody(Problem):
    """A body where none is understood (RFC 4918 §9.3)."""

    status = 415
    phrase = "Contenu non pris en charge"


class RangeNotSatisfiable(Problem):
    """No byte of the file lies in the range asked (RFC 9110 §15.5.17)."""

    status = 416
    phrase = "Plage hors du fichier"


class Locked(Problem):
    """Somebody holds a lock or an unfinished deposit on this name (RFC 4918 §11.3)."""

    status = 423
    phrase = "Verrouille"


class BadDestination(Problem):
    """The Destination lies on another server (RFC 4918 §9.8.5)."""

    status = 502
    phrase = "Destination hors de ce serveur"


class Unavailable(Problem):
    """A store is away. Absence is never inferred from failure: this is never a 404."""

    status = 503
    phrase = "Service momentanement indisponible"
    retry_after = 30  # seconds


class Busy(Unavailable):
    """Too much of the same at once; it can be done in a moment."""

    phrase = "Trop de demandes a la fois"
    retry_after = 5


class Full(Problem):
    """No room: disk or quota (RFC 4918 §11.5)."""

    status = 507
    phrase = "Espace insuffisant"


def ascii_phrase(text: str) -> str:
    """``text`` as a reason phrase that any client can show: one line, no accent (RFC 9112 §4)."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return " ".join(plain.split())[:120]
