"""Filtering each image of a batch by a kernel of its own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.views.row_selection import change_rows, true_rows


def filter_and_mix(images: Tensor, size: Tensor, weights: Tensor, mix: Tensor) -> Tensor:
    """Filter each image [3, H, W] in [0, 1] by its own kernel, and mix: mix * x + (1 - mix) * (x filtered).

    size int64 [B]: of the kernels, odd; 0 leaves the image as it is. weights float [B, 3, 3, S, S], of which the first
    size x size are used. mix float [B] in (0, 1).

    Xu et al. 2021 filter normalised images and do not clamp. Here grey 0.5 stands for their zero, the result is
    clamped to [0, 1] for the color operations that follow, and borders are reflected, so that no frame tells the
    kernel.
    """
    for side in range(1, weights.shape[-1] + 1, 2):
        kernel = weights[..., :side, :side]
        images = change_rows(images, true_rows(size == side), _convolve, kernel, mix)
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
