"""Clients that trickle, many at once, in one thread; and what an honest one beside them sees."""

import selectors
import socket
import threading
import time
from contextlib import suppress

from davserver.server.streams import NOT_YET
from tests.dav import Dav


class Trickle:
    """Connections that each send one byte of ``endless`` every ``pause`` seconds, until they are
    closed. A context manager: they begin at its start and end with it."""

    def __init__(self, sockets: list[socket.socket], pause: float, byte: bytes = b"a") -> None:
        self.sockets = sockets
        self.heard: dict[int, bytes] = {}  # by place: what the server has said
        self.ended: dict[int, tuple[float, bytes]] = {}  # after how long, and all that was said
        self._pause = pause
        self._byte = byte
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Trickle":
        self._begun = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for one in self.sockets:
            one.close()

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        for place, one in enumerate(self.sockets):
            one.setblocking(False)
            selector.register(one, selectors.EVENT_READ, place)
        following = time.monotonic()
        while not self._stop.is_set():
            if time.monotonic() >= following:
                following += self._pause
                for place, one in enumerate(self.sockets):
                    if place not in self.ended:
                        with suppress(OSError):
                            one.send(self._byte)
            for key, _ in selector.select(0.1):
                place, one = key.data, self.sockets[key.data]
                try:
                    block = one.recv(65_536)
                except NOT_YET:
                    continue
                except OSError:
                    block = b""
                self.heard[place] = self.heard.get(place, b"") + block
                if not block:
                    selector.unregister(one)
                    self.ended[place] = (time.monotonic() - self._begun, self.heard[place])


def seconds_of_answers(client: Dav, seconds: float) -> list[float]:
    """How long each answer took to an honest client who lists and writes for so long, in order."""
    taken: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        assert client.propfind((), "1").status == 207
        taken.append(time.monotonic() - begun)
        time.sleep(0.02)
    return sorted(taken)


def centile(taken: list[float], part: float) -> float:
    """The value below which this part of the sorted values lies."""
    return taken[min(len(taken) - 1, int(len(taken) * part))]
