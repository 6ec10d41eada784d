"""Logs: one JSON object per line on standard error, escaped, without secrets."""

import json
import logging
import math
import sys
import time
from collections import Counter, OrderedDict
from datetime import UTC, datetime
from traceback import walk_tb
from typing import Any

REPEATED = 60.0  # seconds for which the same is not told again
MOST = 1_000  # different ones that are remembered
_encoded = json.JSONEncoder(ensure_ascii=True, default=str).encode


class JsonLines(logging.Formatter):
    """A record as one line; ``facts`` given with ``extra`` become its keys.

    Of a failure it tells the types and the places, not the texts: these may name people, pieces,
    folders of the machine, or bear what was sent to a database.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name,
            "event": record.getMessage(),
        }
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["failure"] = _chain(record.exc_info[1])
        return _encoded(line)


class Repeats(logging.Filter):
    """Tells a warning or an error that repeats itself once a minute, with how many times it was
    heard: what looks twice a second for a disk that is away must not fill another one."""

    def __init__(self) -> None:
        super().__init__()
        self._told: OrderedDict[str, float] = OrderedDict()  # monotonic seconds
        self._heard: Counter[str] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        facts = getattr(record, "facts", {})
        failure = record.exc_info[0] if record.exc_info else None
        key = f"{record.name} {record.getMessage()} {facts} {failure}"
        now = time.monotonic()
        if now - self._told.get(key, -math.inf) < REPEATED:
            self._heard[key] += 1
            return False
        if self._heard[key]:
            record.facts = facts | {"repeated": self._heard.pop(key)}
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > MOST:
            self._heard.pop(self._told.popitem(last=False)[0], None)
        return True


def _chain(error: BaseException | None) -> list[str]:
    """A failure and what caused it: « type at module:line < module:line », innermost first."""
    found = []
    while error is not None:
        steps = [
            f"{frame.f_globals.get('__name__', '?')}:{line}"
            for frame, line in walk_tb(error.__traceback__)
        ]
        found.append(" at ".join([type(error).__name__, " < ".join(reversed(steps))]).strip())
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def log_to_stderr(level: str = "INFO") -> None:
    """Send all of davserver's records to standard error; other libraries' warnings too."""
    # What no line tells is not looked up: these are the switches that logging documents for it.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(Repeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("davserver").setLevel(level)
