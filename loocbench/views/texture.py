"""Texture randomisation by random convolutions: shapes stay, local texture changes, no weights are needed.

Source: Xu et al. 2021, "Robust and Generalizable Visual Representation Learning via Random Convolutions". LooC's own
recipe is not known; the paper speaks of stylised images. This is the project's default in their place.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import ndtri
from torch import Tensor
from torch.nn import functional as F

from loocbench.views.chosen import change_rows, true_rows

KERNELS = (1, 3, 5, 7)
UNIFORMS = 3 + 9 * KERNELS[-1] ** 2


def draw_random_convolution(u: npt.NDArray[np.float64], sizes: npt.NDArray[np.int64]) -> dict[str, Tensor]:
    """With p 0.5 a random kernel. Returns size int64 [B]: 1, 3, 5 or 7, 0 for none; mix float [B] in (0, 1), the share
    of the image that stays; weights float [B, 3, 3, 7, 7], normal with variance 1 / (3 size^2), of which the first
    size x size are used."""
    size = np.where(u[:, 0] < 0.5, np.asarray(KERNELS)[(u[:, 1] * len(KERNELS)).astype(int)], 0)
    normal = ndtri(u[:, 3:UNIFORMS]).reshape(-1, 3, 3, KERNELS[-1], KERNELS[-1])
    weights = normal / np.sqrt(3 * np.maximum(size, 1) ** 2)[:, None, None, None, None]
    return {
        "size": torch.from_numpy(size.astype(np.int64)),
        "mix": torch.from_numpy(u[:, 2].astype(np.float32)),
        "weights": torch.from_numpy(weights.astype(np.float32)),
    }


def random_convolution(images: Tensor, parameters: dict[str, Tensor]) -> Tensor:
    """Filter each image [3, H, W] in [0, 1] by its own kernel, and mix: mix * x + (1 - mix) * (x filtered).

    The paper filters normalised images and lets values run. Here grey 0.5 stands for their zero, the result is clamped
    to [0, 1] for the color operations that follow, and borders are reflected, so that no frame tells the kernel.
    """
    for size in KERNELS:
        kernel = parameters["weights"][..., :size, :size]
        images = change_rows(images, true_rows(parameters["size"] == size), _convolve, kernel, parameters["mix"])
    return images


def _convolve(images: Tensor, kernel: Tensor, mix: Tensor) -> Tensor:
    """Images [B, 3, H, W], kernels [B, 3, 3, size, size], mix [B]."""
    centered = images - 0.5
    count, _, height, width = centered.shape
    size = kernel.shape[-1]
    padded = F.pad(centered, [size // 2] * 4, mode="reflect") if size > 1 else centered
    filtered = F.conv2d(
        padded.reshape(1, 3 * count, *padded.shape[2:]), kernel.reshape(3 * count, 3, size, size), groups=count
    )
    mixed = torch.lerp(filtered.reshape(count, 3, height, width), centered, mix[:, None, None, None])
    return mixed.add_(0.5).clamp_(0, 1)


def draw_stylised(u: npt.NDArray[np.float64], sizes: npt.NDArray[np.int64]) -> dict[str, Tensor]:
    """With p 0.5 the stylised copy in place of the image. Returns stylised bool [B]."""
    return {"stylised": torch.from_numpy(u[:, 0] < 0.5)}
