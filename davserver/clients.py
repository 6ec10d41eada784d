"""What WebDAV programs are known to do: the one table of their habits, by user agent.

Each habit was read in the program's source or seen in recorded requests. Nobody's rights depend on
it: an agent can be forged, and what a forger gains is told in his own column.
"""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Program:
    """A program, known by the beginning of its user agent (small letters).

    ``refused_write`` and ``refused_lock``: the status by which it shows best that something is not
    permitted, and that a sealed piece cannot be locked. ``hides``: the methods whose refusal it
    does not show to the person; « PUT » means a PUT with content. ``reopens``: it comes back to a
    file that it has just written. ``litters``: it leaves its side files wherever a folder is
    opened. ``hangs_on_quota``: a drive that tells its quota cannot be mounted. ``needs_content``: a
    document answered by 304 opens read-only. ``forgets_token``: it may write to what it has locked
    without saying so. ``keeps_form``: it forgets a file that it has still to send if a listing
    shows the name in another form (accents) than it has. ``case_blind``: two names that differ by
    their capitals are one to it, so that it asks before it writes over a file, and a folder may be
    called as its user typed it. ``case_exact``: it takes whatever it finds under a name for its own
    file of that very name.
    """

    agent: str
    refused_write: int = 403
    refused_lock: int = 423
    hides: frozenset[str] = frozenset()
    reopens: bool = True
    litters: bool = False
    hangs_on_quota: bool = False
    needs_content: bool = False
    forgets_token: bool = False
    keeps_form: bool = False
    case_blind: bool = False
    case_exact: bool = False


PROGRAMS = (
    # Explorer: a file that it could not remove vanishes, and is there again later.
    Program(
        "microsoft-webdav-miniredir",
        hides=frozenset({"DELETE"}),
        litters=True,
        case_blind=True,
    ),
    # Finder: what close() is answered is thrown away; 423 reads « in use ».
    Program(
        "webdavfs",
        refused_lock=403,
        hides=frozenset({"PUT"}),
        litters=True,
        hangs_on_quota=True,
    ),
    Program("webdavlib", hangs_on_quota=True),
    # Sends a file long after the program has closed it: only a refused LOCK is in time, and only
    # 423 reads « Permission denied ».
    Program(
        "davfs2",
        refused_write=423,
        hides=frozenset({"PUT"}),
        reopens=False,
        keeps_form=True,
        case_exact=True,
    ),
    # Tries again for ever after 423. Sends nothing where it finds a file of the same size.
    Program("rclone", refused_lock=403, case_exact=True),
    Program("microsoft office", needs_content=True),
    # Locks a document whose name has accents, then saves it without the token.
    Program("libreoffice", forgets_token=True),
)
_UNKNOWN = Program("")
_LONGEST = max(len(known.agent) for known in PROGRAMS)


def program(agent: str) -> Program:
    """The program of a user agent; an unknown one has no habits."""
    return _known(agent[:_LONGEST].lower())


@lru_cache(maxsize=1_000)
def _known(start: str) -> Program:
    return next((known for known in PROGRAMS if start.startswith(known.agent)), _UNKNOWN)
