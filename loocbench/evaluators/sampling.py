"""Subsampling of a split's images: the same images for every model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loocbench import philox

_SUBSAMPLE = 7  # stream of random numbers


def sample_rows(count: int, most: int, *, seed: int) -> npt.NDArray[np.int64]:
    """Draw at most ``most`` of ``count`` row indices, ascending: a pure function of the arguments."""
    if count <= most:
        return np.arange(count)
    u = philox.uniforms(seed, np.arange(count), major=0, minor=_SUBSAMPLE, count=1)[:, 0]
    return np.sort(u.argsort()[:most])
