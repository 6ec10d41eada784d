"""Which generation becomes a site again, and what to say if it cannot."""

from davserver.backup import BackupProblem
from davserver.backup.folder import BackupFolder, Manifest, sha256_of
from davserver.backup.lineage import owner


def chosen(folder: BackupFolder, generation: str | None) -> tuple[str, Manifest]:
    """The generation of that name, the newest if not said, and its manifest.

    Raises BackupProblem where there is none, where it cannot be read, and where the newest may not
    be of the site that is meant.
    """
    names = folder.generations()
    if not names:
        raise BackupProblem(f"{folder.root} : aucune sauvegarde.")
    name = generation or names[-1]
    try:
        manifest = folder.manifest(name)
    except BackupProblem as problem:
        raise unusable(folder, name, problem.sentence) from None
    if generation is None:
        newest = {owner(folder, one): one for one in names}
        line = {"", owner(folder, name), *manifest.sites}
        if strangers := [one for site, one in newest.items() if site not in line]:
            choices = " ou ".join(f"--generation {one}" for one in sorted([*strangers, name]))
            raise BackupProblem(
                f"{folder.root} : ce dossier est celui de plusieurs sites ; ajoutez {choices}."
            )
    return name, manifest


def unusable(folder: BackupFolder, name: str, sentence: str) -> BackupProblem:
    """``sentence`` about a generation, and the newest other one of its site that can be read."""
    others = {one: owner(folder, one) for one in folder.generations() if one != name}
    sites = set(filter(None, others.values()))
    # Of one that is too damaged to say whose it is, in a folder that one site has for itself, too.
    whose = owner(folder, name) or (sites.pop() if len(sites) == 1 else "")
    for other, site in sorted(others.items(), reverse=True):
        if site in (whose, "") and _is_readable(folder, other):
            hint = f" ; une autre est lisible : ajoutez --generation {other}."
            return BackupProblem(sentence.removesuffix(".") + hint)
    return BackupProblem(sentence)


def _is_readable(folder: BackupFolder, name: str) -> bool:
    try:
        return sha256_of(folder.rows(name)) == folder.manifest(name).rows_sha256
    except (BackupProblem, OSError):
        return False
