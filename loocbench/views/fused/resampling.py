"""Crop and resize of an 8-bit image, row by row: bilinear and antialiased, as ``geometry.crop_resize``.

Flips and quarter turns cost nothing beside it: a mirrored axis reads its weights backwards, and an odd number of
quarter turns is a resize of the transposed crop.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from loocbench.views.fused.compiling import inlined

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


@inlined
def most_taps(length: int, size: int) -> int:
    """How many source samples one of ``size`` samples of ``length`` or fewer depends on at most."""
    return math.ceil(2 * max(length / size, 1.0))


@inlined
def fill_weights(length: int, mirrored: bool, unit: float, first: Integers, weights: Floats) -> int:
    """Triangle-filter weights that resample ``length`` samples to len(first) samples.

    Sample q is the sum over t of weights[q, t] times source sample first[q] + t; the weights of a sample add up to
    ``unit``. mirrored: the samples are written in reverse order. Returns the number of taps t, 2 or more: where there
    is one source sample, the second weight is 0.
    """
    size = len(first)
    scale = length / size
    support = max(scale, 1.0)  # antialias: the filter widens when shrinking, never narrows
    taps = min(math.ceil(2 * support), length)
    for q in range(size):
        center = (q + 0.5) * scale
        begin = min(max(math.floor(center - support + 0.5), 0), length - taps)
        total = 0.0
        for t in range(taps):
            total += max(1 - abs(begin + t + 0.5 - center) / support, 0.0)
        slot = size - 1 - q if mirrored else q
        first[slot] = begin
        weights[slot, 1] = 0
        for t in range(taps):
            weights[slot, t] = max(1 - abs(begin + t + 0.5 - center) / support, 0.0) / total * unit
    return max(taps, 2)


@inlined
def blend_rows(image: Bytes, row: int, taps: int, weights: Floats, left: int, length: int, out: Floats) -> None:
    """Weighted sum of ``taps`` rows of an image [H, 3 W] from ``row`` on, over ``length`` pixels from ``left`` on."""
    begin, end = 3 * left, 3 * (left + length)
    above, below = image[row, begin:end], image[min(row + 1, len(image) - 1), begin:end]
    for x in range(3 * length):
        out[x] = weights[0] * np.float32(above[x]) + weights[1] * np.float32(below[x])
    for t in range(2, taps):
        below = image[row + t, begin:end]
        for x in range(3 * length):
            out[x] += weights[t] * np.float32(below[x])


@inlined
def blend_columns(pixels: Floats, first: Integers, taps: int, weights: Floats, planes: Floats, y: int) -> None:
    """Resample a row of pixels [3 W + 3] to row ``y`` of planes [3, S, S]. The last pixel is memory to be read."""
    size = planes.shape[2]
    for x in range(size):  # two taps are enough unless the crop is larger than the view
        at, near, far = 3 * first[x], weights[x, 0], weights[x, 1]
        planes[0, y, x] = near * pixels[at] + far * pixels[at + 3]
        planes[1, y, x] = near * pixels[at + 1] + far * pixels[at + 4]
        planes[2, y, x] = near * pixels[at + 2] + far * pixels[at + 5]
    for t in range(2, taps):
        for x in range(size):
            at, weight = 3 * (first[x] + t), weights[x, t]
            planes[0, y, x] += weight * pixels[at]
            planes[1, y, x] += weight * pixels[at + 1]
            planes[2, y, x] += weight * pixels[at + 2]


@inlined
def transpose_crop(image: Bytes, top: int, left: int, height: int, width: int, out: Bytes) -> None:
    """Write the crop of an image [H, 3 W] with rows and columns exchanged: [width, 3 height]."""
    for y in range(height):
        for x in range(width):
            for channel in range(3):
                out[x, 3 * y + channel] = image[top + y, 3 * (left + x) + channel]
