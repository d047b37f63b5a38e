"""Foreground masks: which pixels show the object, where a data set ships segmentations or bounding boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from loocbench.data import decoding
from loocbench.types import Foreground, Mask, Pixels, Sizes

Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the image


def read_masks(path_of: Callable[[str], Path], is_foreground: Callable[[Pixels], Mask]) -> Foreground:
    """Foregrounds from one mask file per image.

    path_of: item -> its mask file. is_foreground: that file's pixels, uint8 [H, W, 3] -> bool [H, W]. Reading raises
    DamagedImageError for a mask that is missing or cannot be decoded.
    """

    def masks(items: Sequence[str], sizes: Sizes) -> list[Mask]:
        found = []
        for item, (height, width) in zip(items, sizes.tolist(), strict=True):
            mask = Image.fromarray(is_foreground(decoding.decode_full_size(path_of(item))))
            found.append(np.asarray(mask.resize((width, height), Image.Resampling.NEAREST)))
        return found

    return Foreground("segmentation", masks)


def read_boxes(box_of: Callable[[str], Box]) -> Foreground:
    """Foregrounds from one bounding box per image. box_of: item -> its box."""

    def masks(items: Sequence[str], sizes: Sizes) -> list[Mask]:
        found = []
        for item, (height, width) in zip(items, sizes.tolist(), strict=True):
            left, top, right, bottom = box_of(item)
            across, down = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
            found.append(((down >= top) & (down <= bottom))[:, None] & ((across >= left) & (across <= right)))
        return found

    return Foreground("bounding box", masks)
