"""Gaussian blur of a plane with reflected borders, as ``color.blur``."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from loocbench.views.fused.compiling import inlined

Floats = npt.NDArray[np.float32]

_NO_WEIGHT = 1e-6  # as in ``loocbench.views.color``


class Memory(NamedTuple):
    """Memory for the blur of planes [S, S] with kernels that reach R pixels; P is R rounded up to an even number.

    kernel: [P + 1]. padded: [(S + 2 P)^2]. columns, rows: of some rows of a plane, [rows * (S + 2 P)].
    """

    kernel: Floats
    padded: Floats
    columns: Floats
    rows: Floats


@inlined
def make_memory(size: int, radius: int, rows: int) -> Memory:
    """Memory for ``rows`` rows at a time."""
    even = radius + radius % 2
    pitch = size + 2 * even
    return Memory(
        np.empty(even + 1, np.float32),
        np.empty(pitch * pitch, np.float32),
        np.zeros(rows * pitch, np.float32),
        np.zeros(rows * pitch, np.float32),
    )


@inlined
def fill_kernel(sigma: float, radius: int, kernel: Floats) -> int:
    """Weights of a Gaussian at 0 ... radius pixels from its centre; with the other side they add up to 1.

    Returns how many pixels from the centre weights reach that matter, rounded up to an even number.
    """
    total = 0.0
    for offset in range(radius + 1):
        total += math.exp(-0.5 * (offset / sigma) ** 2) * (2 if offset else 1)
    reach = 0
    kernel[:] = 0
    for offset in range(radius + 1):
        weight = math.exp(-0.5 * (offset / sigma) ** 2) / total
        if weight >= _NO_WEIGHT:
            kernel[offset], reach = weight, offset
    return reach + reach % 2


@inlined
def blur_plane(plane: Floats, reach: int, memory: Memory, out: Floats) -> None:
    """Blur a plane [S, S] by the memory's kernel: columns, then rows, some rows at a time.

    Padding makes rows of one length, so that shifting all of them is one shift in memory: loops are long, and there
    are few. What they compute in the padding is not used.
    """
    size = len(plane)
    pitch = size + 2 * reach
    _pad(plane, reach, memory.padded)
    rows = len(memory.rows) // pitch
    for begin in range(0, size, rows):
        count = min(rows, size - begin)
        columns = memory.columns[: count * pitch]
        _filter(memory.padded[begin * pitch :], pitch, reach, memory.kernel, columns)
        inner = memory.rows[: count * pitch - 2 * reach]
        _filter(columns, 1, reach, memory.kernel, inner)
        for y in range(count):
            source, target = inner[y * pitch :], out[begin + y]
            for x in range(size):
                target[x] = source[x]


@inlined
def _pad(plane: Floats, reach: int, padded: Floats) -> None:
    """Write a plane [S, S] with its reflection on all sides, row after row."""
    size = len(plane)
    pitch = size + 2 * reach
    for y in range(pitch):
        source, target = plane[_reflect(y - reach, size)], padded[y * pitch + reach :]
        for x in range(size):
            target[x] = source[x]
        for offset in range(1, reach + 1):
            padded[y * pitch + reach - offset] = source[offset]
            target[size - 1 + offset] = source[size - 1 - offset]


@inlined
def _reflect(place: int, length: int) -> int:
    place = abs(place)
    return place if place < length else 2 * length - 2 - place


@inlined
def _filter(values: Floats, step: int, reach: int, kernel: Floats, out: Floats) -> None:
    """out[i] is the sum of values[i + (reach + k) step], weighted by the kernel at abs(k), over k = -reach ... reach.

    Two pairs at a time: reading and writing ``out`` takes as long as adding one.
    """
    center = values[reach * step :]
    weight = kernel[0]
    for i in range(len(out)):
        out[i] = weight * center[i]
    for offset in range(1, reach, 2):
        near_before, near_after = values[(reach - offset) * step :], values[(reach + offset) * step :]
        far_before, far_after = values[(reach - offset - 1) * step :], values[(reach + offset + 1) * step :]
        near, far = kernel[offset], kernel[offset + 1]
        for i in range(len(out)):
            out[i] += near * (near_before[i] + near_after[i]) + far * (far_before[i] + far_after[i])
