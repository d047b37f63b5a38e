"""Whether files of the cache are as they were written: checked by their checksum when a process first opens them."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from loocbench import checksums, files
from loocbench.progress import Reporter

_checked: dict[Path, tuple[int, int, int]] = {}  # what was found to be whole -> its inode, size and time of change


def is_whole(path: Path) -> bool:
    """Whether a file has the checksum that it carries, and note that it is used now. Raises FileNotFoundError.

    A file that was checked or written by this process is read again only if it was changed since. Files without a
    checksum, of older versions, are not whole, nor is what is no file.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # reading a FIFO would wait for ever
        return False
    if _checked.get(path) != _identify(path) and not checksums.is_sealed(path):
        return False
    with suppress(OSError):  # another user's
        os.utime(path)
    _checked[path] = _identify(path)
    return True


def is_there(path: Path, reporter: Reporter) -> bool:
    """Whether a whole file is there. A damaged one is removed, so that it is made anew, and the user is told."""
    try:
        if is_whole(path):
            return True
    except FileNotFoundError:
        return False
    remove_damaged(path, reporter)
    return False


def remove_damaged(path: Path, reporter: Reporter) -> None:
    """Remove a damaged file of the cache, and say so. Raises UserError where this user may not."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise files.damaged(path) from error
    reporter.info(f"{path} is damaged, or of an older version without a checksum: it is made anew")


def publish(part: Path, path: Path) -> None:
    """Seal a filled file and give it its final name: readers see all of it or nothing. Raises OSError."""
    checksums.seal_file(part)
    part.replace(path)
    _checked[path] = _identify(path)


def _identify(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
