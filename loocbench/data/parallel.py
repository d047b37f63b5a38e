"""Work on many files at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def count_cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_parallel(work: Callable[[str], T], items: Sequence[str]) -> list[T]:
    """``work`` of each item, in order. Pillow and hashlib release the interpreter lock, so threads suffice."""
    with ThreadPoolExecutor(count_cores()) as pool:
        return list(pool.map(work, items))
