"""What a server is told, and the address it listens on."""

import errno
import resource
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# Connections that the kernel holds until a worker takes them; it may cut this to its own limit.
BACKLOG = 1_024
# File descriptors for the logs, the database and the pieces that a request opens.
_FILES_PER_THREAD = 8
_FILES_BESIDES = 128


class CannotListen(Exception):
    """The server cannot start: the text is one French sentence for the person who starts it."""


class NotRenewed(Exception):
    """Other settings cannot be served: the text is one French sentence for who has changed them."""


class Worker(Protocol):
    """What serves in one worker process. It is made there, after the fork: see ``serve``."""

    @property
    def application(self) -> WSGIApplication:
        """What answers the requests, from several threads at once."""

    def start(self) -> None:
        """Start what runs beside the requests. Called once, before the first request."""

    def leave(self) -> None:
        """Stop it now: another worker follows. Requests that are under way come to their end.
        Called once at most, from a thread of its own."""

    def stop(self) -> None:
        """Stop it, if it is not yet. Called once, after the last request."""


@dataclass(frozen=True)
class Listening:
    """How to listen and within which limits. Sizes are bytes, times seconds.

    ``workers`` processes have ``threads`` each. ``certificate`` and ``private_key`` are PEM files;
    both None means plain HTTP. ``idle_timeout`` is how long a client may say nothing, within a
    request or between two. ``shutdown_timeout`` is what requests in flight are given to end.
    ``idle_connections`` is how many connections without a request each worker keeps open; one more
    closes the one that has waited longest. ``min_body_rate`` is how many bytes a second a body must
    bring (0: any), over twice the ``idle_timeout``. Of one client address each worker holds at most
    ``connections_per_address`` and serves at most ``requests_per_address`` at once; addresses of
    ``proxies``, which may be networks, are no client's. A worker that holds more than
    ``worker_memory`` (0: any) for some minutes is followed by a new one.
    """

    host: str
    port: int
    workers: int
    threads: int
    certificate: Path | None
    private_key: Path | None
    max_header_bytes: int
    max_body_bytes: int
    idle_timeout: float
    shutdown_timeout: float
    worker_memory: int
    idle_connections: int
    min_body_rate: float
    connections_per_address: int
    requests_per_address: int
    proxies: frozenset[str]

    @property
    def url(self) -> str:
        """Where this server answers, for people to read."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"


def open_listener(listening: Listening) -> socket.socket:
    """The bound socket of ``listening``, not blocking. Raises CannotListen."""
    if listening.idle_timeout <= 0:
        raise CannotListen("Le délai d'inactivité doit être supérieur à zéro.")
    host, port = listening.host, listening.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise CannotListen(f"L'adresse « {host} » est inconnue de cette machine.") from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # Else a restart would have to wait for the last connections of the previous run.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(_explain(error, host, port)) from None
    # Several workers are woken for one connection: those who come late must not block.
    listener.setblocking(False)
    return listener


def allow_files(listening: Listening) -> int:
    """Raise the limit of open files as far as wanted and allowed; how many connections fit in."""
    besides = listening.threads * _FILES_PER_THREAD + _FILES_BESIDES
    wanted = listening.idle_connections + besides
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return listening.idle_connections
    return min(listening.idle_connections, max(soft - besides, 1))


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Le port {port} de {host} est déjà utilisé par un autre programme."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"L'adresse {host} n'est pas une adresse de cette machine."
    if error.errno == errno.EACCES:
        return f"Le port {port} est réservé : il faut plus de droits pour y écouter."
    return f"Impossible d'écouter sur {host}, port {port} ({error.strerror})."
