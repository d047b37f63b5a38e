"""ImageMagick's motion blur, which the published code calls: half a Gaussian along a line."""

from __future__ import annotations

import math

import numpy as np

from loocbench.changes.corruptions.pixels import Bytes


def blur_along_line(image: Bytes, radius: float, sigma: float, angle: float) -> Bytes:
    """Blur images uint8 [..., S, S] along the direction ``angle`` (degrees, clockwise from the right).

    Each pixel becomes the mean of itself and the 2 ceil(radius) pixels before it in that direction, the k-th with the
    weight exp(-k^2 / (2 sigma^2)); the border is repeated beyond the image. radius, sigma: pixels. Rounded to 8 bits.
    """
    width = 2 * math.ceil(radius) + 1
    steps = np.arange(width)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    height, length = image.shape[-2:]
    # Rounded to whole pixels, halves towards the start, as ImageMagick does (MotionBlurImage of its effect.c).
    down = np.ceil(steps * math.sin(math.radians(angle)) - 0.5).astype(np.int64) + width
    right = np.ceil(steps * math.cos(math.radians(angle)) - 0.5).astype(np.int64) + width
    padded = np.pad(image, [(0, 0)] * (image.ndim - 2) + [(width, width)] * 2, mode="edge").astype(np.float64)
    total = np.zeros(image.shape)
    for weight, top, left in zip(weights, down, right, strict=True):
        total += weight * padded[..., top : top + height, left : left + length]
    return np.floor(total + 0.5).astype(np.uint8)
