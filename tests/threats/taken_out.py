"""Takes each fix out, one at a time, and sees the test of its threat fail.

``./run mutants [ID...]`` copies the tree, changes one place of it as ``mutants/*.toml`` says, and
runs the tests that are named after the id. A test that still passes guards nothing: exit code 1.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MUTANTS = Path(__file__).parent / "mutants"
LEFT_OUT = (".git", ".venv", "node_modules", ".*_cache", ".hypothesis")
SECONDS = 600.0  # for the tests of one id


@dataclass(frozen=True)
class Mutant:
    """One fix taken out: in ``file``, ``old`` (which stands there once) becomes ``new``.

    ``test`` narrows the tests that must fail to those whose name has it; empty: any of the id.
    ``backend`` is where they run.
    """

    id: str
    file: str
    old: str
    new: str
    test: str = ""
    backend: str = "embedded"


def mutants() -> Iterator[Mutant]:
    """All that are stated, in the order of their files."""
    for file in sorted(MUTANTS.glob("*.toml")):
        for stated in tomllib.loads(file.read_text(encoding="utf-8"))["mutant"]:
            yield Mutant(**stated)


def fate(mutant: Mutant) -> str:
    """What its tests say without the fix: DEAD (one fails, as it should), LIVES, or UNKNOWN where
    they could not be run: a server that did not start has noticed nothing."""
    with tempfile.TemporaryDirectory(prefix="davserver-mutant-") as folder:
        copy = Path(folder) / "davserver"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
        place = copy / mutant.file
        text = place.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.id}: not once in {mutant.file}: {mutant.old!r}")
        place.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        for compiled in place.parent.glob(f"__pycache__/{place.stem}.*"):
            compiled.unlink()
        name = f"test_{mutant.id.lower()}_"
        wanted = name + (f" and {mutant.test}" if mutant.test else "")
        files = [
            file.relative_to(copy)
            for file in sorted((copy / "tests" / "threats").glob("test_*.py"))
            if f"def {name}" in file.read_text(encoding="utf-8")
        ]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
             "--backend", mutant.backend, "-k", wanted, *files],
            cwd=copy,  # from where it is imported, before what is installed
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )  # fmt: skip
    if done.returncode not in (0, 1):
        raise SystemExit(f"{mutant.id}: the tests did not run:\n{done.stdout[-2000:]}")
    if re.search(r"\d+ failed", done.stdout):
        return "DEAD"
    return "UNKNOWN" if re.search(r"\d+ error", done.stdout) else "LIVES"


def main(ids: list[str]) -> int:
    """The exit code: 1 if a mutant lives, or if an id that was asked for has none."""
    chosen = [one for one in mutants() if not ids or one.id in ids]
    missing = sorted(set(ids) - {one.id for one in chosen})
    alive = [f"{one} has no mutant" for one in missing]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        fates = zip(chosen, pool.map(fate, chosen), strict=True)
        for number, (mutant, found) in enumerate(fates, 1):
            place = f"{mutant.id} {mutant.file}"
            print(f"{number}/{len(chosen)} {place}: {found}", flush=True)
            if found != "DEAD":
                alive.append(place)
    print(f"{len(chosen)} fixes taken out, {len(alive)} unnoticed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
