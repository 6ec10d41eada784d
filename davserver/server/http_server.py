"""cheroot's server with the rules of this package: its threads, fed by ``Waiting``."""

import logging
import os
import ssl
import threading
import time
from collections.abc import Callable

from cheroot.wsgi import Server as CherootServer

from davserver.server.addresses import Addresses
from davserver.server.connection import Connection
from davserver.server.gateway import Gateway
from davserver.server.listening import Listening, WSGIApplication, allow_files
from davserver.server.waiting import Door, Waiting

log = logging.getLogger("davserver.server")

# Seconds in which who has a connection may still ask something, at the end:
_LAST_WORD = 0.5  # of the server
_LEAVE = 11.0  # of a worker that is followed by another: more than a head may take


class Server(CherootServer):
    """The server of one worker process.

    Of cheroot it keeps the thread pool, the request object and the environ; it accepts by itself,
    since cheroot would give a thread to a client that has said nothing yet.
    """

    def __init__(
        self,
        listening: Listening,
        door: Door,
        tls: ssl.SSLContext | None,
        application: WSGIApplication,
    ) -> None:
        super().__init__(
            door.listener.getsockname()[:2],
            application,
            numthreads=listening.threads,
            server_name="davserver",
        )
        self.gateway = Gateway
        self.software = "davserver"
        self.tls = tls
        self.timeout = listening.idle_timeout
        self.max_request_header_size = listening.max_header_bytes
        self.max_request_body_size = listening.max_body_bytes
        self.min_body_rate = listening.min_body_rate
        self.shutdown_timeout = listening.shutdown_timeout
        most = allow_files(listening)
        if most < listening.idle_connections:
            log.warning("only %d idle connections fit in the limit of open files", most)
        self.waiting = Waiting(self, door, most, Addresses(listening))
        self._stopping = self._leaving = self._parting = False

    def run(self, lifeline: int, left: Callable[[], None]) -> None:
        """Serve until ``lifeline`` can be read, or ``stop`` or ``leave`` is called; then end what
        is in flight.

        ``lifeline`` is a descriptor whose end of file says that the parent stops, or has died.
        ``left`` is called, in a thread of its own, when ``leave`` was and the door is closed.
        """
        self.waiting.watch(lifeline, self.stop)
        self.requests.start()
        self.ready = True
        self.waiting.turn(0)
        log.info("worker %d serves", os.getpid())
        while not self._stopping and not self._leaving:
            self.waiting.turn(1.0)
        self._end(left)

    def stop(self) -> None:
        """Ask ``run`` to end within ``shutdown_timeout``; may be called by a signal handler, and
        more than once."""
        self._stopping = True

    def leave(self) -> None:
        """Ask ``run`` to end when all is answered, however long that lasts; likewise."""
        self._leaving = True

    def put_conn(self, conn: Connection) -> None:
        """Let a connection wait for its next request (called by cheroot's threads)."""
        self.waiting.keep(conn, last=self._parting)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """What cheroot has to say, as one line of this package's log."""
        log.log(level, "%s", " ".join(msg.split()))

    def _end(self, left: Callable[[], None]) -> None:
        self.ready = False
        self.waiting.close_door()
        if self._leaving:
            threading.Thread(target=left, daemon=True).start()
        # Each answer says from here on that it is the last of its connection. To close one without
        # having said so could meet the next request on its way.
        now = time.monotonic()
        hurried, patient = now + min(_LAST_WORD, self.shutdown_timeout), now + _LEAVE
        while self.waiting.has_some and time.monotonic() < (hurried if self._stopping else patient):
            self.waiting.turn(0.05)
        self._parting = True
        self.waiting.part()
        while self.waiting.serves_some and not self._stopping:
            self.waiting.turn(0.05)
        # cheroot waits without a limit for a thread that does not come to its end.
        threads = threading.Thread(
            target=self.requests.stop, args=(self.shutdown_timeout,), daemon=True
        )
        threads.start()
        deadline = time.monotonic() + self.shutdown_timeout
        while threads.is_alive() and time.monotonic() < deadline:
            self.waiting.turn(0.05)
