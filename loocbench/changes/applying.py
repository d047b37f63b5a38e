"""Applies a change to square crops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from loocbench import philox
from loocbench.changes.ranges import NONE, get_range
from loocbench.types import UNCHANGED, Change

VERSION = 1  # raise it when the same change gives other pixels: part of cache keys and rows
_STRENGTH, _CROP, _FLIP = 0, 2, 3  # streams of random numbers; ``operations`` uses 1
_SMALLEST_VIEW = 0.5  # share of the image's area in a random view: large enough to keep the object in it


def draw_strengths(change: Change, rows: Sequence[int]) -> npt.NDArray[np.float64]:
    """The strength for each image, float64 [len(rows)]: the change's own, or drawn from its range.

    rows: the images' positions in their split.
    """
    if not change.drawn:
        return np.full(len(rows), change.strength)
    over = get_range(change.name)
    u = philox.uniforms(change.seed, rows, major=change.view, minor=_STRENGTH, count=1)[:, 0]
    if over.classes:
        return np.asarray(over.classes, dtype=np.float64)[np.floor(u * len(over.classes)).astype(int)]
    return over.low + (over.high - over.low) * u


def apply_change(crops: Tensor, change: Change, rows: Sequence[int]) -> Tensor:
    """Apply a change to square crops uint8 [B, 3, S, S]; returns the same shape and dtype.

    rows: the images' positions in their split [B]. The result for an image depends on (change, row, image) alone.
    Raises UserError for an unknown change.
    """
    if change == UNCHANGED:
        return crops
    if change.name == "rotation" and not change.drawn and not change.view:  # exact, without conversion to float
        return torch.rot90(crops, round(change.strength / 90), (2, 3))
    images = crops.contiguous().float().div_(255)
    if change.view:
        images = _draw_view(images, change, rows)
    if change.name != NONE:
        from loocbench.changes.operations import OPERATIONS

        get_range(change.name)
        wanted = torch.from_numpy(draw_strengths(change, rows)).float()
        images = OPERATIONS[change.name](images, wanted, change.seed, rows)
    return images.mul(255).round_().clamp_(0, 255).byte()


def _draw_view(images: Tensor, change: Change, rows: Sequence[int]) -> Tensor:
    """A random resized crop of each image, flipped with probability 0.5."""
    from loocbench.views import geometry
    from loocbench.views.augmentations.crop import UNIFORMS, draw_crop
    from loocbench.views.augmentations.flip import draw_flip

    size = images.shape[-1]
    sizes = np.full((len(rows), 2), size)
    crop, flip = (
        philox.uniforms(change.seed, rows, major=change.view, minor=stream, count=count)
        for stream, count in ((_CROP, UNIFORMS), (_FLIP, 1))
    )
    box = torch.from_numpy(draw_crop(crop, sizes, smallest=_SMALLEST_VIEW)["box"])
    mirrored = torch.from_numpy(draw_flip(flip, sizes)["flip"])
    return geometry.flip(geometry.crop_resize(images, box, size), mirrored)
