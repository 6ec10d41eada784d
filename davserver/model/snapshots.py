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
        self._values: OrderedDict[Hashable, tuple[Hashable, Value]] = OrderedDict()
        self._lock = Lock()

    def of(self, subject: Hashable, state: Hashable, make: Callable[[], Value]) -> Value:
        """The value of ``subject`` in ``state``, made now if it is not here."""
        found = self.kept(subject, state)
        if found is None:
            found = make()
            self.keep(subject, state, found)
        return found

    def kept(self, subject: Hashable, state: Hashable) -> Value | None:
        """The value of ``subject`` in ``state``, if it is here."""
        with self._lock:
            found = self._values.get(subject)
            if found is None or found[0] != state:
                return None
            self._values.move_to_end(subject)
            return found[1]

    def keep(self, subject: Hashable, state: Hashable, value: Value) -> None:
        """Remember the value of ``subject`` in ``state``, instead of that in another one."""
        with self._lock:
            self._values[subject] = (state, value)
            self._values.move_to_end(subject)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
