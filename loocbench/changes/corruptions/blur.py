"""Blur: defocus, frosted glass, motion and zoom.

Each function takes an image uint8 [3, S, S], a severity 1 .. 5 and uniform numbers in (0, 1), and returns uint8
[3, S, S].
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from loocbench.changes.corruptions.motion import blur_along_line
from loocbench.changes.corruptions.pixels import PUBLISHED_SIZE, Bytes, Floats, length_scale, resize_image, to_bytes
from loocbench.changes.corruptions.zooming import make_zoom_matrix

_DEFOCUS = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))  # radius of the disc, sigma that smooths its edge
_GLASS = ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2))  # sigma, farthest move, passes
_MOTION = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))  # radius, sigma
_ZOOM = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))  # factors from 1: end, step
_PARTS = 16  # subpixels per side, on which a disc's share of a pixel is counted


def defocus_blur(image: Bytes, severity: int, u: Floats) -> Bytes:
    """The mean over a disc, its edge smoothed a little; the image is mirrored at its borders."""
    from scipy import signal  # a second to import, which no other corruption needs

    radius, sigma = _DEFOCUS[severity - 1]
    kernel = make_disc_kernel(radius, sigma, length_scale(image))
    reach = len(kernel) // 2
    padded = np.pad(image / 255, ((0, 0), (reach, reach), (reach, reach)), mode="reflect")
    return to_bytes(signal.fftconvolve(padded, kernel[None], mode="valid", axes=(1, 2)))


def make_disc_kernel(radius: float, sigma: float, scale: float) -> Floats:
    """The kernel of a defocused lens, its sum 1: a disc of ``scale * radius`` pixels, smoothed by ``scale * sigma``.

    The smoothing has 3 taps up to the published radius of 8 and 5 above.
    """
    reach = max(8, math.ceil(radius * scale))
    taps = 1 if radius <= 8 else 2
    # At 224 px a pixel belongs to the disc if its centre does, as published. At smaller sizes discs would
    # then often be single pixels: there a pixel's weight is the share that the disc covers (this project's choice).
    parts = 1 if scale == 1 else _PARTS
    fine = (np.arange((2 * reach + 1) * parts) + 0.5) / parts - 0.5 - reach
    inside = fine[:, None] ** 2 + fine[None] ** 2 <= (radius * scale) ** 2
    shares = inside.reshape(2 * reach + 1, parts, 2 * reach + 1, parts).mean(axis=(1, 3))
    smooth = np.exp(-0.5 * (np.arange(-taps, taps + 1) / (sigma * scale)) ** 2)
    smooth /= smooth.sum()
    for axis in (0, 1):
        shares = ndimage.correlate1d(shares, smooth, axis=axis, mode="mirror")
    kernel: Floats = shares / inside.mean() / inside.size * parts**2
    return kernel


def glass_blur(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Blur, replace every pixel by a neighbour, blur again. u: see ``count_glass_uniforms``.

    Moves are whole pixels, and the published ones of 1 to 4 have no room to shrink: an image of less than 224 px is
    enlarged to 224, changed, and shrunk again (this project's choice). A larger one has its moves rounded.
    """
    size = image.shape[-1]
    if size < PUBLISHED_SIZE:
        large = resize_image(image, PUBLISHED_SIZE, Image.Resampling.BILINEAR)
        return resize_image(glass_blur(large, severity, u), size, Image.Resampling.BOX)
    sigma, farthest, passes = _get_glass_constants(severity, size)
    blurred = to_bytes(_blur_gaussian(image / 255, sigma))
    moves = u.reshape(passes, size - 2 * farthest, size - 2 * farthest, 2)
    for right_down in np.floor(moves * 2 * farthest).astype(np.int64) - farthest:
        source = trace_moves(right_down[..., 1], right_down[..., 0], size)
        blurred = blurred.reshape(3, -1)[:, source].reshape(image.shape)
    return to_bytes(_blur_gaussian(blurred / 255, sigma))


def count_glass_uniforms(size: int, severity: int) -> int:
    """How many numbers ``glass_blur`` takes: two for each inner pixel in each pass."""
    size = max(size, PUBLISHED_SIZE)
    _, farthest, passes = _get_glass_constants(severity, size)
    return passes * (size - 2 * farthest) ** 2 * 2


def trace_moves(down: npt.NDArray[np.int64], right: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """The source of each pixel after one pass of glass blur: flat positions, int64 [S * S].

    down, right: moves [n, n] of the inner pixels from the last row and column to the first. One after the other, each
    inner pixel takes over the pixel there, which may have been changed before it. The paper speaks of shuffling, and
    its code means to swap the two; but of its two assignments through views of one array the second finds its source
    overwritten, so the published images hold copies, and so do these.
    """
    edge = (size - len(down)) // 2
    inner = np.arange(size - edge, edge, -1)
    here = inner[:, None] * size + inner[None]
    there = here + down * size + right
    changed = np.zeros(size * size, dtype=bool)
    changed[here] = True
    source = np.arange(size * size)
    source[here] = there
    # A pixel that takes over one changed before it (later in the image) has that one's source: chains, which all end,
    # and whose known length doubles with each iteration.
    chained = np.zeros(size * size, dtype=bool)
    chained[here] = changed[there] & (there > here)
    while (rows := np.flatnonzero(chained)).size:
        following = source[rows]
        source[rows], chained[rows] = source[following], chained[following]
    return source


def motion_blur(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Blur along a line within 45 degrees of the horizontal. u: one number."""
    radius, sigma = _MOTION[severity - 1]
    return blur_along_line(image, radius * length_scale(image), sigma * length_scale(image), -45 + 90 * float(u[0]))


def zoom_blur(image: Bytes, severity: int, u: Floats) -> Bytes:
    """The mean of the image (twice) and of ever larger zooms into its middle."""
    end, step = _ZOOM[severity - 1]
    pixels = image / 255
    factors = np.arange(1, end, step)
    total = pixels.copy()
    for factor in factors:
        zoom = make_zoom_matrix(image.shape[-1], float(factor))
        total += zoom @ pixels @ zoom.T
    return to_bytes(total / (len(factors) + 1))


def _get_glass_constants(severity: int, size: int) -> tuple[float, int, int]:
    """sigma, farthest move and passes for images of 224 px or more."""
    sigma, farthest, passes = _GLASS[severity - 1]
    return sigma * size / PUBLISHED_SIZE, round(farthest * size / PUBLISHED_SIZE), passes


def _blur_gaussian(pixels: Floats, sigma: float) -> Floats:
    """scikit-image's default Gaussian filter: four sigmas, the border repeated."""
    blurred: Floats = ndimage.gaussian_filter(pixels, (0, sigma, sigma), mode="nearest", truncate=4.0)
    return blurred
