"""Many values in little text: packed bits, or compressed 32-bit floats, as base64."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["bits", "float32"]
Values = npt.NDArray[np.bool_] | npt.NDArray[np.float64]
LARGEST = 100_000_000  # values; more is no row of ours, and not worth the memory


def pack(values: Values) -> tuple[Kind, str]:
    """Bits of a bool [N], else float32 of a float [N], compressed where that is shorter to say."""
    if values.dtype == bool:
        return "bits", _text(np.packbits(values.astype(bool)).tobytes())
    return "float32", _text(values.astype("<f4").tobytes())


def unpack(kind: Kind, count: int, text: str) -> Values:
    """bool [count], or float64 [count] exact to 32 bits. Raises ValueError for text that does not hold ``count``."""
    size = -(-count // 8) if kind == "bits" else 4 * count
    try:
        reader = zlib.decompressobj()
        raw = reader.decompress(base64.b64decode(text, validate=True), size + 1)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"packed values cannot be read: {error}") from error
    if len(raw) != size:
        raise ValueError(f"packed values are not {count}")
    if kind == "bits":
        return np.unpackbits(np.frombuffer(raw, np.uint8), count=count).astype(bool)
    return np.frombuffer(raw, "<f4").astype(np.float64)


def _text(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 9)).decode("ascii")
