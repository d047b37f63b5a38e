"""Writing files so that a reader sees either all of a file or nothing of it."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loocbench.errors import UserError

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
    """One line for a failed write to ``path``."""
    return UserError(f"cannot write {path}: {_REMEDIES.get(error.errno or 0, error.strerror or str(error))}.")


def damaged(path: Path) -> UserError:
    """One line for a file of the cache that is not whole."""
    return UserError(f"{path} is damaged; remove it, and it is made anew.")


@contextmanager
def writing(path: Path, *, new: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is flushed to disk and renamed to ``path``.

    With ``new`` a file that is there by then stays, and ThereAlreadyError is raised.

    On any exception the temporary file is removed and ``path`` stays as it was. An ``OSError`` becomes a
    :class:`UserError` that names the remedy.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
    """The name that a temporary file of :func:`writing` was to get; None for the name of any other file."""
    match = re.fullmatch(r"\.(.+)\.[a-z0-9_]{8}\.part", name)
    return match[1] if match else None


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically (UTF-8)."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_new_text(path: Path, text: str) -> bool:
    """Write a text file atomically where there is none; False, and nothing is written, where one is there already.

    Of several processes that write at once exactly one gets True.
    """
    try:
        with writing(path, new=True) as part:
            part.write_text(text, encoding="utf-8")
    except ThereAlreadyError:
        return False
    return True


class ThereAlreadyError(Exception):
    """A file that was to be new is there."""


@contextmanager
def writing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; on success it is renamed to ``path``.

    Where another process was quicker and ``path`` exists, its folder stays and ours is dropped: callers name
    such folders by their content, so both hold the same.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield part
        for file in part.iterdir():
            _flush(file)
        try:
            part.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


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
    """Hold back Ctrl-C until the end of the block; it is delivered then."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def require_name(kind: str, name: str) -> str:
    """``name`` if it can name a file or folder of its own; else a UserError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name):
        raise UserError(f"'{name}' cannot name a {kind}; use letters, digits, '.', '_', '+' and '-'.")
    return name


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


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
