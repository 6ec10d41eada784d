"""Backups of a site that is being served, and the way back.

A backup is a folder that belongs to no back end: what was in SQLite or PostgreSQL, in a local store
or an S3 one, restores to either. Nothing of the site's own work ever touches it.

    backup-of-davserver           says that the folder is one
    lock                          held by who writes here
    generations/TIME/rows.sqlite  all rows, read in one transaction
    generations/TIME/manifest.json
    blobs/ab/abcd…                the bytes, under their SHA-256: each once, for all generations
    blobs/ab/abcd….damaged        what a check has found changed, until a good copy is made

A generation has its name from the moment it is whole; until then it ends in ``.partial``.
"""

from davserver.errors import Problem


class BackupProblem(Problem):
    """A backup that cannot be made, used or restored; the sentence says why."""

    phrase = "Sauvegarde impossible"
