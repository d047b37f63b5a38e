"""Gaussian blur.

Sigma is given for 224 px and scaled with the view, so that a recipe means the same at any resolution (this project's
choice; the paper trained at 224 px only). The kernel reaches three of the widest sigmas.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from loocbench.views.augmentations.augmentation import Augmentation, Context, Drawn, Parameters, Sizes, Uniforms

if TYPE_CHECKING:
    from torch import Tensor


def draw_blur(u: Uniforms, sizes: Sizes) -> Drawn:
    """Gaussian blur with p 0.5. Returns sigma float32 [B] in (0.1, 2) pixels of a 224 px view; 0 for none."""
    return {"sigma": np.where(u[:, 0] < 0.5, 0.1 + 1.9 * u[:, 1], 0.0).astype(np.float32)}


def apply_blur(images: Tensor, parameters: Parameters, context: Context) -> Tensor:
    """Blur with sigma scaled from 224 px to the views' size."""
    from loocbench.views import color

    size = context.image_size
    return color.blur(images, parameters["sigma"] * scale_from_224(size), kernel_radius(size))


def scale_from_224(image_size: int) -> float:
    """By what pixels of a 224 px view are multiplied to be those of this size."""
    return image_size / 224


def kernel_radius(image_size: int) -> int:
    """How many pixels the kernel reaches from its centre."""
    return math.ceil(6 * scale_from_224(image_size))


BLUR = Augmentation(name="blur", title="Blur", stream=4, uniforms=2, draw=draw_blur, apply=apply_blur, always=True)
