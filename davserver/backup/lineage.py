"""Whose a generation is: sites that share a folder must not push each other's backups out.

A restored site has an identity of its own, but goes on with the folder that it comes from. Its line
is its identity and those that it was restored from; the journal tells them (``site.restore``).
"""

import json
import sqlite3
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from davserver.backup import BackupProblem
from davserver.backup.folder import BackupFolder
from davserver.backup.rows import ask
from davserver.model import JournalLine, SiteIdentity

RESTORED = "site.restore"  # the act in the journal


def line_of(session: Session, folder: BackupFolder) -> list[str]:
    """The identities of the site of ``session``: its own first, then those it was restored from."""
    found = [session.scalar(select(SiteIdentity.identity)) or ""]
    acts = select(JournalLine.facts).where(JournalLine.act == RESTORED).order_by(JournalLine.id)
    for facts in map(json.loads, session.scalars(acts)):
        # Earlier versions noted the generation alone: this may be the folder that has it.
        found += facts.get("sites") or [owner(folder, facts["generation"])]
    return [identity for identity in dict.fromkeys(found) if identity]


def owner(folder: BackupFolder, name: str) -> str:
    """The identity of a generation's site; empty for one of the time before sites had any, and for
    one of which nothing can be read."""
    try:
        if sites := folder.manifest(name).sites:
            return sites[0]
    except BackupProblem:
        pass
    try:
        # What earlier versions have made says it in the rows alone.
        return str(ask(folder.rows(name), "SELECT identity FROM site")[0][0])
    except (sqlite3.DatabaseError, IndexError):
        return ""


def require_own(folder: BackupFolder, sites: Iterable[str]) -> None:
    """Raise BackupProblem where the newest generation is of none of ``sites``."""
    owners = (owner(folder, name) for name in reversed(folder.generations()))
    newest = next(filter(None, owners), None)
    if newest is not None and newest not in sites:
        raise BackupProblem(
            f"{folder.root} : la dernière sauvegarde de ce dossier est celle d'un autre site ; "
            "donnez un autre dossier, ou ajoutez --shared si les deux sites doivent le partager."
        )
