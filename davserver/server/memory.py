"""Giving memory back: a process that serves for months must not keep what one busy hour took."""

import ctypes
import gc
import os
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # as <malloc.h> numbers them
_LARGE = 1 << 20  # bytes
_YOUNG = 20_000  # new objects from which on Python looks for circles of garbage among them


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


def collect_seldom() -> None:
    """Have Python look for circles of garbage less often, and never again among what is here now.

    Once all parts of a process are made. A listing of 1,000 members makes many objects and no
    circles: as Python does it by itself, a quarter of its time goes into looking for them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
