"""Extracted features on the disk: a folder an entry, one .npy file a space, and entry.json, which says what it is."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from loocbench import files, locks
from loocbench.watching import Watcher

ENTRY = "entry.json"
PART, LOCK = ".part", ".lock"
Matrix = npt.NDArray[np.float32]


def load(folder: Path) -> dict[str, Matrix]:
    """Space -> float32 [N, D], memory-mapped. Notes that the entry was used now."""
    entry = folder / ENTRY
    held = locks.hold(entry)
    with suppress(OSError):  # another user's
        os.utime(entry)
    every = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))}
    for matrix in every.values():
        matrix.held = held  # as long as one of them lives the entry is in use
    return every


@contextmanager
def locked(path: Path, what: str, watcher: Watcher) -> Iterator[None]:
    """Hold an entry against other processes that would make it; they wait, and then find it made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            watcher.say(f"waiting for another process that makes {what}")
            lock.acquire()
    except OSError as error:
        raise files.write_error(path, error) from error
    try:
        yield
    finally:
        lock.release()


class Writer:
    """Rows of several spaces, each at its place: several processes may fill one folder, each with rows of its own.

    Written, not memory-mapped: on a full disk a write is an error, a mapped page a killed process.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._open: dict[str, tuple[int, int]] = {}  # file descriptor, and where the rows begin
        self._stack = ExitStack()
        self.dims: dict[str, int] = {}

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            for descriptor, _ in self._open.values():
                os.fsync(descriptor)
        self._stack.close()

    def write(self, begin: int, every: Mapping[str, Matrix]) -> None:
        """Put rows at ``begin``: a float32 [B, D] for each space."""
        for name, values in every.items():
            if name not in self._open:
                self._open[name] = self._begin(name, values.shape[1])
                self.dims[name] = values.shape[1]
            descriptor, start = self._open[name]
            data = memoryview(np.ascontiguousarray(values, dtype="<f4").tobytes())
            os.lseek(descriptor, start + begin * values.shape[1] * 4, os.SEEK_SET)
            while len(data):
                data = data[os.write(descriptor, data) :]

    def _begin(self, name: str, dim: int) -> tuple[int, int]:
        head = io.BytesIO()
        shape = {"descr": "<f4", "fortran_order": False, "shape": (self._count, dim)}
        np.lib.format.write_array_header_1_0(head, shape)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)  # Windows would change line ends
        descriptor = os.open(self._folder / f"{name}.npy", flags, 0o666)
        self._stack.callback(os.close, descriptor)
        os.write(descriptor, head.getvalue())  # each process writes the same head
        return descriptor, len(head.getvalue())


def begin(part: Path) -> None:
    """An empty folder to fill; what a killed process left there is taken away."""
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    except OSError as error:
        raise files.write_error(part, error) from error


def finish(part: Path, folder: Path, entry: Mapping[str, Any]) -> None:
    """Make a filled folder the entry. Readers see all of it or nothing."""
    try:
        files.write_text(part / ENTRY, json.dumps(entry))
        part.rename(folder)
    except OSError as error:
        raise files.write_error(folder, error) from error
