"""Rotation by quarter turns. It follows the square crop, so that no corner needs filling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loocbench.views.augmentations.augmentation import Augmentation, Context, Drawn, Parameters, Sizes, Uniforms

if TYPE_CHECKING:
    from torch import Tensor


def draw_rotation(u: Uniforms, sizes: Sizes) -> Drawn:
    """With p 0.5 one of 90, 180, 270 degrees, else none. Returns turns int64 [B]: anticlockwise, 0 .. 3."""
    return {"turns": np.where(u[:, 0] < 0.5, 1 + np.floor(u[:, 1] * 3), 0).astype(np.int64)}


def apply_rotation(images: Tensor, parameters: Parameters, context: Context) -> Tensor:
    """Turn each square image by its ``turns``."""
    from loocbench.views import geometry

    return geometry.quarter_turns(images, parameters["turns"])


ROTATION = Augmentation(
    name="rotation",
    title="Rotation",
    stream=2,
    uniforms=2,
    draw=draw_rotation,
    apply=apply_rotation,
    has_space=True,
)
