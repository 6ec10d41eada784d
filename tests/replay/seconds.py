"""Time in scripts: what takes minutes at a person's desk takes seconds here, in the same order."""

import time

from davserver.settings import DepositSettings

# Real seconds of scripts and settings, and how long they last here.
PLAYED = {
    1: 0.1, 2: 0.2, 5: 0.4, 10: 0.6, 20: 1.5, 40: 2.0, 60: 2.5, 70: 2.8, 120: 3.6, 150: 3.9,
    360: 4.4, 600: 5.0, 900: 5.5, 3_600: 60.0, 86_400: 86_400.0,
}  # fmt: skip
_TIMES = (
    "quiet_locked",
    "quiet_unlocked",
    "held_lock",
    "reservation",
    "reservation_limit",
    "courtesy_lock",
    "replay",
)


def settings() -> dict[str, str]:
    """The times of deposits as this suite plays them, for the environment of a server."""
    usual = DepositSettings()
    return {
        f"DAVSERVER_DEPOSIT__{name.upper()}": str(PLAYED[int(getattr(usual, name))])
        for name in _TIMES
    }


def pause(real: int, parts: int = 1) -> None:
    """Let one of so many parts of these real seconds pass."""
    time.sleep(PLAYED[real] / parts)
