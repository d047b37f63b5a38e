"""Texture randomised by random convolutions: shapes stay, local texture changes, no weights are needed.

Source: Xu et al. 2021, "Robust and Generalizable Visual Representation Learning via Random Convolutions". LooC's own
recipe is not known; the paper speaks of stylised images. This is the project's default in their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from loocbench.views.augmentations.augmentation import Augmentation, Context, Drawn, Parameters, Sizes, Uniforms

if TYPE_CHECKING:
    from torch import Tensor

KERNELS = (1, 3, 5, 7)
UNIFORMS = 3 + 9 * KERNELS[-1] ** 2


def draw_random_convolution(u: Uniforms, sizes: Sizes) -> Drawn:
    """With p 0.5 a random kernel. Returns size int64 [B]: 1, 3, 5 or 7, 0 for none; mix float32 [B] in (0, 1), the
    share of the image that stays; weights float32 [B, 3, 3, 7, 7], normal with variance 1 / (3 size^2), of which the
    first size x size are used."""
    from scipy.special import ndtri

    size = np.where(u[:, 0] < 0.5, np.asarray(KERNELS)[(u[:, 1] * len(KERNELS)).astype(int)], 0)
    normal = ndtri(u[:, 3:UNIFORMS]).reshape(-1, 3, 3, KERNELS[-1], KERNELS[-1])
    weights = normal / np.sqrt(3 * np.maximum(size, 1) ** 2)[:, None, None, None, None]
    return {"size": size.astype(np.int64), "mix": u[:, 2].astype(np.float32), "weights": weights.astype(np.float32)}


def apply_random_convolution(images: Tensor, parameters: Parameters, context: Context) -> Tensor:
    """Filter each image by its own kernel and mix it with the image."""
    from loocbench.views import convolution

    return convolution.filter_and_mix(images, parameters["size"], parameters["weights"], parameters["mix"])


RANDOM_CONVOLUTION = Augmentation(
    name="texture",
    title="Texture",
    stream=5,
    uniforms=UNIFORMS,
    draw=draw_random_convolution,
    apply=apply_random_convolution,
    has_space=True,
    variant="random-convolution",
)
