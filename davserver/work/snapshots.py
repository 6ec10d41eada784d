"""What is computed from rows and kept in memory while they stand still."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Snapshots(Generic[Value]):
    """The last value of each of the subjects asked last, at most ``most``, shared by the threads of
    one process.

    A value is given back only for the very state of its subject from which it was computed. The
    caller ensures that a state never comes back with other rows.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[int, tuple[Hashable, Value]] = OrderedDict()
        self._lock = Lock()

    def of(self, subject: int, state: Hashable, make: Callable[[], Value]) -> Value:
        """The value of ``subject`` in ``state``, made now if it is not here."""
        with self._lock:
            found = self._values.get(subject)
            if found is not None and found[0] == state:
                self._values.move_to_end(subject)
                return found[1]
        fresh = make()
        with self._lock:
            self._values[subject] = (state, fresh)
            self._values.move_to_end(subject)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return fresh
