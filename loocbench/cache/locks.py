"""Locks between processes.

Two kinds. A *data file* is locked itself: readers share it (:func:`hold_shared`), whoever removes it needs it alone
(:func:`take_exclusive`). A *lock file* stands for something that is being made (:func:`locked`); it is removed when
it is released, so that none stays behind.

The system gives a lock back when its process ends, however it ends. Where a file system or a platform has no such
locks (flock), data files are not held: a file that is removed there while it is mapped stays readable (POSIX) or cannot
be removed; lock files are then those of the package filelock.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from loocbench import files
from loocbench.progress import Reporter

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


def supported() -> bool:
    """Whether this platform has locks on data files."""
    return fcntl is not None


def hold_shared(path: Path) -> IO[bytes] | None:
    """Hold a data file beside other readers, until the returned handle is closed or forgotten. None: no such file.

    Waits for whoever holds it alone, which nobody does for long.
    """
    if not path.is_file():  # opening a FIFO would wait for ever
        return None
    return _lock_data_file(path, exclusive=False)


def take_exclusive(path: Path) -> IO[bytes] | None:
    """Hold a data file alone; None if anyone else holds it, or if this user may not write to it."""
    return _lock_data_file(path, exclusive=True)


@contextmanager
def locked(path: Path, activity: str, reporter: Reporter) -> Iterator[None]:
    """Hold the lock file ``path`` while something is made; where another process holds it, say so and wait.

    activity: completes "waiting for another process that …". Raises UserError where the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquire(path, wait=False)
        if lock is None:
            reporter.info(f"waiting for another process that {activity}")
            lock = _acquire(path, wait=True)
    except OSError as error:
        raise files.write_error(path, error) from error
    assert lock is not None  # it was waited for
    try:
        yield
    finally:
        lock.release()


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock file ``path`` unless another process does. Yields whether it is held now."""
    try:
        lock = _acquire(path, wait=False)
    except OSError:  # another user's
        lock = None
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock file ``path``; also where this user may not find out."""
    if not path.exists():
        return False
    try:
        lock = _acquire(path, wait=False)
    except OSError:
        return True
    if lock is None:
        return True
    lock.unlock()
    return False


@dataclass(frozen=True)
class _HeldLock:
    """A lock file in the hands of this process. handle: its open file, or filelock's lock where there is no flock."""

    path: Path
    handle: IO[bytes] | FileLock

    def unlock(self) -> None:
        """Let others hold it."""
        if isinstance(self.handle, FileLock):
            self.handle.release()
            return
        fcntl.flock(self.handle, fcntl.LOCK_UN)  # closing alone would wait for forked processes
        self.handle.close()

    def release(self) -> None:
        """Remove the file, then let others make a new one. filelock's files stay: it does not allow for removal."""
        if not isinstance(self.handle, FileLock):
            with suppress(OSError):
                self.path.unlink()
        self.unlock()


def _acquire(path: Path, *, wait: bool) -> _HeldLock | None:
    """The lock file ``path``, created if need be; None if another process holds it. Raises OSError.

    Whoever holds a lock file may remove it. So one that was waited for may be gone by then, and another process may
    hold a new one of the same name: only a lock on the file that ``path`` still names counts.
    """
    while fcntl is not None:
        created = not path.exists()
        handle = path.open("ab")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.close()
            if error.errno in _HELD:
                return None
            if error.errno == errno.ESTALE:  # NFS: removed by another machine
                continue
            if created:  # filelock would take it for another process's
                path.unlink(missing_ok=True)
            break
        if _names(path, handle):
            return _HeldLock(path, handle)
        handle.close()
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        return None
    return _HeldLock(path, lock)


def _names(path: Path, handle: IO[bytes]) -> bool:
    """Whether ``path`` is the name of an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle.fileno()))
    except FileNotFoundError:
        return False


def _lock_data_file(path: Path, *, exclusive: bool) -> IO[bytes] | None:
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
