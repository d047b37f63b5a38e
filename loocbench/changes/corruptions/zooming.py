"""Zooming into the middle of an image as ``scipy.ndimage.zoom`` of order 1 does, as a product of matrices."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from loocbench.changes.corruptions.pixels import Floats


@lru_cache(maxsize=20)  # one severity of zoom blur, and some
def make_zoom_matrix(size: int, factor: float) -> Floats:
    """The matrix Z [S, S] for which Z image Z^T is the middle of the image, enlarged by ``factor`` (>= 1).

    The middle ceil(S / factor) pixels become round(ceil(S / factor) * factor), first on first and last on last, linear
    between; what exceeds S is cut off on both sides. Read-only: it is shared.
    """
    inner = math.ceil(size / factor)
    outer = round(inner * factor)
    positions = (np.arange(size) + (outer - size) // 2) * ((inner - 1) / (outer - 1))
    first = np.clip(np.floor(positions).astype(np.int64), 0, inner - 2)
    rows, left = np.arange(size), (size - inner) // 2 + first
    matrix = np.zeros((size, size))
    matrix[rows, left] = 1 - (positions - first)
    matrix[rows, left + 1] = positions - first
    matrix.setflags(write=False)
    return matrix
