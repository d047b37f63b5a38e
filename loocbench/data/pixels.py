"""Data sets whose images are one array in memory, as those of CIFAR and MNIST."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from loocbench.data import decoding
from loocbench.errors import DamagedImageError
from loocbench.types import BILINEAR, Dataset, Interpolation, Pixels, Sizes, Split


def to_rgb_arrays(images: Any) -> Pixels:
    """Return images uint8 [N, H, W, 3] as a view where that is possible.

    images: an array or tensor of 8-bit values, [N, H, W] in grey, [N, H, W, 3], or [N, 3, H, W].
    """
    values = np.asarray(images)
    if values.ndim == 3:
        return np.broadcast_to(values[..., None], (*values.shape, 3))
    return values if values.shape[-1] == 3 else values.transpose(0, 2, 3, 1)


def name_items(prefix: str, count: int) -> list[str]:
    """Return the names of the images of an array: its prefix and a number."""
    return [f"{prefix}{number:06d}" for number in range(count)]


def open_arrays(name: str, splits: Mapping[str, Split], images: Mapping[str, Pixels]) -> Dataset:
    """Return a data set of images in memory. images: prefix of the items' names -> uint8 [N, H, W, 3]."""

    def find(item: str) -> Pixels:
        prefix, _, number = item.rpartition("/")
        return images[f"{prefix}/"][int(number)]

    def read(items: Sequence[str], short_side: int, interpolation: Interpolation = BILINEAR) -> list[Pixels]:
        found = (Image.fromarray(np.ascontiguousarray(find(item))) for item in items)
        return [np.asarray(decoding.resize_short_side(image, short_side, interpolation)) for image in found]

    def sizes(items: Sequence[str], short_side: int) -> Sizes:
        shapes = [find(item).shape for item in items]
        scaled = [decoding.scale_size(shape[1], shape[0], short_side)[::-1] for shape in shapes]
        return np.array(scaled, dtype=np.int64).reshape(-1, 2)

    def examine(items: Sequence[str]) -> list[str | DamagedImageError]:
        return [hashlib.sha256(find(item).tobytes()).hexdigest() for item in items]

    @cache
    def edition() -> str:
        digest = hashlib.sha256()
        for prefix, values in images.items():
            digest.update(f"{prefix}\t{values.shape}\n".encode())
            for image in values:
                digest.update(image.tobytes())
        return f"{name} pixels {digest.hexdigest()}"

    def content(items: Sequence[str]) -> str:
        return f"{edition()}, decoding v{decoding.VERSION}"

    return Dataset(name, splits, read, sizes, examine, content, edition)
