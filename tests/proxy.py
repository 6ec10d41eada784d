"""A TCP proxy that a test can make fail: away, silent, or cut at the very words of a request."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Proxy:
    """Hands bytes on between its ``port`` and ``target``, a port of this machine.

    ``away``: connections are refused at once, open ones are cut. ``silent``: nothing is handed on.
    ``cut``: the words of a client at which its connection is cut, before or after they are handed
    on (``too_late``), once.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._away = False
        self.silent = threading.Event()
        self.cut, self.too_late = b"", False
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def away(self) -> bool:
        """Whether the service is out of reach."""
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        self._away = away
        if away:
            self._drop_all()

    def close(self) -> None:
        """End."""
        self.away = True
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._away:
                    _drop(client)
                    continue
                server = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._open |= {client, server}
                for ends in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._hand_on, args=ends, daemon=True).start()

    def _hand_on(self, source: socket.socket, target: socket.socket, asks: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                while self.silent.is_set() and not self._away:
                    threading.Event().wait(0.05)
                meets = asks and bool(self.cut) and self.cut in data
                if meets:
                    self.cut, self.cuts = b"", self.cuts + 1
                if not meets or self.too_late:
                    target.sendall(data)
                if meets:
                    break
        for end in (source, target):
            _drop(end)
        with self._lock:
            self._open -= {source, target}

    def _drop_all(self) -> None:
        with self._lock:
            ends = list(self._open)
        for end in ends:
            _drop(end)


def _drop(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def proxied(target: int) -> Iterator[Proxy]:
    """A proxy for the length of a test."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
