"""Some images of a split where all would take too long: the same ones for every model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loocbench import philox

_STREAM = 7  # of random numbers


def sample_rows(count: int, most: int, *, seed: int) -> npt.NDArray[np.int64]:
    """``most`` of ``count`` rows, or all if there are fewer: ascending, a pure function of the arguments."""
    if count <= most:
        return np.arange(count)
    u = philox.uniforms(seed, np.arange(count), major=0, minor=_STREAM, count=1)[:, 0]
    return np.sort(u.argsort()[:most])
