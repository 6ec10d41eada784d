"""Logs: one JSON object per line on standard error, escaped, without secrets."""

import json
import logging
import sys
from datetime import UTC, datetime
from traceback import walk_tb
from typing import Any


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
        return json.dumps(line, ensure_ascii=True, default=str)


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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("davserver").setLevel(level)
