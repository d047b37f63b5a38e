"""Extracted features on the disk: one safetensors file per split, one float32 tensor per space, read memory-mapped."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from loocbench import files
from loocbench.cache import descriptions, integrity, locks, tensor_files
from loocbench.cache.tensor_files import TensorInfo

Matrix = npt.NDArray[np.float32]


def load_features(path: Path) -> dict[str, Matrix]:
    """Space -> float32 [N, D], memory-mapped; pruning leaves the file alone as long as one of them lives.

    Raises FileNotFoundError where it was pruned this moment, and DamagedFileError for a damaged file.
    """
    handle = locks.hold_shared(path)
    if not integrity.is_whole(path):
        raise files.damaged(path)
    try:
        infos, _ = tensor_files.read_header(path)
    except ValueError as error:
        raise files.damaged(path) from error
    features: dict[str, Matrix] = {
        name: np.memmap(path, info.dtype, "r", info.offset, info.shape) for name, info in sorted(infos.items())
    }
    for matrix in features.values():
        matrix.shared_lock = handle  # type: ignore[attr-defined]  # let go with the last matrix
    return features


class FeatureWriter:
    """Writes rows of several spaces at any place: several processes may fill one file, each with rows of its own.

    Rows are written, not memory-mapped: on a full disk a write is an error, a mapped page a killed process.

    path: a file that :func:`create_file` made. count: rows in all. describe: given the spaces' widths, returns the
    file's description (:mod:`loocbench.cache.descriptions`); equal in every process, as the header is.
    """

    def __init__(self, path: Path, count: int, describe: Callable[[dict[str, int]], Mapping[str, Any]]) -> None:
        self._path = path
        self._count = count
        self._describe = describe
        self._descriptor = -1
        self._infos: dict[str, TensorInfo] = {}  # known with the first rows

    def __enter__(self) -> FeatureWriter:
        # Write-only: over NFS a page that holds two processes' rows would be read, and written back whole.
        # O_BINARY: Windows would change line ends.
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

    def write(self, begin: int, features: Mapping[str, Matrix]) -> None:
        """Write rows from row ``begin`` on: a float32 [B, D] for each space."""
        if not self._infos:
            self._write_header({name: values.shape[1] for name, values in features.items()})
        for name, values in features.items():
            data = np.ascontiguousarray(values, dtype="<f4")
            self._write_at(self._infos[name].offset + begin * values.shape[1] * 4, data.tobytes())

    def _write_header(self, dims: dict[str, int]) -> None:
        shapes = {name: ("<f4", (self._count, dim)) for name, dim in dims.items()}
        header, self._infos = tensor_files.encode_header(shapes, descriptions.to_metadata(self._describe(dims)))
        self._write_at(0, header)

    def _write_at(self, offset: int, data: bytes) -> None:
        left = memoryview(data)
        try:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            while len(left):
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            raise files.write_error(self._path, error) from error


def create_file(part: Path) -> None:
    """Create an empty file to fill. What a killed process left there is removed, whoever may still write to it."""
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        part.open("xb").close()
    except OSError as error:
        raise files.write_error(part, error) from error


def publish_file(part: Path, path: Path) -> None:
    """Seal a filled file and rename it to its final name: readers see all of it or nothing."""
    try:
        integrity.publish(part, path)
    except OSError as error:
        raise files.write_error(path, error) from error
