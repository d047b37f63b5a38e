"""Shared by the corruptions: image types, conversion to 8 bits, scaling of lengths, resizing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

PUBLISHED_SIZE = 224  # pixels per side; the constants of the paper's code are for such images
_LAST_BITS = 1e-6  # of one of the 255 levels


def to_bytes(values: npt.NDArray[Any]) -> Bytes:
    """Convert values from 0 (black) to 1 (white) to 8 bits; others are clipped.

    Truncated, not rounded, as in the published code (``np.uint8``): about half a level is lost on average.
    """
    # A value that is a whole level stays that level on every machine, whatever its last bits are. In the published code
    # a rounding error may lower it by one.
    return (np.clip(values, 0, 1) * 255 + _LAST_BITS).astype(np.uint8)


def length_scale(image: Bytes) -> float:
    """S / 224 for an image [..., S, S]: the factor for lengths that are given in pixels of a 224 px image.

    A radius, standard deviation or displacement then covers the same part of the image at any resolution (this
    project's choice; the published code has constants for 224 px, and others for its smaller data sets).
    """
    return image.shape[-1] / PUBLISHED_SIZE


def resize_image(image: Bytes, size: int, how: Image.Resampling) -> Bytes:
    """Resize an image [3, S, S] to [3, size, size] with Pillow."""
    return from_pillow(to_pillow(image).resize((size, size), how))


def to_pillow(image: Bytes) -> Image.Image:
    """Convert [3, H, W] to a Pillow RGB image."""
    return Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))


def from_pillow(image: Image.Image) -> Bytes:
    """Convert a Pillow RGB image to [3, H, W]."""
    return np.asarray(image).transpose(2, 0, 1)
