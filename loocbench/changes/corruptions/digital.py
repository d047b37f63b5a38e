"""Digital: contrast, elastic transform, pixelate and JPEG.

Each function takes an image uint8 [3, S, S], a severity 1 .. 5 and uniform numbers in (0, 1), and returns uint8
[3, S, S].
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image
from scipy import ndimage

from loocbench.changes.corruptions.pixels import (
    Bytes,
    Floats,
    from_pillow,
    length_scale,
    resize_image,
    to_bytes,
    to_pillow,
)

_CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)  # share of the distance to the mean that stays
# Strength and sigma of the displacements, and how far the corners move: pixels, but written for 244 where 224 was
# meant. The published code says so and keeps it.
_ELASTIC = (
    (244 * 2, 244 * 0.7, 244 * 0.1),
    (244 * 2, 244 * 0.08, 244 * 0.2),
    (244 * 0.05, 244 * 0.01, 244 * 0.02),
    (244 * 0.07, 244 * 0.01, 244 * 0.02),
    (244 * 0.12, 244 * 0.01, 244 * 0.02),
)
_PIXELATE = (0.6, 0.5, 0.4, 0.3, 0.25)  # share of the side that stays
_JPEG = (25, 18, 15, 10, 7)  # quality


def contrast(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Move every channel towards its mean."""
    pixels = image / 255
    means = pixels.mean(axis=(1, 2), keepdims=True)
    return to_bytes((pixels - means) * _CONTRAST[severity - 1] + means)


def elastic_transform(image: Bytes, severity: int, u: Floats) -> Bytes:
    """A random affine map, then smooth random displacements. u: ``count_elastic_uniforms``.

    Sampled linearly; the affine map mirrors the image at its outermost pixels, the displacements at its border.
    """
    size, by = image.shape[-1], length_scale(image)
    strength, sigma, farthest = _ELASTIC[severity - 1]
    moves, displacements = 2 * u[:6].reshape(3, 2) - 1, 2 * u[6:].reshape(2, size, size) - 1
    grid = np.mgrid[:size, :size].astype(np.float64)
    # OpenCV, which the published code calls, samples at 32nds of a pixel; here positions are exact.
    mapped = _sample_pixels(image / 255, _map_affine(grid, moves * farthest * by), "mirror")
    smooth = _make_smoothing_matrix(size, sigma * by)
    # The mean of noise over an area is inversely proportional to the side of the area. For displacements that scale
    # with the image, the strength must therefore scale twice.
    right, down = strength * by**2 * (smooth @ displacements @ smooth.T)
    return to_bytes(_sample_pixels(mapped, grid + np.stack([down, right]), "reflect"))


def count_elastic_uniforms(size: int, severity: int) -> int:
    """How many numbers ``elastic_transform`` takes: three corners' moves, and two displacements of every pixel."""
    return 6 + 2 * size**2


def pixelate(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Shrink the image with a box filter, and enlarge it again."""
    size = image.shape[-1]
    small = int(size * _PIXELATE[severity - 1])
    return resize_image(resize_image(image, small, Image.Resampling.BOX), size, Image.Resampling.BOX)


def jpeg_compression(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Write as JPEG (Pillow, chroma halved) and read again. The last bits depend on Pillow's libjpeg."""
    file = io.BytesIO()
    to_pillow(image).save(file, "JPEG", quality=_JPEG[severity - 1])
    with Image.open(file) as read:
        return from_pillow(read)


def _map_affine(grid: Floats, moves: Floats) -> Floats:
    """Source positions of the pixels of ``grid`` [2, S, S] (row, column) under the affine map that moves three corners
    of a square in the middle (below right, above right, above left) by ``moves`` [3, 2] (column, row)."""
    size = grid.shape[-1]
    middle, half = size // 2, size // 3
    corners = middle + half * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    # The inverse map is the affine map of the moved corners back to the corners.
    back = np.linalg.solve(np.column_stack([corners + moves, np.ones(3)]), corners)
    row, column = grid
    return np.stack([column * back[0, axis] + row * back[1, axis] + back[2, axis] for axis in (1, 0)])


def _sample_pixels(pixels: Floats, places: Floats, border: str) -> Floats:
    """Pixels [3, S, S], interpolated linearly at ``places`` [2, S, S] (row, column)."""
    return np.stack([ndimage.map_coordinates(channel, places, order=1, mode=border) for channel in pixels])


@lru_cache(maxsize=4)
def _make_smoothing_matrix(size: int, sigma: float) -> Floats:
    """The matrix G [S, S] for which G image G^T is the Gaussian-filtered image (three sigmas, mirrored borders)."""
    matrix: Floats = ndimage.gaussian_filter1d(np.eye(size), sigma, axis=0, mode="reflect", truncate=3.0)
    matrix.setflags(write=False)
    return matrix
