"""What a command may fail of, as one sentence and an exit code."""

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from davserver.dossiers.plan import BadPlan
from davserver.errors import Problem, Unavailable
from davserver.model.schema import WrongSchema
from davserver.settings import BadSettings
from davserver.storage.away import reason


class Failure(Exception):
    """A command that cannot be done; the text is a French sentence."""

    code = 1


class Misuse(Failure):
    """A command that makes no sense; the text is a French sentence."""

    code = 2


FAILURES = (Failure, Problem, BadSettings, BadPlan, WrongSchema, SQLAlchemyError, OSError,
            UnicodeError)  # fmt: skip


def sentence(failure: Exception) -> tuple[str, int]:
    """The sentence that tells of one of :data:`FAILURES`, and the exit code."""
    if isinstance(failure, Failure):
        return str(failure), failure.code
    if isinstance(failure, SQLAlchemyError):
        cause = failure.orig if isinstance(failure, DBAPIError) else failure
        return f"La base de données est inutilisable ({_line(cause)}).", 1
    if isinstance(failure, OSError):
        where = f"{failure.filename} : " if failure.filename else ""
        return f"{where}{failure.strerror or _line(failure)}.", 1
    if isinstance(failure, Unavailable) and failure.__cause__ is not None:
        return f"{str(failure).rstrip('.')} ({_line(_cause(failure.__cause__))}).", 1
    if isinstance(failure, UnicodeError):
        return "Un argument n'est pas du texte UTF-8.", 2
    return str(failure), 1


def _cause(error: BaseException) -> object:
    """What a database says is for whoever runs the command; a store says addresses, too."""
    return error.orig if isinstance(error, DBAPIError) else reason(error)


def _line(error: object) -> str:
    return " ".join(str(error).split())
