"""The header of a safetensors file, for files that are written piece by piece and read memory-mapped.

The library itself writes tensors that are in memory as a whole, and its reader for numpy copies them.
Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_ALIGNMENT = 8  # of the offset at which values begin
_MAX_HEADER = 100_000_000  # bytes, the library's own limit
_NUMPY = {"F32": "<f4", "I64": "<i8", "U8": "|u1"}
_SAFETENSORS = {numpy: name for name, numpy in _NUMPY.items()}


class TensorInfo(NamedTuple):
    """A tensor in a file. dtype: numpy's name of it, little-endian. offset: of its first value, in bytes."""

    dtype: str
    shape: tuple[int, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of its values, which lie row by row without gaps."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def encode_header(
    tensors: Mapping[str, tuple[str, tuple[int, ...]]], metadata: Mapping[str, str] | None = None
) -> tuple[bytes, dict[str, TensorInfo]]:
    """The bytes before the values of ``tensors``, name -> (dtype, shape), and where each one's values go.

    Tensors lie one after another in the given order. Equal arguments give equal bytes.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    begins = {}
    end = 0
    for name, (dtype, shape) in tensors.items():
        begins[name] = end
        end += TensorInfo(dtype, shape, 0).nbytes
        header[name] = {"dtype": _SAFETENSORS[dtype], "shape": list(shape), "data_offsets": [begins[name], end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    header_size = 8 + len(text)
    infos = {name: TensorInfo(*tensors[name], header_size + begin) for name, begin in begins.items()}
    return len(text).to_bytes(8, "little") + text, infos


def read_header(path: Path) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    """The tensors of a file and its metadata. Raises OSError, and ValueError for a file that is not whole."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _MAX_HEADER:
            raise ValueError(f"{path} is not a safetensors file")
        try:
            header = json.loads(file.read(length))
        except RecursionError as error:
            raise ValueError(f"{path} is not a safetensors file") from error
        size = os.fstat(file.fileno()).st_size
    try:
        metadata = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
        infos = {name: _decode_info(entry, 8 + length) for name, entry in header.items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a safetensors file of ours") from error
    if size != max((info.offset + info.nbytes for info in infos.values()), default=8 + length):
        raise ValueError(f"{path} is not whole")
    return infos, metadata


def _decode_info(entry: Mapping[str, Any], header_size: int) -> TensorInfo:
    """One tensor of a header. Raises ValueError, KeyError or TypeError."""
    begin, end = entry["data_offsets"]
    info = TensorInfo(_NUMPY[entry["dtype"]], tuple(entry["shape"]), header_size + begin)
    if min(begin, *info.shape, 0) < 0 or end - begin != info.nbytes:
        raise ValueError("a tensor does not fill its place")
    return info
