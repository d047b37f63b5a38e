"""Clearing up the cache: what was not used for long, what is too much, and what killed processes left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from loocbench import configuration
from loocbench.cache import units
from loocbench.cache.entries import Entry, find_entries, remove_entry


def choose_entries(
    entries: Sequence[Entry], *, older_than: float | None = None, max_size: int | None = None, now: float | None = None
) -> list[Entry]:
    """What to remove: what killed processes left, what was not used for ``older_than`` seconds, and then what was not
    used for longest, until ``max_size`` bytes are left. Entries in use stay.
    """
    now = time.time() if now is None else now
    free = [entry for entry in entries if entry.state != "in use"]
    chosen = [
        entry
        for entry in free
        if entry.state != "whole" or (older_than is not None and now - entry.last_used > older_than)
    ]
    left = sum(entry.size for entry in entries) - sum(entry.size for entry in chosen)
    for entry in sorted((entry for entry in free if entry not in chosen), key=lambda entry: entry.last_used):
        if max_size is None or left <= max_size:
            break
        chosen.append(entry)
        left -= entry.size
    return chosen


def enforce_size_limit(cache: Path, info: Callable[[str], None]) -> None:
    """Keep the cache within the configured size, if one is set. Raises UserError when it is not a size."""
    if not (found := configuration.find_shared("cache_size")):
        return
    limit, place = found.value, found.place
    max_size = units.parse_size(limit, place if place.startswith("$") else f"{place}, cache_size")
    removed = [entry for entry in choose_entries(find_entries(cache), max_size=max_size) if remove_entry(entry)]
    if removed:
        size = units.format_size(sum(entry.size for entry in removed))
        info(f"cache: {len(removed)} entries that were not used for longest removed, {size} ({place} {limit})")
