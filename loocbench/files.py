"""Writing files so that a reader sees either all of a file or nothing of it."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from loocbench.errors import UserError

_FLUSHED_AT_ONCE = 16  # files
REMAINS_AFTER = 24 * 3600.0  # seconds after its last change that a temporary file is taken for a killed process's
_LONGEST_NAME = 200  # bytes; file systems allow 255, and temporary files have longer names
_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another folder",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "permission denied; choose a folder that you may write to",
    errno.EPERM: "permission denied; choose a folder that you may write to",
    errno.ENOTDIR: "a file stands where a folder is needed; choose another folder",
    errno.EEXIST: "a file stands where a folder is needed; choose another folder",
}


def write_error(path: Path, error: OSError) -> UserError:
    """The error of a failed write to ``path``, with the remedy."""
    return UserError(f"cannot write {path}: {_REMEDIES.get(error.errno or 0, error.strerror or str(error))}.")


class DamagedFileError(UserError):
    """A file of the cache is incomplete or corrupt."""


def damaged(path: Path) -> DamagedFileError:
    """The error of an incomplete or corrupt file of the cache."""
    return DamagedFileError(f"{path} is damaged; remove it, and it is made anew.")


@contextmanager
def writing(path: Path, *, new: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is flushed to disk and renamed to ``path``.

    With ``new``, an existing file is kept, and ThereAlreadyError is raised.

    On any exception the temporary file is removed and ``path`` stays as it was. An ``OSError`` becomes a
    :class:`UserError` that names the remedy. What killed processes left in the folder is removed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_remains(path)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
        _flush(part)
        part.chmod(0o666 & ~_umask())  # mkstemp makes private files; give the mode that open() would
        if new:
            _add(part, path)
        else:
            part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise write_error(path, error) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def name_behind_temporary(name: str) -> str | None:
    """Return the final name of a temporary file of :func:`writing`; None for the name of any other file."""
    match = re.fullmatch(r"\.(.+)\.[a-z0-9_]{8}\.part", name)
    return match[1] if match else None


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically (UTF-8)."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_new_text(path: Path, text: str) -> bool:
    """Write a text file atomically unless it exists. Returns whether it was written.

    If several processes write at once, exactly one gets True.
    """
    try:
        with writing(path, new=True) as part:
            part.write_text(text, encoding="utf-8")
    except ThereAlreadyError:
        return False
    return True


class ThereAlreadyError(Exception):
    """The file exists already, though a new one was asked for."""


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; on success it is renamed to ``path``.

    If another process made ``path`` meanwhile, its folder is kept and this one is dropped: callers name such folders by
    their content, so both hold the same.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield part
        _flush_files(part)
        try:
            part.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; on success it takes the place of ``path``, which is removed.

    On any exception ``path`` stays as it was. An ``OSError`` becomes a :class:`UserError` that names the remedy.
    """
    path = path.resolve()  # of a link, the folder behind it is replaced
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    except OSError as error:
        raise write_error(path, error) from error
    former = part.with_suffix(".former")
    try:
        yield part
        _flush_files(part)
        part.chmod(0o777 & ~_umask())  # mkdtemp makes private folders; give the mode that mkdir() would
        with undisturbed():
            _exchange(path, part, former)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if path.exists():
            shutil.rmtree(former, ignore_errors=True)


def require_writable(folder: Path) -> None:
    """Raise a :class:`UserError` now if ``folder`` cannot be made or written to, before hours of work are spent."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".probe") as probe:
            probe.write(b"0" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise write_error(folder, error) from error


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back Ctrl-C until the end of the block; it is delivered then.

    By a handler, not by a signal mask: a mask is of one thread, and the system gives the signal to another (of a BLAS).
    """
    if threading.current_thread() is not threading.main_thread():  # Python interrupts the main thread alone
        yield
        return
    held_back = []
    before = signal.signal(signal.SIGINT, lambda number, frame: held_back.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        if held_back:
            signal.raise_signal(signal.SIGINT)


def require_name(kind: str, name: str) -> str:
    """Return ``name`` if it can be the name of a file or folder; otherwise raise UserError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name):
        raise UserError(f"'{name}' cannot name a {kind}; use letters, digits, '.', '_', '+' and '-'.")
    if len(name) > _LONGEST_NAME:
        raise UserError(f"'{name[:40]}…' is too long to name a {kind}; use at most {_LONGEST_NAME} letters.")
    return name


def _exchange(path: Path, part: Path, former: Path) -> None:
    """Rename ``path``, if it is there, to ``former``, and ``part`` to ``path``; both stay if that fails."""
    if path.exists():
        path.rename(former)
    try:
        part.rename(path)
    except OSError:
        if former.exists():
            former.rename(path)
        raise


def _remove_remains(path: Path) -> None:
    """Remove temporary files of this kind in the folder of ``path`` that nobody has written to for a day.

    Of this kind: with the suffix of ``path``, since folders may hold other programs' files too. Nobody writes one file
    for a day, and the clock is the file system's, as is that of the files.
    """
    remains = [part for part in path.parent.glob(".*.part") if _is_temporary_of(part.name, path.suffix)]
    if not remains:
        return
    with suppress(OSError), tempfile.TemporaryFile(dir=path.parent) as probe:
        now = os.fstat(probe.fileno()).st_mtime
        for part in remains:
            with suppress(OSError):
                status = part.lstat()
                if stat.S_ISREG(status.st_mode) and now - status.st_mtime > REMAINS_AFTER:
                    part.unlink()


def _is_temporary_of(name: str, suffix: str) -> bool:
    final = name_behind_temporary(name)
    return final is not None and Path(final).suffix == suffix


def _add(part: Path, path: Path) -> None:
    """Rename ``part`` to ``path`` unless that exists: a link, unlike a rename, never replaces."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise ThereAlreadyError from None
    except OSError:  # a file system without hard links: the moment between looking and renaming remains
        if path.exists():
            raise ThereAlreadyError from None
        part.replace(path)
    else:
        part.unlink()


def _flush_files(folder: Path) -> None:
    """Flush every file of a folder, several at once: a disk that waits for each takes minutes for thousands."""
    from concurrent.futures import ThreadPoolExecutor  # seldom needed

    with ThreadPoolExecutor(_FLUSHED_AT_ONCE) as pool:
        for _ in pool.map(_flush, folder.iterdir()):
            pass


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
