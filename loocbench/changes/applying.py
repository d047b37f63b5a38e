"""Applying a change to square crops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from loocbench import philox
from loocbench.changes.operations import OPERATIONS
from loocbench.changes.ranges import NONE, range_of
from loocbench.types import UNCHANGED, Change
from loocbench.views import geometry
from loocbench.views.augmentations.crop import UNIFORMS, draw_crop
from loocbench.views.augmentations.flip import draw_flip

VERSION = 1  # raise it when the same change gives other pixels
_STRENGTH, _CROP, _FLIP = 0, 2, 3  # streams of random numbers; 1 is a kernel's
_SMALLEST_VIEW = 0.5  # of the image's area, that a random view keeps: what is in the picture stays in it


def strengths(change: Change, rows: Sequence[int]) -> npt.NDArray[np.float64]:
    """Each image's strength [len(rows)]: the change's own, or drawn. rows: the images' places in their split."""
    if not change.drawn:
        return np.full(len(rows), change.strength)
    over = range_of(change.name)
    u = philox.uniforms(change.seed, rows, major=change.view, minor=_STRENGTH, count=1)[:, 0]
    if over.classes:
        return np.asarray(over.classes, dtype=np.float64)[np.floor(u * len(over.classes)).astype(int)]
    return over.low + (over.high - over.low) * u


def apply(crops: Tensor, change: Change, rows: Sequence[int]) -> Tensor:
    """Square crops uint8 [B, 3, S, S], changed; the same shape and type. rows: their places in their split [B].

    An image's result depends on (change, row, image) alone. Raises UserError for an unknown change.
    """
    if change == UNCHANGED:
        return crops
    if change.name == "rotation" and not change.drawn and not change.view:  # exact, without a detour over floats
        return torch.rot90(crops, round(change.strength / 90), (2, 3))
    images = crops.contiguous().float().div_(255)
    if change.view:
        images = _random_view(images, change, rows)
    if change.name != NONE:
        range_of(change.name)
        wanted = torch.from_numpy(strengths(change, rows)).float()
        images = OPERATIONS[change.name](images, wanted, change.seed, rows)
    return images.mul(255).round_().clamp_(0, 255).byte()


def _random_view(images: Tensor, change: Change, rows: Sequence[int]) -> Tensor:
    """A random crop, resized, and mirrored or not."""
    size = images.shape[-1]
    sizes = np.full((len(rows), 2), size)
    crop, flip = (
        philox.uniforms(change.seed, rows, major=change.view, minor=stream, count=count)
        for stream, count in ((_CROP, UNIFORMS), (_FLIP, 1))
    )
    box = torch.from_numpy(draw_crop(crop, sizes, smallest=_SMALLEST_VIEW)["box"])
    mirrored = torch.from_numpy(draw_flip(flip, sizes)["flip"])
    return geometry.flip(geometry.crop_resize(images, box, size), mirrored)
