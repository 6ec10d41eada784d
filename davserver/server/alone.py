"""One server at a time on one data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from davserver.server.listening import CannotListen

LOCK = "davserver.lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other servers away from ``folder`` while the block lasts. Raises CannotListen.

    The lock belongs to this process, not to its forks, and ends with it however it ends. Commands
    do not ask for it: each of their acts is a transaction.
    """
    try:
        # Opened once: closing any other handle of the file would end the lock (POSIX).
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotListen(f"{folder / LOCK} : {error.strerror}.") from None
    try:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotListen(f"{folder} : un autre serveur sert déjà ces données.") from None
        yield
    finally:
        os.close(handle)
