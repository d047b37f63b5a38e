"""Changing some images of a batch and leaving the others as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def change_rows(images: Tensor, rows: Sequence[int], change: Callable[..., Tensor], *parameters: Tensor) -> Tensor:
    """``change(images, *parameters)`` on the images at ``rows``; the input is kept.

    Only those rows are worked on, and their parameters [B, ...] moved to their device. Rows are plain numbers, chosen
    on the CPU, so that a GPU need not be waited for.
    """
    if not rows:
        return images
    if len(rows) == len(images):
        return change(images, *(p.to(images.device, images.dtype, non_blocking=True) for p in parameters))
    own = (p[rows].to(images.device, images.dtype, non_blocking=True) for p in parameters)
    index = torch.tensor(rows).to(images.device, non_blocking=True)
    return images.index_copy(0, index, change(images[index], *own))


def true_rows(where: Tensor) -> list[int]:
    """The rows at which ``where`` (bool [B]) is true."""
    return [row for row, here in enumerate(where.tolist()) if here]
