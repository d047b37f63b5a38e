"""Which pixels of an image show the thing itself, where a data set ships masks or boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from loocbench.data import decoding
from loocbench.types import Foreground, Mask, Pixels, Sizes

Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the image


def segmented(path_of: Callable[[str], Path], is_foreground: Callable[[Pixels], Mask]) -> Foreground:
    """Of one mask file an image. is_foreground: from the file's pixels, uint8 [H, W, 3], to bool [H, W].

    Reading raises DamagedImageError for a mask that is missing or cannot be decoded.
    """

    def masks(items: Sequence[str], sizes: Sizes) -> list[Mask]:
        found = []
        for item, (height, width) in zip(items, sizes.tolist(), strict=True):
            mask = Image.fromarray(is_foreground(decoding.decode_whole(path_of(item))))
            found.append(np.asarray(mask.resize((width, height), Image.Resampling.NEAREST)))
        return found

    return Foreground("segmentation", masks)


def boxed(box_of: Callable[[str], Box]) -> Foreground:
    """Of one box an image."""

    def masks(items: Sequence[str], sizes: Sizes) -> list[Mask]:
        found = []
        for item, (height, width) in zip(items, sizes.tolist(), strict=True):
            left, top, right, bottom = box_of(item)
            across, down = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
            found.append(((down >= top) & (down <= bottom))[:, None] & ((across >= left) & (across <= right)))
        return found

    return Foreground("bounding box", masks)
