"""What the cache holds, and clearing it up: decoded images and features, whole or left half-written.

Only files of the forms that loocbench writes are ever looked at. What a process holds (``locks``) or is making stays.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from loocbench.cache import feature_files, locks
from loocbench.errors import UserError

SIZE_VARIABLE = "LOOCBENCH_CACHE_SIZE"
Kind = Literal["images", "features"]
State = Literal["whole", "in use", "half-written"]
_IMAGES = re.compile(r"(?P<dataset>.+)-(?P<split>[^-]+)-(?P<short_side>\d+)-[0-9a-f]{16}")
_FEATURES = re.compile(r"[0-9a-f]{32}\.safetensors|\.[0-9a-f]{32}\.part")
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SPANS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


@dataclass(frozen=True)
class Entry:
    """size: bytes. used: seconds since the epoch when it was last used. about: what it is."""

    kind: Kind
    path: Path
    size: int
    used: float
    state: State
    about: dict[str, Any]

    @property
    def described(self) -> str:
        """ "cub200 test, 256 px", "cub200 test, 3 images of it, moco-s0, float32, joined 1, cpu"."""
        parts = [f"{self.about['dataset']} {self.about['split']}" if "dataset" in self.about else self.path.name]
        if "short_side" in self.about:
            parts.append(f"{self.about['short_side']} px")
        if "rows" in self.about:
            parts.append(f"{self.about['images']:,} images of it")
        parts += [str(self.about[key]) for key in ("checkpoint", "change", "numerics") if self.about.get(key)]
        return ", ".join(parts)


def find(cache: Path) -> list[Entry]:
    """Every entry below ``cache``, the one that was used last first."""
    entries = [*_images(cache / "images"), *_features(cache / "features")]
    return sorted(entries, key=lambda entry: entry.used, reverse=True)


def choose(
    entries: Sequence[Entry], *, older_than: float | None = None, max_size: int | None = None, now: float | None = None
) -> list[Entry]:
    """What to remove: what is half-written and nobody makes, what was not used for ``older_than`` seconds, and then
    what was not used for longest, until ``max_size`` bytes are left. Entries in use stay."""
    now = time.time() if now is None else now
    free = [entry for entry in entries if entry.state != "in use"]
    chosen = [
        entry
        for entry in free
        if entry.state == "half-written" or (older_than is not None and now - entry.used > older_than)
    ]
    left = sum(entry.size for entry in entries) - sum(entry.size for entry in chosen)
    for entry in sorted((entry for entry in free if entry not in chosen), key=lambda entry: entry.used):
        if max_size is None or left <= max_size:
            break
        chosen.append(entry)
        left -= entry.size
    return chosen


def remove(entry: Entry) -> bool:
    """Remove an entry unless someone has begun to use it. Returns whether it is gone."""
    lock = FileLock(_lock_of(entry.path))
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return False
    try:
        return _remove_alone(entry)
    finally:
        lock.release()


def bound(cache: Path, info: Callable[[str], None]) -> None:
    """Keep the cache within $LOOCBENCH_CACHE_SIZE, if that is set. Raises UserError when it is no size."""
    if not (wanted := os.environ.get(SIZE_VARIABLE)):
        return
    gone = [entry for entry in choose(find(cache), max_size=size_of(wanted, f"${SIZE_VARIABLE}")) if remove(entry)]
    if gone:
        size = readable(sum(entry.size for entry in gone))
        info(f"cache: {len(gone)} entries that were not used for longest removed, {size} (${SIZE_VARIABLE} {wanted})")


def size_of(text: str, option: str) -> int:
    """Bytes of "50GB", "1.5 TB". Raises UserError naming the option."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B)\s*", text, re.IGNORECASE)
    if match is None:
        raise UserError(f"{option} '{text}' is no size; write 500MB, 50GB or 2TB.")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def span_of(text: str, option: str) -> float:
    """Seconds of "30d", "12h", "2w". Raises UserError naming the option."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([hdw])\s*", text, re.IGNORECASE)
    if match is None:
        raise UserError(f"{option} '{text}' is no time; write 12h, 30d or 2w.")
    return float(match[1]) * _SPANS[match[2].lower()]


def readable(size: int) -> str:
    """ "1.2 GB"."""
    for unit in ("TB", "GB", "MB", "KB"):
        if size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:.1f} {unit}"
    return f"{size} B"


def _images(folder: Path) -> list[Entry]:
    entries = []
    for path in sorted(folder.glob("*")):
        match = _IMAGES.fullmatch(path.stem)
        if match is None or path.suffix not in (feature_files.WHOLE, feature_files.PART):
            continue
        entries += _entry("images", path, {**match.groupdict(), "short_side": int(match["short_side"])})
    return entries


def _features(folder: Path) -> list[Entry]:
    entries = []
    for path in sorted(folder.glob("*")):  # pathlib's finds hidden ones too
        if _FEATURES.fullmatch(path.name):
            entries += _entry("features", path, feature_files.about(path) if path.suffix == feature_files.WHOLE else {})
    return entries


def _entry(kind: Kind, path: Path, about: dict[str, Any]) -> list[Entry]:
    """The entry of a file, or none: it may vanish while we look."""
    with suppress(OSError):
        status = path.stat()
        size = status.st_size
        if path.suffix == feature_files.PART and hasattr(status, "st_blocks"):
            size = status.st_blocks * 512  # what is not written yet takes no room
        return [Entry(kind, path, size, status.st_mtime, _state(path), about)]
    return []


def _state(path: Path) -> State:
    if path.suffix == feature_files.WHOLE:
        if not locks.available():
            return "whole"
        handle = locks.take(path)
        if handle is None:
            return "in use"
        handle.close()
        return "whole"
    lock_file = _lock_of(path)
    if lock_file.exists():
        lock = FileLock(lock_file)
        try:
            lock.acquire(timeout=0)
            lock.release()
        except (Timeout, OSError):
            return "in use"
    return "half-written"


def _lock_of(path: Path) -> Path:
    """The lock under which an entry is made. Whole features have none any more: one of their own name."""
    return path.with_suffix(feature_files.LOCK)


def _remove_alone(entry: Entry) -> bool:
    handle = locks.take(entry.path) if entry.state == "whole" and locks.available() else None
    if entry.state == "whole" and locks.available() and handle is None:
        return False
    try:
        entry.path.unlink()
        if entry.kind == "images":
            entry.path.with_suffix(".progress").unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        if handle is not None:
            handle.close()
    return True
