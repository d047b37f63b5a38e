"""Compact text for many values: packed bits, compressed floats of 16 or 32 bits, or whole numbers, as base64."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["bits", "float16", "float32", "int32"]
Values = npt.NDArray[np.bool_] | npt.NDArray[np.float64] | npt.NDArray[np.int64]
_NUMBERS = {"float16": "<f2", "float32": "<f4", "int32": "<i4"}
LARGEST = 100_000_000  # values; a row has fewer, so that a damaged file cannot exhaust the memory


def pack(values: Values) -> tuple[Kind, str]:
    """Pack a bool [N] exactly as bits, a float [N] as float16 if all values are within [-1, 1], else as float32.

    Whole numbers [N], such as predicted classes, are kept exactly, as int32.

    Accuracies, cosines and losses of single items keep three digits; a mean over N items has an error of about
    0.00025 / sqrt(N), far below its statistical uncertainty. Equal values stay equal.
    """
    if values.dtype == bool:
        return "bits", _text(np.packbits(values.astype(bool)).tobytes())
    if values.dtype.kind == "i":
        return "int32", _text(values.astype(_NUMBERS["int32"], casting="same_kind").tobytes())
    kind: Kind = "float16" if np.abs(values).max() <= 1 else "float32"
    return kind, _text(values.astype(_NUMBERS[kind]).tobytes())


def unpack(kind: Kind, count: int, text: str) -> Values:
    """Unpack to bool, float64 or int64 [count]. Raises ValueError if the text does not hold ``count`` values."""
    size = -(-count // 8) if kind == "bits" else np.dtype(_NUMBERS[kind]).itemsize * count
    try:
        reader = zlib.decompressobj()
        raw = reader.decompress(base64.b64decode(text, validate=True), size + 1)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"packed values cannot be read: {error}") from error
    if len(raw) != size:
        raise ValueError(f"packed values are not {count}")
    if kind == "bits":
        return np.unpackbits(np.frombuffer(raw, np.uint8), count=count).astype(bool)
    values = np.frombuffer(raw, _NUMBERS[kind])
    return values.astype(np.int64) if kind == "int32" else values.astype(np.float64)


def _text(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 9)).decode("ascii")
