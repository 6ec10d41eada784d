"""How much of the processor something takes."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def within(seconds: float, call: Callable[[], Value]) -> Value:
    """What ``call`` returns; fails where it takes longer. The collector of garbage may have its
    turn in one call: what is slow is slow every time, so a slow one is called twice more."""
    spent = []
    for _ in range(3):
        begun = time.thread_time()
        value = call()
        spent.append(time.thread_time() - begun)
        if spent[-1] < seconds:
            return value
    raise AssertionError(f"it took {min(spent):.3f} s")
