"""What each client address has of a worker: connections, and threads."""

import ipaddress
import threading
from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING

from davserver.server.listening import Listening

if TYPE_CHECKING:
    from davserver.server.connection import Connection

_HALF = 64  # bits of an IPv6 address: one customer has all addresses that begin with them


def origin(address: str) -> str:
    """What counts as one client: an IPv4 address, or the network of an IPv6 one."""
    if ":" not in address:
        return address
    plain = address.partition("%")[0]  # the interface of a link-local one
    return str(ipaddress.ip_network((plain, _HALF), strict=False))


class Addresses:
    """Keeps one address from taking all. May be called by any thread.

    Each worker counts for itself: the workers share connections evenly, so that of the whole server
    an address has about as many times more as there are workers. Proxies have as much as they want:
    those behind them are theirs to count.
    """

    def __init__(self, listening: Listening) -> None:
        self._most_open = listening.connections_per_address
        self._most_served = listening.requests_per_address
        self._proxies = tuple(map(ipaddress.ip_network, listening.proxies))
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()
        self._served: Counter[str] = Counter()
        self._queues: defaultdict[str, deque[Connection]] = defaultdict(deque)

    def came(self, address: str) -> int:
        """Count a new connection; by how many the address has more now than it may have."""
        free = self._is_proxy(address)
        with self._lock:
            self._open[address] += 1
            return 0 if free else self._open[address] - self._most_open

    def went(self, address: str) -> None:
        """A connection was closed."""
        with self._lock:
            _decrease(self._open, address)

    def begin(self, connection: "Connection") -> bool:
        """Whether ``connection`` may have a thread now; else it waits in the queue of its address.

        Those of an address are served in their order.
        """
        address = connection.origin
        free = self._is_proxy(address)
        with self._lock:
            if not free and self._served[address] >= self._most_served:
                self._queues[address].append(connection)
                return False
            self._served[address] += 1
            return True

    def end(self, address: str) -> "Connection | None":
        """A thread was given back; who has it now, if one of this address has waited for it."""
        with self._lock:
            queue = self._queues.get(address)
            if queue:
                return queue.popleft()
            self._queues.pop(address, None)
            _decrease(self._served, address)
            return None

    def is_queued(self, address: str) -> bool:
        """Whether a connection of this address waits for a thread."""
        return bool(self._queues.get(address))

    def queued(self) -> "list[Connection]":
        """Take all those out that wait for a thread."""
        with self._lock:
            found = [connection for queue in self._queues.values() for connection in queue]
            self._queues.clear()
            return found

    def _is_proxy(self, client: str) -> bool:
        """Whether there may be a proxy in what counts as one client."""
        if not self._proxies:
            return False
        found = ipaddress.ip_network(client)
        return any(found.overlaps(proxy) for proxy in self._proxies)


def _decrease(counts: Counter[str], address: str) -> None:
    counts[address] -= 1
    if counts[address] <= 0:
        del counts[address]
