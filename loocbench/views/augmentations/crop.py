"""Random resized crop, with MoCo v2's range of areas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from loocbench.views.augmentations.augmentation import Augmentation, Context, Drawn, Parameters, Sizes, Uniforms

if TYPE_CHECKING:
    from torch import Tensor

ATTEMPTS = 10
UNIFORMS = 2 * ATTEMPTS + 2


def draw_crop(u: Uniforms, sizes: Sizes, smallest: float = 0.2) -> Drawn:
    """Random resized crop: area in (smallest, 1) of the image, aspect ratio log-uniform in (3/4, 4/3), whole pixels.

    As torchvision's ``RandomResizedCrop.get_params``: the first of ten attempts that fits, else the largest central
    crop within the ratios. Returns box int64 [B, 4]: top, left, height, width. The default area is MoCo v2's.
    """
    height, width = sizes[:, 0], sizes[:, 1]
    area = (height * width)[:, None] * (smallest + (1 - smallest) * u[:, :ATTEMPTS])
    ratio = np.exp(math.log(3 / 4) + (math.log(4 / 3) - math.log(3 / 4)) * u[:, ATTEMPTS : 2 * ATTEMPTS])
    widths, heights = np.rint(np.sqrt(area * ratio)).astype(int), np.rint(np.sqrt(area / ratio)).astype(int)
    fits = (widths > 0) & (widths <= width[:, None]) & (heights > 0) & (heights <= height[:, None])
    rows, first = np.arange(len(u)), fits.argmax(axis=1)
    fallback_w = np.where(width > 4 / 3 * height, np.rint(height * 4 / 3).astype(int), width)
    fallback_h = np.where(width < 3 / 4 * height, np.rint(width / (3 / 4)).astype(int), height)
    found = fits.any(axis=1)
    w = np.where(found, widths[rows, first], fallback_w)
    h = np.where(found, heights[rows, first], fallback_h)
    top = np.where(found, np.floor(u[:, -2] * (height - h + 1)), (height - h) // 2).astype(np.int64)
    left = np.where(found, np.floor(u[:, -1] * (width - w + 1)), (width - w) // 2).astype(np.int64)
    return {"box": np.stack([top, left, h, w], axis=1).astype(np.int64)}


def apply_crop(images: Tensor, parameters: Parameters, context: Context) -> Tensor:
    """Crop to the box and resize to the views' size."""
    from loocbench.views import geometry

    return geometry.crop_resize(images, parameters["box"], context.image_size)


CROP = Augmentation(
    name="crop",
    title="Crop",
    stream=0,
    uniforms=UNIFORMS,
    draw=draw_crop,
    apply=apply_crop,
    always=True,
    takes_bytes=True,
)
