"""Drawn parameters of a batch's views as arrays, which compiled code takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from loocbench.views.augmentations.augmentation import Augmentation, Parameters
from loocbench.views.augmentations.blur import BLUR, scale_from_224
from loocbench.views.augmentations.color import COLOR
from loocbench.views.augmentations.crop import CROP
from loocbench.views.augmentations.flip import FLIP
from loocbench.views.augmentations.rotation import ROTATION
from loocbench.views.augmentations.stylised import STYLISED

FUSED = (STYLISED, CROP, FLIP, ROTATION, COLOR, BLUR)  # in the order in which the pass applies them


class Plan(NamedTuple):
    """What is done to each image [B] in each view [V]; see the draws in ``loocbench.views.augmentations``.

    stylised: whether the copy is taken. box: top, left, height, width. sigma: in pixels of the view; 0 for no blur.
    """

    stylised: npt.NDArray[np.bool_]  # [V, B]
    box: npt.NDArray[np.int64]  # [V, B, 4]
    flip: npt.NDArray[np.bool_]  # [V, B]
    turns: npt.NDArray[np.int64]  # [V, B]
    jitter: npt.NDArray[np.bool_]  # [V, B]
    order: npt.NDArray[np.int64]  # [V, B, 4]
    factors: npt.NDArray[np.float32]  # [V, B, 4]
    gray: npt.NDArray[np.bool_]  # [V, B]
    sigma: npt.NDArray[np.float32]  # [V, B]


def is_fused(augmentations: Sequence[Augmentation]) -> bool:
    """Whether the compiled pass can make views of these augmentations: a crop, and none but those in ``FUSED``."""
    order = [FUSED.index(one) if one in FUSED else -1 for one in augmentations]
    return CROP in augmentations and -1 not in order and order == sorted(order)


def make_plan(views: Sequence[dict[str, Parameters]], image_size: int) -> Plan:
    """The plan of views whose parameters were drawn; where an augmentation is not among them, it does nothing."""
    count, batch = len(views), len(views[0][CROP.name]["box"])

    def stack(augmentation: Augmentation, field: str, *shape: int, dtype: type) -> npt.NDArray[Any]:
        if augmentation.name not in views[0]:
            return np.zeros((count, batch, *shape), dtype)
        stacked: npt.NDArray[Any] = torch.stack([view[augmentation.name][field] for view in views]).numpy()
        return stacked.astype(dtype, copy=False)

    return Plan(
        stylised=stack(STYLISED, "stylised", dtype=np.bool_),
        box=stack(CROP, "box", 4, dtype=np.int64),
        flip=stack(FLIP, "flip", dtype=np.bool_),
        turns=stack(ROTATION, "turns", dtype=np.int64) % 4,
        jitter=stack(COLOR, "jitter", dtype=np.bool_),
        order=stack(COLOR, "order", 4, dtype=np.int64),
        factors=stack(COLOR, "factors", 4, dtype=np.float32),
        gray=stack(COLOR, "gray", dtype=np.bool_),
        sigma=stack(BLUR, "sigma", dtype=np.float32) * np.float32(scale_from_224(image_size)),
    )
