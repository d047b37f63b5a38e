"""Crop, flip and quarter turns of a batch, each image with its own parameters. Pure; any device."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.views.row_selection import change_rows, true_rows


def crop_resize(images: Tensor, box: Tensor, size: int) -> Tensor:
    """Crop each image to its box and resize it to size x size: bilinear, antialiased.

    images: [B, 3, H, W], float in [0, 1] or uint8; box: int64 [B, 4] (top, left, height, width) within each image.
    Returns float [B, 3, size, size] in [0, 1]. Equal to torchvision's ``resized_crop(..., antialias=True)``; of uint8
    images a CPU makes uint8 ones first, as Pillow and torchvision do, and a GPU does not round. Pixels outside the box
    are never read, or have weight zero: padding of smaller images never shows.
    """
    resize = _one_by_one if images.device.type == "cpu" else resample
    resized = resize(images, box, size)
    return resized if images.is_floating_point() else resized.float().mul_(1 / 255)


def _one_by_one(images: Tensor, box: Tensor, size: int) -> Tensor:
    """Crop and resize on a CPU: the sparse filter, image by image."""
    resized = []
    for image, (top, left, height, width) in zip(images, box.tolist(), strict=True):
        crop = image[None, :, top : top + height, left : left + width]
        crop = crop.contiguous() if crop.is_floating_point() else crop  # uint8 is fastest with channels last
        resized.append(F.interpolate(crop, (size, size), mode="bilinear", antialias=True).contiguous())
    return resized[0] if len(resized) == 1 else torch.cat(resized)


def resample(images: Tensor, box: Tensor, size: int) -> Tensor:
    """Crop and resize on a GPU: linear and separable, so it is a product with one weight matrix per side."""
    floats = images if images.is_floating_point() else images.float()
    box = box.to(images.device, non_blocking=True)
    rows = _weights(box[:, 0], box[:, 2], images.shape[2], size).to(floats)
    columns = _weights(box[:, 1], box[:, 3], images.shape[3], size).to(floats)
    return rows[:, None] @ (floats @ columns.transpose(1, 2)[:, None])


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
    return change_rows(images, true_rows(where), lambda x: x.flip(3))


def quarter_turns(images: Tensor, turns: Tensor) -> Tensor:
    """Turn each square image by ``turns`` (int64 [B]) quarter turns anticlockwise. Exact index moves."""
    chosen = (turns % 4).tolist()
    for k in (1, 2, 3):
        images = change_rows(
            images, [row for row, turn in enumerate(chosen) if turn == k], lambda x, k=k: torch.rot90(x, k, (2, 3))
        )
    return images
