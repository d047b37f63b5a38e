"""Who uses a file: readers hold it together, and what clears up takes only what nobody holds.

The system gives a lock back when its process ends, however it ends. Where a file system or a platform has no such
locks, nothing is held; a file that is removed there while it is mapped stays readable (POSIX) or cannot be removed.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


def hold(path: Path) -> IO[bytes] | None:
    """Hold a file beside other readers, until the returned handle is closed or forgotten. None for no such file.

    Waits for whoever looks at it alone at the moment, which nobody does for long.
    """
    return _lock(path, exclusive=False)


def take(path: Path) -> IO[bytes] | None:
    """Hold a file alone; None if anyone else holds it, or if it is not this user's to take."""
    return _lock(path, exclusive=True)


def available() -> bool:
    """Whether this platform has such locks at all."""
    return fcntl is not None


def _lock(path: Path, *, exclusive: bool) -> IO[bytes] | None:
    if fcntl is None:
        return None
    try:
        handle = path.open("r+b" if exclusive else "rb")  # NFS locks alone only what is open for writing
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
    except OSError as error:
        if error.errno in _HELD:
            handle.close()
            return None
    return handle  # also where the file system has no such locks
