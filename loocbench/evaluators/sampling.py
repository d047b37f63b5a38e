"""Subsampling and shuffling of a split's images: the same for every model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loocbench import philox

_SUBSAMPLE, _SHUFFLE = 7, 8  # streams of random numbers


def sample_rows(count: int, most: int, *, seed: int) -> npt.NDArray[np.int64]:
    """Draw at most ``most`` of ``count`` row indices, ascending: a pure function of the arguments."""
    if count <= most:
        return np.arange(count)
    u = philox.uniforms(seed, np.arange(count), major=0, minor=_SUBSAMPLE, count=1)[:, 0]
    return np.sort(u.argsort()[:most])


def shuffle_rows(count: int, *, seed: int) -> npt.NDArray[np.int64]:
    """Draw an order of ``count`` rows: a pure function of the arguments.

    Images are ranked in this order, so that ties say nothing of their classes: files are sorted by class.
    """
    return philox.uniforms(seed, np.arange(count), major=0, minor=_SHUFFLE, count=1)[:, 0].argsort(kind="stable")
