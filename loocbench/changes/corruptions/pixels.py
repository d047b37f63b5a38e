"""What the corruptions share: types of images, the way back to 8 bits, sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

PUBLISHED_SIZE = 224  # pixels of a side; the constants of the paper's code are for such images
_LAST_BITS = 1e-6  # of a level


def truncated(values: npt.NDArray[Any]) -> Bytes:
    """Values of which 0 .. 1 is black .. white, clipped, in 8 bits.

    As the published code does it (``np.uint8``): cut off, not rounded, so about half a level is lost on average.
    """
    # A value that is a whole level keeps it on every machine, whatever its last bits are. In the published code it may
    # lose one to a rounding error.
    return (np.clip(values, 0, 1) * 255 + _LAST_BITS).astype(np.uint8)


def scale(image: Bytes) -> float:
    """What a length in pixels of a 224 px image is multiplied by for this one, [..., S, S].

    A radius, standard deviation or displacement then covers the same part of the image at any resolution (this
    project's choice; the published code knows 224 px only, and other constants for its smaller data sets).
    """
    return image.shape[-1] / PUBLISHED_SIZE


def resized(image: Bytes, size: int, how: Image.Resampling) -> Bytes:
    """An image [3, S, S] as [3, size, size], with Pillow's resampling."""
    return from_pillow(to_pillow(image).resize((size, size), how))


def to_pillow(image: Bytes) -> Image.Image:
    """An RGB image from [3, H, W]."""
    return Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))


def from_pillow(image: Image.Image) -> Bytes:
    """[3, H, W] from an RGB image."""
    return np.asarray(image).transpose(2, 0, 1)
