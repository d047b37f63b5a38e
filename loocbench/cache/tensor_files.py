"""The head of a safetensors file, for files that are written piece by piece and read memory-mapped.

The library itself writes tensors that are in memory as a whole, and its reader for numpy copies them.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_ALIGNMENT = 8  # of the values' begin
_LARGEST = 100_000_000  # bytes of a head, the library's own bound
_NUMPY = {"F32": "<f4", "I64": "<i8", "U8": "|u1"}
_NAMES = {numpy: name for name, numpy in _NUMPY.items()}


class Placed(NamedTuple):
    """A tensor in a file. dtype: numpy's name of it, little-endian. begin: the byte at which its values begin."""

    dtype: str
    shape: tuple[int, ...]
    begin: int

    @property
    def nbytes(self) -> int:
        """Bytes of its values, which lie row by row without gaps."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def head(
    tensors: Mapping[str, tuple[str, tuple[int, ...]]], metadata: Mapping[str, str] | None = None
) -> tuple[bytes, dict[str, Placed]]:
    """All that precedes the values of ``tensors``, name -> (dtype, shape), and where each one's go: one after another.

    Equal arguments give equal bytes.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    offsets = {}
    end = 0
    for name, (dtype, shape) in tensors.items():
        offsets[name] = end
        end += Placed(dtype, shape, 0).nbytes
        header[name] = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [offsets[name], end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    before = 8 + len(text)
    placed = {name: Placed(*tensors[name], before + offset) for name, offset in offsets.items()}
    return len(text).to_bytes(8, "little") + text, placed


def read(path: Path) -> tuple[dict[str, Placed], dict[str, str]]:
    """The tensors of a file and its metadata. Raises OSError, and ValueError for a file that is not whole."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _LARGEST:
            raise ValueError(f"{path} is no safetensors file")
        try:
            header = json.loads(file.read(length))
        except RecursionError as error:
            raise ValueError(f"{path} is no safetensors file") from error
        size = os.fstat(file.fileno()).st_size
    try:
        metadata = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
        placed = {name: _placed(about, 8 + length) for name, about in header.items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no safetensors file of ours") from error
    if size != max((one.begin + one.nbytes for one in placed.values()), default=8 + length):
        raise ValueError(f"{path} is not whole")
    return placed, metadata


def _placed(about: Mapping[str, Any], before: int) -> Placed:
    """What a header says of a tensor. Raises ValueError, KeyError or TypeError."""
    begin, end = about["data_offsets"]
    found = Placed(_NUMPY[about["dtype"]], tuple(about["shape"]), before + begin)
    if min(begin, *found.shape, 0) < 0 or end - begin != found.nbytes:
        raise ValueError("a tensor does not fill its place")
    return found
