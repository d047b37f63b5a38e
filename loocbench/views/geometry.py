"""Crop, flip and quarter turns of a batch, each image with its own parameters. Pure; any device."""

from __future__ import annotations

import torch
from torch import Tensor


def crop_resize(images: Tensor, box: Tensor, size: int) -> Tensor:
    """Crop each image to its box and resize it to size x size: bilinear, antialiased.

    images: float [B, 3, H, W] in [0, 1]; box: int64 [B, 4] (top, left, height, width) within each image.
    Returns float [B, 3, size, size] in [0, 1]. Equal to torchvision's ``resized_crop(..., antialias=True)`` on float
    images. Resampling is linear and separable, so it is a product with one weight matrix a side; pixels outside the
    box have weight zero, which is why padding of smaller images never shows.
    """
    rows = _weights(box[:, 0], box[:, 2], images.shape[2], size).to(images)
    columns = _weights(box[:, 1], box[:, 3], images.shape[3], size).to(images)
    return rows[:, None] @ (images @ columns.transpose(1, 2)[:, None])


def _weights(start: Tensor, length: Tensor, source: int, size: int) -> Tensor:
    """Triangle-filter weights [B, size, source] that resample [start, start + length) to ``size`` samples."""
    start, length = start.double()[:, None, None], length.double()[:, None, None]
    scale = length / size
    support = scale.clamp(min=1)  # antialias: the filter widens when shrinking, never narrows
    center = (torch.arange(size, device=start.device).double()[None, :, None] + 0.5) * scale
    position = torch.arange(source, device=start.device).double()[None, None, :] - start + 0.5
    weights = (1 - (position - center).abs() / support).clamp(min=0)
    weights = weights * ((position > 0) & (position < length))
    return weights / weights.sum(dim=2, keepdim=True)


def flip(images: Tensor, where: Tensor) -> Tensor:
    """Mirror left to right the images where ``where`` (bool [B]) is true. Exact."""
    return torch.where(where[:, None, None, None], images.flip(3), images)


def quarter_turns(images: Tensor, turns: Tensor) -> Tensor:
    """Turn each square image by ``turns`` (int64 [B]) quarter turns anticlockwise. Exact index moves."""
    out = images.clone()
    for k in (1, 2, 3):
        chosen = (turns % 4 == k).nonzero().flatten()
        if len(chosen):
            out[chosen] = torch.rot90(images[chosen], k, (2, 3))
    return out
