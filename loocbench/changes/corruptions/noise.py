"""Noise: Gaussian, shot and impulse, independent for every channel of every pixel.

Each function takes an image uint8 [3, S, S], a severity 1 .. 5 and uniform numbers in (0, 1), as many as the image has
values, and returns uint8 [3, S, S].
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import gammaincc, ndtri

from loocbench.changes.corruptions.pixels import Bytes, Floats, to_bytes

_GAUSSIAN = (0.08, 0.12, 0.18, 0.26, 0.38)  # standard deviation; white is 1
_SHOT = (60, 25, 12, 5, 3)  # photons that white stands for
_IMPULSE = (0.03, 0.06, 0.09, 0.17, 0.27)  # share of values replaced


def gaussian_noise(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Add a normal number to every value."""
    return to_bytes(image / 255 + _GAUSSIAN[severity - 1] * ndtri(u).reshape(image.shape))


def shot_noise(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Replace every value by a Poisson count of photons with that mean, divided by the count that stands for white."""
    white = _SHOT[severity - 1]
    levels = image.reshape(-1).astype(np.int64)
    counts = np.searchsorted(_cumulate_poisson(white), levels + u) - white * levels
    return to_bytes(counts.reshape(image.shape) / white)


def impulse_noise(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Salt and pepper: a share of the values becomes 1 or 0 with equal probability."""
    share, drawn = _IMPULSE[severity - 1], u.reshape(image.shape)
    return np.where(drawn < share, np.where(drawn < share / 2, 0, 255), image).astype(np.uint8)


@lru_cache(maxsize=len(_SHOT))
def _cumulate_poisson(white: int) -> Floats:
    """For each of the 256 levels, level + P(count <= k) for k = 0 .. white - 1, as one rising line.

    A count is the number of k whose P(count <= k) lies below a uniform number. More photons than ``white`` are white
    all the same, so no more k are needed; and adding the level lets one search serve all 256 distributions.
    """
    levels, counts = np.arange(256)[:, None], np.arange(white)[None]
    return (levels + gammaincc(counts + 1, levels * white / 255)).reshape(-1)
