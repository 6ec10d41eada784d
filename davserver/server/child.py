"""The life of one worker process, from the fork to its end."""

import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from davserver.server.balance import Loads
from davserver.server.following import LEAVING
from davserver.server.http_server import Server
from davserver.server.listening import Listening, Worker
from davserver.server.memory import collect_seldom, give_back
from davserver.server.waiting import Door

log = logging.getLogger("davserver.server")

STOPPING = (signal.SIGINT, signal.SIGTERM)
STOP_GRACE = 5.0  # seconds for ``Worker.stop``, after those for the requests in flight


@dataclass(frozen=True)
class Inherited:
    """What every worker process has from its parent.

    Nothing is ever written to the ``lifeline``, whose reading end this is: it ends when the parent
    closes the other end to have its workers stop, and no less when the parent is killed.
    """

    listening: Listening
    listener: socket.socket
    loads: Loads
    tls: ssl.SSLContext | None
    lifeline: int
    make_worker: Callable[[], Worker]


def live(inherited: Inherited, place: int) -> int:
    """Serve at ``place`` until told to stop; the exit code: 1 when it could not serve.

    To be called in the child, with ``STOPPING`` blocked.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Ctrl-C reaches all processes of a terminal: the parent decides for all.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    try:
        _serve(inherited, place)
    except Exception as error:
        text = " ".join(str(error).split())
        kind = type(error).__name__
        log.error("worker %d failed: %s: %s", os.getpid(), kind, text, exc_info=True)
        return 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
    return 0


def _serve(inherited: Inherited, place: int) -> None:
    give_back()
    worker = inherited.make_worker()
    door = Door(inherited.listener, inherited.loads, place)
    server = Server(inherited.listening, door, inherited.tls, worker.application)
    collect_seldom()
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    signal.signal(LEAVING, lambda *_: server.leave())
    worker.start()
    try:
        server.run(inherited.lifeline, worker.leave)
    finally:
        # The parent would end a worker that hangs, but there may be no parent any more.
        guard = threading.Timer(STOP_GRACE, os._exit, (1,))
        guard.daemon = True
        guard.start()
        worker.stop()
