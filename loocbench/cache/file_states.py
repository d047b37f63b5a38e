"""Whether files are what they were: the state of a file, of a folder, and of all below a folder, as short texts.

Nothing heavy is imported here: a command that repeats a kept row looks at files by this module alone.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

MISSING, FOLDER, UNKNOWN = "missing", "a folder", ""
_SETTLED = 2.0  # seconds; file systems tell times that coarsely, so that a younger file may change unnoticed


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file with its size and times; MISSING, FOLDER, or UNKNOWN for what cannot be read."""
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                return UNKNOWN
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()} {_format_state(state)}"
    except FileNotFoundError:
        return MISSING
    except IsADirectoryError:
        return FOLDER
    except OSError:
        return UNKNOWN


def hash_tree(folder: Path, *, suffixes: tuple[str, ...] = (), settled: bool = True) -> str:
    """Return a SHA-256 over the name, size, times and inode of each file below a folder, links followed, and over the
    names of its folders; MISSING without the folder, UNKNOWN where something cannot be read.

    suffixes: of the files that count; all of them where it is empty. settled: whether a file that changed within the
    last seconds makes the state UNKNOWN.
    """
    if not folder.is_dir():
        return MISSING if not folder.exists() else UNKNOWN
    lines: list[str] = []
    try:
        newest = _list_states(str(folder), "", set(), suffixes, lines)
    except OSError:
        return UNKNOWN
    if settled and newest > time.time() - _SETTLED:
        return UNKNOWN
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()


def _list_states(
    folder: str, prefix: str, seen: set[tuple[int, int]], suffixes: tuple[str, ...], lines: list[str]
) -> float:
    """Append a line for each file and folder below ``folder``. Returns the latest change, seconds since the epoch."""
    own = Path(folder).stat()
    if (own.st_dev, own.st_ino) in seen:  # a link to a folder above
        return 0.0
    seen.add((own.st_dev, own.st_ino))
    newest = 0.0
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            name = prefix + entry.name
            if entry.is_dir():
                if entry.name != "__pycache__":
                    lines.append(f"{name}/")
                    newest = max(newest, _list_states(entry.path, f"{name}/", seen, suffixes, lines))
            elif not suffixes or entry.name.endswith(suffixes):
                try:
                    state = entry.stat()
                except FileNotFoundError:  # a broken link
                    state = entry.stat(follow_symlinks=False)
                newest = max(newest, state.st_mtime, state.st_ctime)
                lines.append(f"{name}\t{_format_state(state)}")
    return newest


def _format_state(state: os.stat_result) -> str:
    """A program can set the time of modification, but not that of the status change."""
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns} {state.st_ino}"
