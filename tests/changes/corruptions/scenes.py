"""Images that look a little like photographs, and the naive operations that several definitions are written with."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image
from scipy import ndimage


def scene(size: int = 224, seed: int = 0) -> np.ndarray:
    """uint8 [3, size, size]: clouds of all scales, and discs with sharp edges in front of them."""
    rng = np.random.default_rng(seed)
    pixels = np.full((size, size, 3), 110.0)
    for cells in (3, 6, 12, 24, 48, 96):
        coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        pixels += (
            (np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), dtype=float) - 128) * 2 / cells**0.5
        )
    row, column = np.mgrid[:size, :size] / size
    for y, x, radius in rng.uniform(0.1, 0.9, (8, 3)):
        pixels[(row - y) ** 2 + (column - x) ** 2 < (radius / 6) ** 2] = rng.integers(0, 256, 3)
    return np.clip(pixels, 0, 255).astype(np.uint8).transpose(2, 0, 1)


def halved(image: np.ndarray) -> np.ndarray:
    """The image [3, S, S] at half its resolution."""
    height, width = image.shape[1:]
    return image.reshape(3, height // 2, 2, width // 2, 2).mean(axis=(2, 4)).round().astype(np.uint8)


def as_bytes(values: np.ndarray) -> np.ndarray:
    """0 .. 1 as whole levels, cut off as the published code does, but not for the sake of a last bit."""
    return np.floor(np.clip(values, 0, 1) * 255 + 1e-6).astype(np.uint8)


def blurred_along(image: np.ndarray, radius: int, sigma: float, angle: float) -> np.ndarray:
    """ImageMagick's motion blur by shifting the whole image [..., S, S] step by step."""
    total, weights = np.zeros(image.shape), 0.0
    for step in range(2 * radius + 1):
        weight = math.exp(-0.5 * (step / sigma) ** 2)
        down = math.ceil(step * math.sin(math.radians(angle)) - 0.5)
        right = math.ceil(step * math.cos(math.radians(angle)) - 0.5)
        moves = [0] * (image.ndim - 2) + [-down, -right]
        total += weight * ndimage.shift(image.astype(float), moves, order=0, mode="nearest")
        weights += weight
    return np.floor(total / weights + 0.5).astype(np.uint8)


def zoomed(image: np.ndarray, factor: float) -> np.ndarray:
    """The middle of image [S, S] through ``scipy.ndimage.zoom``, cut to [S, S]."""
    size = len(image)
    inner = math.ceil(size / factor)
    top = (size - inner) // 2
    large = ndimage.zoom(image[top : top + inner, top : top + inner], factor, order=1)
    cut = (len(large) - size) // 2
    return large[cut : cut + size, cut : cut + size]
