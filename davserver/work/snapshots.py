"""What is computed from rows and kept in memory while they stand still."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Snapshots(Generic[Value]):
    """The values asked last, at most ``most``, shared by the threads of one process.

    A key names a state that never comes back once it is gone (a random revision, a running number),
    so nothing kept here can be stale.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = Lock()

    def of(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of ``key``, made now if it is not here."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        fresh = make()
        with self._lock:
            self._values[key] = fresh
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return fresh
