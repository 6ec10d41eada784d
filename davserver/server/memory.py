"""Giving memory back: a process that serves for months must not keep what one busy hour took."""

import ctypes
import os
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # as <malloc.h> numbers them
_LARGE = 1 << 20  # bytes


def give_back() -> None:
    """Have glibc's allocator keep two heaps for all threads, not eight for each core, and give
    large blocks and the free end of a heap back to the system. Before the first thread is started.

    By itself it raises both bounds as large blocks are freed, and 64 threads that each had a body
    in hand once keep the room for it. What an administrator sets in the environment
    (``MALLOC_ARENA_MAX``) stands; other C libraries have other ways.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_ARENA_MAX, 2)
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, _LARGE)
