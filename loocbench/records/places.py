"""Where a row belongs in a store; rows and archives of other people cannot name a place outside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from loocbench.records import store
from loocbench.types import Row

SET_ASIDE = "set-aside"  # folder beside rows for files that stand behind others; reports do not read it
_LONGEST = 255  # bytes of a name, as file systems allow
_LONGEST_STEM = 150  # bytes of a row's name that the name of a file set aside repeats


def find_place(suite: str, row: Row) -> Path | None:
    """Return a row's own path, relative to the results folder; None if one of its names cannot be a file's name."""
    parts = (
        suite,
        store.folder_name(row.checkpoint, row.checkpoint_hash),
        store.file_name(row.task, row.task_version, row.features, row.seed),
    )
    return Path(*parts) if all(map(is_plain_name, parts)) else None


def is_plain_name(name: str) -> bool:
    """Whether ``name`` is that of one file or folder: no separators, no control characters, not hidden."""
    return (
        bool(name)
        and not name.startswith(".")
        and not set(name) & {"/", "\\"}
        and name.isprintable()
        and len(name.encode("utf-8", "surrogatepass")) <= _LONGEST
    )


def set_aside_path(place: Path, content: bytes) -> Path:
    """Return where a file with this content is kept that cannot stand in ``place``; equal files have equal paths."""
    stem = place.stem.encode()[:_LONGEST_STEM].decode("utf-8", "ignore")
    return place.parent / SET_ASIDE / f"{stem}.{hashlib.sha256(content).hexdigest()[:8]}.json"
