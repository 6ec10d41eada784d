"""What runs beside the requests, in every process: sealing, mails, sweeping.

Any number of processes may run it on the same data; each piece of work is claimed in the database.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from davserver.accounts import throttle
from davserver.alerts.sending import send_due
from davserver.errors import Unavailable
from davserver.site import SYSTEM, Site
from davserver.storage.sweep import sweep
from davserver.tree import locks, sealing, side_files
from davserver.work import Client

log = logging.getLogger(__name__)

ROUND = 0.5  # seconds between two looks
SWEEP = 3_600.0  # seconds between two sweeps
FORGET = 60.0  # seconds between two looks for logins that are past
CLIENT = Client("worker")


class Background:
    """The background work of one process, in two threads: a slow mail server delays no seal."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stop = threading.Event()
        self._swept = self._forgot = time.monotonic()
        tasks = (self.deposits, self.mails)
        self._threads = [
            threading.Thread(target=self._run, args=(task,), name=task.__name__, daemon=True)
            for task in tasks
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is under way, then end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def deposits(self) -> None:
        """Seal or free what is due, drop expired side files; now and then sweep bytes and
        locks, and forget past logins."""
        settle_deposits(self._site, self._stop.is_set)
        if time.monotonic() - self._swept > SWEEP:
            self._swept = time.monotonic()
            grace = timedelta(seconds=self._site.settings.storage.orphan_grace)
            sweep(self._site.database, self._site.blobs, self._site.clock(), grace)
            with self._site.writing(SYSTEM, CLIENT) as work:
                locks.drop_expired(work)

        if time.monotonic() - self._forgot > FORGET:
            self._forgot = time.monotonic()
            with self._site.writing(SYSTEM, CLIENT) as work:
                throttle.forget(work.session, work.now)

    def mails(self) -> None:
        """Send the mails that are due."""
        site = self._site
        send_due(site.database, site.settings, site.clock, self._stop.is_set)

    def _run(self, task: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                task()
            except Unavailable as error:
                log.warning("background work waits: %s", error)
            except Exception:
                log.exception("background work failed; it is tried again")
            self._stop.wait(ROUND)


def settle_deposits(site: Site, stopping: Callable[[], bool] = lambda: False) -> int:
    """Seal or free every deposit that is due, drop expired side files. Returns how many deposits.

    ``stopping`` is asked before each: what is left is another round's.
    """
    with site.reading(SYSTEM, CLIENT) as work:
        due = sealing.due(work)
        expired = side_files.expired(work)
    done = 0
    for deposit_id in due:
        if stopping():
            return done
        with site.writing(SYSTEM, CLIENT) as work:
            done += sealing.settle(work, deposit_id)
    for node_id in expired:
        if stopping():
            return done
        with site.writing(SYSTEM, CLIENT) as work:
            side_files.expire(work, node_id)
    return done
