"""Color jitter and random grayscale, MoCo v2's, as one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loocbench.views.augmentations.augmentation import Augmentation, Context, Drawn, Parameters, Sizes, Uniforms

if TYPE_CHECKING:
    from torch import Tensor


def draw_color(u: Uniforms, sizes: Sizes) -> Drawn:
    """Color jitter (0.4, 0.4, 0.4, 0.1) with p 0.8 and random grayscale with p 0.2, as one unit.

    Returns jitter bool [B]; factors float32 [B, 4]: brightness, contrast, saturation in (0.6, 1.4) and hue in
    (-0.1, 0.1) turns; order int64 [B, 4], the order in which the four are applied; gray bool [B].
    """
    factors = np.concatenate([0.6 + 0.8 * u[:, 1:4], -0.1 + 0.2 * u[:, 4:5]], axis=1)
    return {
        "jitter": u[:, 0] < 0.8,
        "factors": factors.astype(np.float32),
        "order": u[:, 5:9].argsort(axis=1),
        "gray": u[:, 9] < 0.2,
    }


def apply_color(images: Tensor, parameters: Parameters, context: Context) -> Tensor:
    """Jitter where ``jitter``, then grayscale where ``gray``."""
    from loocbench.views import color

    return color.jitter_and_gray(images, parameters)


COLOR = Augmentation(
    name="color",
    title="Color jitter",
    stream=3,
    uniforms=10,
    draw=draw_color,
    apply=apply_color,
    usual=True,
    has_space=True,
)
