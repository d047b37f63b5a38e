"""How the C library gives memory back to the system."""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_LARGEST = 2**30  # bytes: blocks up to this size are reused, and so much free memory is kept
_USERS_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed_memory() -> bool:
    """Let this process reuse freed memory instead of giving it back; returns whether that could be asked for.

    glibc gives large blocks back to the system when they are freed, and the system clears every page of those that are
    asked for next. A training step on a CPU frees and asks for tens of megabytes: clearing them took a tenth of a step.
    Nothing is done with another C library, or where the environment has settings of its own.
    """
    if any(name in os.environ for name in _USERS_OWN):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; Windows takes no None
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST)) and bool(mallopt(_TRIM_THRESHOLD, _LARGEST))
