"""Davserver commands run inside the test process: quick, and with all that they print."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from davserver.commands import main
from davserver.site import Site, open_site
from tests import backends


@dataclass(frozen=True)
class Done:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Console:
    """The command line of the site in ``data``."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *arguments: str, typed: str = "") -> Done:
        """Run a command on this site; ``typed`` is its standard input."""
        with backends.chosen(self.data):
            return run(*arguments, "--data", str(self.data), typed=typed)

    def well(self, *arguments: str, typed: str = "") -> str:
        """What a command that succeeds prints."""
        done = self(*arguments, typed=typed)
        assert (done.code, done.err) == (0, ""), (arguments, done)
        return done.out

    def json(self, *arguments: str) -> Any:
        """What a listing prints with --json."""
        return json.loads(self.well(*arguments, "--json"))

    def refused(self, *arguments: str, code: int = 1) -> str:
        """The sentence of a command that fails: one line, and no trace of the program."""
        done = self(*arguments)
        return sentence_of(done, code)


def run(*arguments: str, typed: str = "") -> Done:
    """Run a command line."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), patch.object(sys, "stdin", io.StringIO(typed)):
        code = main(arguments)
    return Done(code, out.getvalue(), err.getvalue())


def sentence_of(done: Done, code: int = 1) -> str:
    """The one line of an error; fails unless ``done`` is one, with this exit code."""
    assert done.code == code, done
    lines = done.err.splitlines()
    assert len(lines) == 1 and lines[0].endswith("."), done
    assert "Traceback" not in done.err and done.out == "", done
    return lines[0]


def copied(seeded: Path, folder: Path) -> Console:
    """The command line of a copy of the demo site, made in ``folder``."""
    backends.copy_site(seeded, folder / "data")
    return Console(folder / "data")


@contextmanager
def opened(console: Console) -> Iterator[Site]:
    """The site of a command line, for what no command does."""
    site = open_site(backends.settings(console.data))
    try:
        yield site
    finally:
        site.close()
