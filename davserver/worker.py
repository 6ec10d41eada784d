"""What runs beside the requests, in every process: inspecting, sealing, mails, sweeping.

Any number of processes may run it on the same data; each piece of work is claimed in the database.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from davserver.accounts import throttle
from davserver.alerts.sending import send_due
from davserver.errors import Unavailable
from davserver.inspection import contents
from davserver.site import SYSTEM, Site
from davserver.storage.sweep import sweep
from davserver.tree import changes, locks, sealing, side_files
from davserver.work import Client

log = logging.getLogger(__name__)

ROUND = 0.5  # seconds between two looks at what is due
SWEEP = 3_600.0  # seconds between two sweeps
SIDE_FILES = 60.0  # seconds between two looks at side files, which may be thousands
MINUTE = 60.0  # seconds
CLIENT = Client("worker")


class Chore:
    """A task that is done ``every`` so many seconds, first at once or after that time."""

    def __init__(self, task: Callable[[], None], every: float, *, at_once: bool = True) -> None:
        self.task = task
        self._every = every
        self._done = float("-inf") if at_once else time.monotonic()
        self.failing = False

    def is_due(self) -> bool:
        """Whether its time has come; it is taken as done then."""
        now = time.monotonic()
        due = now - self._done >= self._every
        if due:
            self._done = now
        return due


class Background:
    """The background work of one process, in threads of its own: a scanner or a mail server that
    does not answer delays no seal."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stop = threading.Event()
        threads = {
            "inspections": [Chore(self.inspections, ROUND)],
            "deposits": [
                Chore(self.deposits, ROUND),
                Chore(self.side_files, SIDE_FILES),
                Chore(self.sweep, SWEEP, at_once=False),
                Chore(self.locks, MINUTE),  # at once: the clock may have been put back meanwhile
                Chore(self.logins, MINUTE, at_once=False),
            ],
            "mails": [Chore(self.mails, ROUND)],
        }
        self._threads = [
            threading.Thread(target=self._run, args=(chores,), name=name, daemon=True)
            for name, chores in threads.items()
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

    def inspections(self) -> None:
        """Have the antivirus inspect what has come."""
        site = self._site
        contents.Scan(
            site.database, site.blobs, site.settings.antivirus, site.clock, self._stop.is_set
        ).due()

    def deposits(self) -> None:
        """Seal or free what is due."""
        settle_deposits(self._site, self._stop.is_set)

    def side_files(self) -> None:
        """Tell of temporary files that were left, drop expired side files."""
        settle_side_files(self._site, self._stop.is_set)

    def mails(self) -> None:
        """Send the mails that are due."""
        site = self._site
        send_due(site.database, site.settings, site.clock, self._stop.is_set)

    def sweep(self) -> None:
        """Delete bytes that nobody names, forget old removals and verdicts."""
        site = self._site
        grace = timedelta(seconds=site.settings.storage.orphan_grace)
        # Files are dated by the machine: its clock may have jumped where the site's has not.
        now = min(site.clock(), datetime.now(UTC))
        sweep(site.database, site.blobs, now, grace)
        forget_removals(site, self._stop.is_set)
        with site.writing(SYSTEM, CLIENT) as work:
            contents.forget(work.session, work.now)

    def locks(self) -> None:
        """Drop the locks that are over."""
        settle_locks(self._site)

    def logins(self) -> None:
        """Forget logins that are past."""
        with self._site.writing(SYSTEM, CLIENT) as work:
            throttle.forget(work.session, work.now)

    def _run(self, chores: Sequence[Chore]) -> None:
        while not self._stop.is_set():
            # Where there is no memory even to tell of a failure, the thread must not end of it.
            with suppress(MemoryError):
                for chore in chores:
                    if chore.is_due():
                        self._do(chore)
            self._stop.wait(ROUND)

    def _do(self, chore: Chore) -> None:
        try:
            chore.task()
        except Unavailable as error:
            chore.failing = True
            log.warning("background work waits: %s", error)
        except Exception:
            chore.failing = True
            log.exception("background work failed; it is tried again")
        else:
            if chore.failing:
                log.info("background work goes on")
            chore.failing = False


def settle_locks(site: Site) -> None:
    """Drop the locks that are over; none lasts longer than was granted, whatever the clock did."""
    with site.reading(SYSTEM, CLIENT) as work:
        if not locks.past(work) and not locks.endless(work):
            return
    with site.writing(SYSTEM, CLIENT) as work:
        locks.settle(work)


def settle_deposits(site: Site, stopping: Callable[[], bool] = lambda: False) -> int:
    """Seal or free every deposit that is due. Returns how many.

    ``stopping`` is asked before each: what is left is another round's.
    """
    with site.reading(SYSTEM, CLIENT) as work:
        due = sealing.due(work)
    done = 0
    for deposit_id in due:
        if stopping():
            return done
        with site.writing(SYSTEM, CLIENT) as work:
            done += sealing.settle(work, deposit_id)
    return done


def settle_side_files(site: Site, stopping: Callable[[], bool] = lambda: False) -> None:
    """Tell of temporary files that were left, drop expired side files and reserved folders.

    ``stopping`` is asked before each: what is left is another round's.
    """
    with site.reading(SYSTEM, CLIENT) as work:
        untold = side_files.untold(work)
        expired = side_files.expired(work)
    for act, node_ids in ((side_files.tell, untold), (side_files.expire, expired)):
        for node_id in node_ids:
            if stopping():
                return
            with site.writing(SYSTEM, CLIENT) as work:
                act(work, node_id)


def forget_removals(site: Site, stopping: Callable[[], bool] = lambda: False) -> None:
    """Forget what was removed long ago, one dossier at a time."""
    again = True
    while again and not stopping():
        with site.writing(SYSTEM, CLIENT) as work:
            again = changes.forget(work)
