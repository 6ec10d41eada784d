"""The npm package webdav, as a program of somebody's office uses it."""

import json
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients import run
from tests.programs import require_npm_packages, require_program
from tests.serving import PASSWORD, Server

FOLDER = Path(__file__).parent / "node"


@dataclass(frozen=True)
class Refused:
    """An operation that the package ended with an error; the status is 0 if the server has none."""

    status: int
    message: str


class Npm:
    """The package, as one person. Paths are below /dav, with slashes."""

    def __init__(self, server: Server, login: str, home: Path) -> None:
        self._program = require_program("node")
        require_npm_packages(FOLDER)
        self._home = home
        self._person = {"url": f"{server.url}/dav", "username": login, "password": PASSWORD}

    def __call__(self, *steps: tuple[Any, ...]) -> list[Any]:
        """Do the ``steps``, each an operation and its arguments, in one process; what each gave:
        its value, or that it was refused."""
        asked = json.dumps({**self._person, "steps": steps})
        done = run(self._program, FOLDER / "drive.js", home=self._home, stdin=asked.encode())
        assert done.code == 0, done.errors
        outcomes = json.loads(done.output)
        assert len(outcomes) == len(steps)
        return [_outcome(outcome) for outcome in outcomes]


def _outcome(given: dict[str, Any]) -> Any:
    if "value" not in given:
        return Refused(given["status"], given["message"])
    value = given["value"]
    return b64decode(value["base64"]) if isinstance(value, dict) and "base64" in value else value


def place(*names: str) -> str:
    """A place on the drive, as the package names it."""
    return "/" + "/".join(names)
