"""Extracted features on the disk: one safetensors file an entry, of one tensor a space, that opens memory-mapped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from loocbench import files
from loocbench.cache import locks, tensor_files
from loocbench.cache.tensor_files import Placed
from loocbench.progress import Reporter

WHOLE, PART, LOCK = ".safetensors", ".part", ".lock"
_ABOUT = "about"  # the metadata's key
Matrix = npt.NDArray[np.float32]


def load(path: Path) -> dict[str, Matrix]:
    """Space -> float32 [N, D], memory-mapped, in use from now on.

    Raises FileNotFoundError where it was cleared away this moment, and UserError for a damaged file.
    """
    held = locks.hold(path)
    with suppress(OSError):  # another user's
        os.utime(path)
    try:
        placed, _ = tensor_files.read(path)
    except ValueError as error:
        raise files.damaged(path) from error
    every: dict[str, Matrix] = {
        name: np.memmap(path, one.dtype, "r", one.begin, one.shape) for name, one in sorted(placed.items())
    }
    for matrix in every.values():
        matrix.held = held  # type: ignore[attr-defined]  # as long as one of them lives the entry is in use
    return every


def about(path: Path) -> dict[str, Any]:
    """What an entry says of itself; nothing where it cannot be read."""
    try:
        found = json.loads(tensor_files.read(path)[1][_ABOUT])
    except (OSError, ValueError, KeyError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def locked(path: Path, what: str, reporter: Reporter) -> Iterator[None]:
    """Hold an entry against other processes that would make it; they wait, and then find it made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            reporter.info(f"waiting for another process that makes {what}")
            lock.acquire()
    except OSError as error:
        raise files.write_error(path, error) from error
    try:
        yield
    finally:
        lock.release()


class Writer:
    """Rows of several spaces, each at its place: several processes may fill one file, each with rows of its own.

    Written, not memory-mapped: on a full disk a write is an error, a mapped page a killed process.

    count: rows in all. about: what the entry is to say of itself, asked at the first rows, whose widths it is told; the
    same in every process, and so is the file's head.
    """

    def __init__(self, path: Path, count: int, about: Callable[[dict[str, int]], Mapping[str, Any]]) -> None:
        self._path = path
        self._count = count
        self._about = about
        self._descriptor = -1
        self._placed: dict[str, Placed] = {}

    def __enter__(self) -> Writer:
        # Never read: over NFS a page that holds two processes' rows would be read, and written back whole. Windows
        # would change line ends.
        flags = os.O_WRONLY | getattr(os, "O_BINARY", 0)
        try:
            self._descriptor = os.open(self._path, flags)
        except OSError as failed:
            raise files.write_error(self._path, failed) from failed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                os.fsync(self._descriptor)
        except OSError as failed:  # a network's disk says only now that it is full
            raise files.write_error(self._path, failed) from failed
        finally:
            os.close(self._descriptor)

    def write(self, begin: int, every: Mapping[str, Matrix]) -> None:
        """Put rows at ``begin``: a float32 [B, D] for each space."""
        if not self._placed:
            self._begin({name: values.shape[1] for name, values in every.items()})
        for name, values in every.items():
            data = np.ascontiguousarray(values, dtype="<f4")
            self._put(self._placed[name].begin + begin * values.shape[1] * 4, data.tobytes())

    def _begin(self, dims: dict[str, int]) -> None:
        shapes = {name: ("<f4", (self._count, dim)) for name, dim in dims.items()}
        head, self._placed = tensor_files.head(shapes, {_ABOUT: json.dumps(self._about(dims))})
        self._put(0, head)

    def _put(self, place: int, data: bytes) -> None:
        left = memoryview(data)
        try:
            os.lseek(self._descriptor, place, os.SEEK_SET)
            while len(left):
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            raise files.write_error(self._path, error) from error


def begin(part: Path) -> None:
    """A new, empty file to fill; what a killed process left there is taken away, whoever may still write to it."""
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        part.open("xb").close()
    except OSError as error:
        raise files.write_error(part, error) from error


def finish(part: Path, path: Path) -> None:
    """Make a filled file the entry. Readers see all of it or nothing."""
    try:
        part.replace(path)
    except OSError as error:
        raise files.write_error(path, error) from error
