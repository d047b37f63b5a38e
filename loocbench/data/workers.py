"""Work on images in parallel. Pillow holds the interpreter lock while it decodes JPEG, so threads do not scale."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

_PR_SET_PDEATHSIG = 1  # of Linux


def count() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pool() -> Executor:
    """One worker a core: forked processes where forking is sound (they start in milliseconds), threads elsewhere.

    What is submitted has to be picklable, and must not touch torch: a forked process has none of its threads.
    """
    if sys.platform == "linux":
        return ProcessPoolExecutor(count(), multiprocessing.get_context("fork"), initializer=_follow_parent)
    return ThreadPoolExecutor(count())


def _follow_parent() -> None:
    """Ctrl-C is the parent's to handle, and a worker whose parent was killed ends too instead of waiting forever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
