"""The steps of an act at which a process of the tests can be made to die, in one table.

The product knows nothing of them: :func:`install` wraps its functions, and the calls that it makes
to the system and the database, in a process of the tests (:mod:`tests.processes`). A step is
armed by a file that all processes of the server share; whoever passes it kills them all.
"""

import os
import signal
import stat
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

ARMED = "armed"  # a file beside the data folder: the step, how often to pass it before, a serial
STORE = "davserver.storage.directory:"


@dataclass(frozen=True)
class Step:
    """A moment before or after a call. ``when`` tells by its arguments whether it is the one."""

    target: str
    after: bool = True
    when: Callable[..., bool] = lambda *_: True


def _is_spool_file(handle: int) -> bool:
    return "/spool/" in os.readlink(f"/proc/self/fd/{handle}")


def _is_directory(handle: int) -> bool:
    return stat.S_ISDIR(os.fstat(handle).st_mode)


STEPS: Mapping[str, Step] = {
    "spool opened": Step(f"{STORE}DirectoryBlobStore.receive"),
    "first block written": Step(f"{STORE}DirectoryIncoming.write"),
    "last block written": Step(f"{STORE}DirectoryIncoming.keep", after=False),
    "file flushed": Step("os:fsync", when=_is_spool_file),
    "file renamed": Step("pathlib:Path.rename"),
    "directory flushed": Step("os:fsync", when=_is_directory),
    "transaction begun": Step("begin"),
    "journal line written": Step("davserver.journal:record"),
    "alert queued": Step("davserver.alerts.outbox:announce"),
    "before the commit": Step("commit", after=False),
    "after the commit": Step("commit"),
    "before the answer": Step("davserver.server.gateway:Gateway.start_response", after=False),
    "after the answer": Step("davserver.server.request:Request.answer"),
    "before the seal": Step("davserver.tree.sealing:seal", after=False),
    "manifest made": Step("davserver.dossiers.export:manifest"),
    "content erased": Step("davserver.dossiers.lifecycle:_erase"),
    "rows forgotten": Step("davserver.storage.sweep:_forget_rows"),
    "bytes removed": Step(f"{STORE}DirectoryBlobStore.remove"),
    "spool cleaned": Step(f"{STORE}DirectoryBlobStore.drop_unfinished"),
}

_BYTES = ("spool opened", "first block written", "last block written", "file flushed",
          "file renamed", "directory flushed")  # fmt: skip
_ROWS = ("transaction begun", "journal line written", "before the commit", "after the commit")
_ANSWER = ("before the answer", "after the answer")
ACTS: Mapping[str, tuple[str, ...]] = {
    "deposit": (*_BYTES, *_ROWS, *_ANSWER),
    "replace": (*_BYTES[-2:], *_ROWS, *_ANSWER),
    "move": (*_ROWS, *_ANSWER),
    "file": _ROWS,
    "delete": _ROWS,
    "seal": ("before the seal", *_ROWS[:2], "alert queued", *_ROWS[2:]),
    "purge": ("manifest made", "content erased", *_ROWS),
    "sweep": ("rows forgotten", "bytes removed", "spool cleaned"),
}


def arm(folder: Path, step: str, *, passes: int = 0) -> None:
    """Have the process that comes to ``step``, after ``passes`` others, kill all of the server."""
    assert step in STEPS
    (folder / "armed.new").write_text(f"{step}|{passes}|{os.urandom(4).hex()}")
    (folder / "armed.new").replace(folder / ARMED)


def disarm(folder: Path) -> None:
    """Have nobody die any more."""
    (folder / ARMED).unlink(missing_ok=True)


class _Watch:
    """What passes the steps in this process."""

    def __init__(self, folder: Path) -> None:
        self._armed = folder / ARMED
        self._passed: Counter[str] = Counter()

    def armed(self, step: str) -> str:
        """What arms ``step`` now; empty for nothing."""
        try:
            armed = self._armed.read_text()
        except OSError:
            return ""
        return armed if armed.startswith(f"{step}|") else ""

    def passed(self, step: str, since: str | None = None) -> None:
        """Die, if it is time. ``since``: what armed the step when it began; a call that had begun
        before belongs to another act."""
        armed = self.armed(step)
        if armed and since in (None, armed):
            self._passed[armed] += 1
            if self._passed[armed] > int(armed.split("|")[1]):
                os.killpg(os.getpgrp(), signal.SIGKILL)


def install(folder: Path) -> None:
    """Watch all steps in this process and its forks; ``folder`` is where they are armed."""
    watch = _Watch(folder)
    for name, step in STEPS.items():
        if step.target == "begin":
            event.listen(Engine, "begin", _in_writers(watch, name))
        elif step.target == "commit" and not step.after:
            event.listen(Engine, "commit", _in_writers(watch, name))
        elif step.target == "commit":
            event.listen(Session, "after_commit", _after_commit(watch, name))
        else:
            _wrap(watch, name, step)


def _in_writers(watch: _Watch, name: str) -> Callable[[Connection], None]:
    def happened(connection: Connection) -> None:
        if connection.get_execution_options().get("davserver_write"):
            watch.passed(name)

    return happened


def _after_commit(watch: _Watch, name: str) -> Callable[[Session], None]:
    return lambda session: watch.passed(name)


def _wrap(watch: _Watch, name: str, step: Step) -> None:
    module, _, attribute = step.target.partition(":")
    *owners, last = attribute.split(".")
    owner: Any = import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    call = getattr(owner, last)

    @wraps(call)
    def watched(*arguments: Any, **named: Any) -> Any:
        ours = step.when(*arguments)
        since = watch.armed(name) if ours else ""
        if ours and not step.after:
            watch.passed(name)
        result = call(*arguments, **named)
        if ours and step.after:
            watch.passed(name, since)
        return result

    setattr(owner, last, watched)
