"""The parent process: it binds, forks the workers, replaces the dead, and stops them all."""

import logging
import math
import os
import select
import signal
import socket
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

from davserver.server.balance import Loads
from davserver.server.child import STOP_GRACE, STOPPING, Inherited, live
from davserver.server.following import Followed
from davserver.server.listening import CannotListen, Listening, NotRenewed, Worker, open_listener
from davserver.server.tls import server_context
from davserver.server.weight import Weights

log = logging.getLogger("davserver.server")

# The server stops when its workers die more often than so many times a minute, at each place.
_REPLACED = 5
_MINUTE = 60.0  # seconds
_FIRST_DELAY = 0.1  # seconds before a replacement; doubled with each death of the last minute
_KILL_MARGIN = 1.0  # seconds that a worker has to end by itself when its time is over
_LONGEST_SLEEP = 60.0  # seconds


MakeWorker = Callable[[], Worker]
Renew = Callable[[], tuple[Listening, MakeWorker]]
"""What is to be served from now on. Raises NotRenewed where all is to stay as it is."""


def serve(listening: Listening, make_worker: MakeWorker, renew: Renew | None = None) -> int:
    """Listen and serve until told to stop; returns the exit code of the process.

    Binds and reads the certificate first: raises CannotListen when that is not possible. Then forks
    ``listening.workers`` processes; each calls ``make_worker`` for itself, since nothing opened
    before a fork (a database connection, for one) may be used after it. For the same reason the
    caller has no threads running, and calls from the main thread: signals are handled here.

    SIGTERM or SIGINT: no new connections, requests in flight end within ``shutdown_timeout``,
    ``Worker.stop``; 0, or 1 if a worker did not come to its end by itself. A second one: at once.
    SIGHUP: workers of what ``renew`` gives follow those that are there, one by one; these end what
    they have begun, however long it lasts, and no request is lost. Address and number of workers
    stay. A worker that dies is replaced; when all die too often, the server stops: 1.
    """
    tls = server_context(listening)
    with open_listener(listening) as listener:
        return _Parent(listening, listener, tls, make_worker, renew).run()


class _Parent:
    """One run of ``serve``.

    All workers accept on the one socket bound here. With a socket of its own for each
    (SO_REUSEPORT), the kernel would deal connections out by a hash of addresses: also to a worker
    whose threads are all busy, and those dealt to a worker that dies would be lost; on macOS it
    would give them all to one. See ``Waiting`` for how the workers share them.
    """

    def __init__(
        self,
        listening: Listening,
        listener: socket.socket,
        tls: ssl.SSLContext | None,
        make_worker: MakeWorker,
        renew: Renew | None,
    ) -> None:
        self._renew = renew
        self._listener = listener
        self._lifeline, self._grip = os.pipe()
        self._loads = Loads(listening.workers + 1)  # one is spare: see Followed
        self._inherited = Inherited(
            listening, listener, self._loads, tls, self._lifeline, make_worker
        )
        self._alarm, self._alarmed = socket.socketpair()  # written by the signals
        self._places: dict[int, int] = {}  # of the workers, by their process ids
        self._due = dict.fromkeys(range(listening.workers), 0.0)  # when to start one at a place
        self._deaths: deque[tuple[float, int]] = deque()  # of the last minute: when, at which place
        self._stops = 0  # signals to stop
        self._hangups = 0  # signals to renew, since the last renewal
        self._followed = Followed(self._loads, self._places)
        self._proven = self._inherited  # with which workers have taken connections
        self._weights = Weights(listening.worker_memory)

    def run(self) -> int:
        """The exit code."""
        port = self._listener.getsockname()[1]
        log.info("listening on %s", replace(self._listening, port=port).url)
        try:
            with self._signals():
                while not self._stops and not self._dying_too_often():
                    if self._hangups:
                        self._begin_anew()
                    self._relieve()
                    self._followed.go_on(self._fork, self._due)
                    if not self._followed.busy:
                        self._proven = self._inherited
                    self._start_due()
                    looks = (self._followed.next_look, self._weights.next_look)
                    self._sleep(min(*looks, *self._due.values()))
                    for place, pid, code in self._reap():
                        self._take_leave(place, pid, code)
                asked = self._stops > 0
                return 0 if self._end() and asked else 1
        finally:
            os.close(self._lifeline)
            self._loads.close()
            self._alarm.close()
            self._alarmed.close()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Have the signals of stopping counted, and the sleep ended by them and by any death."""

        def stop(*_: object) -> None:
            self._stops += 1

        def hung_up(*_: object) -> None:
            self._hangups += 1

        self._alarm.setblocking(False)
        self._alarmed.setblocking(False)
        handlers: dict[signal.Signals, Any] = dict.fromkeys(STOPPING, stop)
        handlers[signal.SIGCHLD] = lambda *_: None
        handlers[signal.SIGHUP] = hung_up if self._renew else signal.SIG_IGN
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        descriptor = signal.set_wakeup_fd(self._alarm.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(descriptor)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _sleep(self, until: float) -> None:
        seconds = min(max(until - time.monotonic(), 0.0), _LONGEST_SLEEP)
        if select.select([self._alarmed], [], [], seconds)[0]:
            self._alarmed.recv(4_096)

    def _begin_anew(self) -> None:
        """Have all workers followed by those of a new plan, if it can be served."""
        self._hangups = 0
        assert self._renew is not None
        old = self._listening
        try:
            wanted, make_worker = self._renew()
            kept = replace(wanted, host=old.host, port=old.port, workers=old.workers)
            tls = server_context(kept)
        except (NotRenewed, CannotListen) as error:
            log.error("nothing is renewed: %s", error)
            return
        except Exception as error:  # whatever settings hold, those who are served stay so
            log.error("nothing is renewed: %s", type(error).__name__)
            return
        if kept != wanted:
            log.warning("address, port and number of workers are those of the start")
        self._inherited = replace(self._inherited, listening=kept, tls=tls, make_worker=make_worker)
        log.info("settings and certificate are read anew: new workers follow one by one")
        self._weights = Weights(kept.worker_memory)
        self._followed.begin(self._places)

    def _relieve(self) -> None:
        """Have workers followed that hold too much memory."""
        for pid in self._weights.heavy(self._places):
            most = self._weights.most >> 20
            log.info("worker %d holds more than %d MiB: a new one follows", pid, most)
            self._followed.begin([pid])

    def _start_due(self) -> None:
        now = time.monotonic()
        for place in [place for place, moment in self._due.items() if moment <= now]:
            del self._due[place]
            try:
                self._fork(place)
            except OSError as error:
                self._replace(place, f"a worker could not be forked: {error.strerror}")

    @property
    def _listening(self) -> Listening:
        return self._inherited.listening

    def _fork(self, place: int) -> int:
        """Start a worker at ``place``; its process id. Raises OSError."""
        # A signal between the fork and the child's own handlers would be counted for the parent's.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            pid = os.fork()
            if not pid:
                self._be_child(place)
            self._places[pid] = place
            return pid
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _be_child(self, place: int) -> NoReturn:
        code = 1
        try:
            # If the child held the grip itself, the lifeline would never end.
            os.close(self._grip)
            self._alarm.close()
            self._alarmed.close()
            code = live(self._inherited, place)
        finally:
            os._exit(code)

    def _reap(self) -> Iterator[tuple[int | None, int, int]]:
        """The workers that have ended: place (None for one that was leaving), process id, code."""
        for pid in [*self._places, *self._followed.leaving]:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                place = self._places.pop(pid, None)
                if place is not None:
                    self._loads.leave(place)
                yield place, pid, os.waitstatus_to_exitcode(status)

    def _take_leave(self, place: int | None, pid: int, code: int) -> None:
        """Go on without a worker that has ended."""
        if self._followed.has_failed(pid):
            log.error("new worker %d ended with code %d: the old ones stay", pid, code)
            self._inherited = self._proven
            self._weights = Weights(self._listening.worker_memory)
        elif self._followed.has_left(pid) or place is None:
            if code:
                log.error("worker %d, which was to leave, ended with code %d", pid, code)
        else:
            self._replace(place, f"worker {pid} ended with code {code}")

    def _replace(self, place: int, what: str) -> None:
        now = time.monotonic()
        self._deaths.append((now, place))
        while self._deaths[0][0] < now - _MINUTE:
            self._deaths.popleft()
        delay = _FIRST_DELAY * 2 ** ((len(self._deaths) - 1) // self._listening.workers)
        self._due[place] = now + delay
        log.error("%s; a new one in %.1f s", what, delay)

    def _dying_too_often(self) -> bool:
        # One that lives serves on, though no other can be started: for want of memory or threads.
        deaths = Counter(place for _, place in self._deaths)
        if any(deaths[place] <= _REPLACED for place in (*self._places.values(), *self._due)):
            return False
        log.critical("%d workers ended within a minute: the server stops", len(self._deaths))
        return True

    def _end(self) -> bool:
        """Stop all workers; whether each came to its end by itself."""
        stops, killed, well = self._stops, False, True
        self._listener.close()
        os.close(self._grip)
        longest = self._listening.shutdown_timeout + STOP_GRACE + _KILL_MARGIN
        deadline = time.monotonic() + longest
        while True:
            for _, pid, code in self._reap():
                self._followed.leaving.discard(pid)
                if code:
                    log.warning("worker %d ended with code %d", pid, code)
                    well = False
            pids = [*self._places, *self._followed.leaving]
            if not pids:
                return well
            if not killed and (self._stops > stops or time.monotonic() >= deadline):
                killed = True
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
            self._sleep(math.inf if killed else deadline)
