"""Horizontal flip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loocbench.views.augmentations.augmentation import Augmentation, Context, Drawn, Parameters, Sizes, Uniforms

if TYPE_CHECKING:
    from torch import Tensor


def draw_flip(u: Uniforms, sizes: Sizes) -> Drawn:
    """Horizontal flip with p 0.5. Returns flip bool [B]."""
    return {"flip": u[:, 0] < 0.5}


def apply_flip(images: Tensor, parameters: Parameters, context: Context) -> Tensor:
    """Mirror left to right where ``flip``."""
    from loocbench.views import geometry

    return geometry.flip(images, parameters["flip"])


FLIP = Augmentation(name="flip", title="Flip", stream=1, uniforms=1, draw=draw_flip, apply=apply_flip, always=True)
