"""What the cache holds: an inventory of its files, of which each says itself what it is.

Only files with names that :mod:`loocbench.cache.layout` gives are listed; files of other programs are never touched.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from loocbench.cache import descriptions, layout, locks

EntryKind = Literal["images", "features", "digests", "damage", "answers", "scratch"]
State = Literal["whole", "in use", "half-written", "left over"]


@dataclass(frozen=True)
class Entry:
    """Something that is kept, used and removed as one.

    state: "in use" is held by a process, which reads or makes it; "half-written" was left by a killed process, which
    had begun it; "left over" are small files (locks, progress) of killed processes and older versions.
    paths: its files or its folder, the main one first. size: bytes on the disk. last_used: seconds since the epoch.
    lock: the lock file that is held while it is made or removed. description: what it says about itself.
    """

    kind: EntryKind
    state: State
    paths: tuple[Path, ...]
    size: int
    last_used: float
    lock: Path
    description: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The main file."""
        return self.paths[0]

    @property
    def title(self) -> str:
        """What it is, in one line."""
        if self.kind == "scratch":
            return "scratch folder of a benchmark"
        if self.state == "left over":
            return "locks and progress files of processes that ended"
        return descriptions.format_description(self.description)


def find_entries(cache: Path) -> list[Entry]:
    """Every entry below ``cache``, the one that was used last first."""
    entries = _find_scratch(cache)
    for kind in layout.FOLDERS:
        paths_by_key = defaultdict(list)
        for path in sorted(layout.folder_path(cache, kind).glob("*")):  # hidden ones too
            if (key := layout.key_of(path.name)) is not None:
                paths_by_key[key].append(path)
        for key, paths in paths_by_key.items():
            main = layout.folder_path(cache, kind) / f"{key}{layout.ENTRY_SUFFIXES[kind]}"
            entries += _read_entries(kind, main, paths)
    return sorted(entries, key=lambda entry: entry.last_used, reverse=True)


def remove_entry(entry: Entry) -> bool:
    """Remove an entry unless someone has begun to use it. Returns whether it is gone."""
    with locks.locked_if_free(entry.lock) as free:
        if not free:
            return False
        if entry.state == "whole" and locks.supported():
            handle = locks.take_exclusive(entry.path)
            if handle is None:
                return False
            with handle:
                return _remove_paths(entry.paths)
        return _remove_paths(entry.paths)


def _read_entries(kind: layout.Kind, main: Path, paths: Sequence[Path]) -> list[Entry]:
    """The entries of the files of one key: what is whole, and what else lies beside it. main: the file of the whole."""
    lock, part = layout.lock_path(main), layout.part_path(main)
    entries = []
    if main in paths:
        entries += _make_entry(kind, _state_of_whole(main), [main], lock)
    if others := [path for path in paths if path != main]:
        others.sort(key=lambda path: path != part)
        if not locks.is_locked(lock):
            entries += _make_entry(kind, "half-written" if part in others else "left over", others, lock)
        elif part in others:
            entries += _make_entry(kind, "in use", others, lock)
    return entries


def _make_entry(kind: EntryKind, state: State, paths: Sequence[Path], lock: Path) -> list[Entry]:
    """An entry of these files, or nothing: they may vanish while we look."""
    with suppress(OSError):
        statuses = {path: path.stat() for path in paths}
        size = sum(_size_on_disk(path, status) for path, status in statuses.items())
        last_used = max(status.st_mtime for status in statuses.values())
        return [Entry(kind, state, tuple(paths), size, last_used, lock, descriptions.read_description(paths[0]))]
    return []


def _size_on_disk(path: Path, status: os.stat_result) -> int:
    """Bytes; of a file that is being filled, what is not written yet takes no room."""
    return status.st_blocks * 512 if path.suffix == layout.PART and hasattr(status, "st_blocks") else status.st_size


def _state_of_whole(path: Path) -> State:
    if not locks.supported():
        return "whole"
    handle = locks.take_exclusive(path)
    if handle is None:
        return "in use"
    handle.close()
    return "whole"


def _find_scratch(cache: Path) -> list[Entry]:
    """Scratch folders of benchmarks, and the locks of those that are gone."""
    entries = []
    locks_alone = {path.with_suffix("") for path in cache.glob(f"{layout.SCRATCH_PREFIX}*{layout.LOCK}")}
    folders = {path for path in cache.glob(f"{layout.SCRATCH_PREFIX}*") if path.is_dir()}
    for folder in sorted(folders | locks_alone):
        lock = layout.scratch_lock_path(folder)
        in_use = locks.is_locked(lock)
        if folder in folders:
            state: State = "in use" if in_use else "half-written"
            with suppress(OSError):
                statuses = [path.stat() for path in folder.rglob("*") if path.is_file()]
                size = sum(status.st_size for status in statuses)
                last_used = max(status.st_mtime for status in [folder.stat(), *statuses])
                entries.append(Entry("scratch", state, (folder,), size, last_used, lock))
        elif not in_use:
            entries += _make_entry("scratch", "left over", [lock], lock)
    return entries


def _remove_paths(paths: Sequence[Path]) -> bool:
    """Remove files and folders. Returns whether all of them are gone."""
    try:
        for path in paths:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
