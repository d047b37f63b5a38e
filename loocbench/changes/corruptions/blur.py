"""Blur: defocus, frosted glass, motion and zoom.

Each function takes an image uint8 [3, S, S], a severity 1 .. 5 and uniform numbers in (0, 1), and returns uint8
[3, S, S].
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage, signal

from loocbench.changes.corruptions.motion import motion_blurred
from loocbench.changes.corruptions.pixels import PUBLISHED_SIZE, Bytes, Floats, resized, scale, truncated
from loocbench.changes.corruptions.zooming import zoom_matrix

_DEFOCUS = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))  # radius of the disc, sigma that smooths its edge
_GLASS = ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2))  # sigma, farthest move, passes
_MOTION = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))  # radius, sigma
_ZOOM = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))  # factors from 1: end, step
_PARTS = 16  # of a pixel's side, where a disc's share of the pixel is counted


def defocus_blur(image: Bytes, severity: int, u: Floats) -> Bytes:
    """The mean over a disc, its edge smoothed a little; the image is mirrored at its borders."""
    radius, sigma = _DEFOCUS[severity - 1]
    kernel = disc(radius, sigma, scale(image))
    reach = len(kernel) // 2
    padded = np.pad(image / 255, ((0, 0), (reach, reach), (reach, reach)), mode="reflect")
    return truncated(signal.fftconvolve(padded, kernel[None], mode="valid", axes=(1, 2)))


def disc(radius: float, sigma: float, scale: float) -> Floats:
    """The kernel of a defocused lens, its sum 1: a disc of ``scale * radius`` pixels, smoothed by ``scale * sigma``.

    The smoothing has 3 taps up to the published radius of 8 and 5 above.
    """
    reach = max(8, math.ceil(radius * scale))
    taps = 1 if radius <= 8 else 2
    # At 224 px a pixel belongs to the disc if its centre does, as published. The small discs of other sizes would be
    # no disc then, often a single pixel: there a pixel weighs what the disc covers of it (this project's choice).
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
    """Blur, move every pixel's neighbours about, blur again. u: see ``glass_uniforms``.

    Moves are whole pixels, and the published ones of 1 to 4 have no room to shrink: an image of less than 224 px is
    enlarged to 224, changed, and shrunk again (this project's choice). A larger one has its moves rounded.
    """
    size = image.shape[-1]
    if size < PUBLISHED_SIZE:
        large = resized(image, PUBLISHED_SIZE, Image.Resampling.BILINEAR)
        return resized(glass_blur(large, severity, u), size, Image.Resampling.BOX)
    sigma, farthest, passes = _glass(severity, size)
    blurred = truncated(_gaussian(image / 255, sigma))
    moves = u.reshape(passes, size - 2 * farthest, size - 2 * farthest, 2)
    for right_down in np.floor(moves * 2 * farthest).astype(np.int64) - farthest:
        source = moved_from(right_down[..., 1], right_down[..., 0], size)
        blurred = blurred.reshape(3, -1)[:, source].reshape(image.shape)
    return truncated(_gaussian(blurred / 255, sigma))


def glass_uniforms(size: int, severity: int) -> int:
    """How many numbers ``glass_blur`` takes: two for each inner pixel in each pass."""
    size = max(size, PUBLISHED_SIZE)
    _, farthest, passes = _glass(severity, size)
    return passes * (size - 2 * farthest) ** 2 * 2


def moved_from(down: npt.NDArray[np.int64], right: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Where each pixel of the image comes from after one pass of glass blur: flat positions [S * S].

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
    # and whose known length doubles in each turn.
    chained = np.zeros(size * size, dtype=bool)
    chained[here] = changed[there] & (there > here)
    while (rows := np.flatnonzero(chained)).size:
        following = source[rows]
        source[rows], chained[rows] = source[following], chained[following]
    return source


def motion_blur(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Blur along a line within 45 degrees of the horizontal. u: one number."""
    radius, sigma = _MOTION[severity - 1]
    return motion_blurred(image, radius * scale(image), sigma * scale(image), -45 + 90 * float(u[0]))


def zoom_blur(image: Bytes, severity: int, u: Floats) -> Bytes:
    """The mean of the image (twice) and of ever larger zooms into its middle."""
    end, step = _ZOOM[severity - 1]
    pixels = image / 255
    factors = np.arange(1, end, step)
    total = pixels.copy()
    for factor in factors:
        zoom = zoom_matrix(image.shape[-1], float(factor))
        total += zoom @ pixels @ zoom.T
    return truncated(total / (len(factors) + 1))


def _glass(severity: int, size: int) -> tuple[float, int, int]:
    """sigma, farthest move and passes for images of 224 px or more."""
    sigma, farthest, passes = _GLASS[severity - 1]
    return sigma * size / PUBLISHED_SIZE, round(farthest * size / PUBLISHED_SIZE), passes


def _gaussian(pixels: Floats, sigma: float) -> Floats:
    """scikit-image's default Gaussian: four sigmas, the border goes on."""
    blurred: Floats = ndimage.gaussian_filter(pixels, (0, sigma, sigma), mode="nearest", truncate=4.0)
    return blurred
