"""The operation of each change: pure and batched; the one that pretraining uses, where there is one.

All take images float [B, 3, S, S] in [0, 1], one strength per image, float [B], and a seed and the images' positions in
their split, for further random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from loocbench import philox
from loocbench.changes.corruptions import catalog
from loocbench.changes.names import AVAILABLE
from loocbench.changes.ranges import AUGMENTATIONS, CORRUPTION
from loocbench.views import color, convolution, geometry
from loocbench.views.augmentations.random_convolution import UNIFORMS, draw_random_convolution

Operation = Callable[[Tensor, Tensor, int, Sequence[int]], Tensor]

KERNEL_STREAM = 1  # of random numbers; ``applying`` uses the others
_BLUR_REACH = 3  # sigmas


def _without_seed(operation: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    """Drop the seed and the rows, which ``operation`` does not need."""
    return lambda images, factor, seed, rows: operation(images, factor)


def _shift_hue(images: Tensor, degrees: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    return color.hue(images, degrees / 360)


def _rotate(images: Tensor, degrees: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    return geometry.quarter_turns(images, (degrees / 90).round().long())


def _flip(images: Tensor, mirrored: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    return geometry.flip(images, mirrored > 0)


def _zoom(images: Tensor, share: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    """Crop the central square whose side is ``share`` of the image's, and resize it to the image's size."""
    side = images.shape[-1]
    kept = (side * share).round().clamp(1, side).long()
    start = (side - kept) // 2
    return geometry.crop_resize(images, torch.stack([start, start, kept, kept], dim=1), side)


def _blur(images: Tensor, sigma: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    # sigma is given for 224 px and scales with the image, as in pretraining's views.
    scale = images.shape[-1] / 224
    return color.blur(images, sigma * scale, math.ceil(_BLUR_REACH * AUGMENTATIONS["blur"].high * scale))


def _convolve(images: Tensor, share: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    """Mix ``share`` of a random convolution into each image, with one kernel per image (see ``views.convolution``)."""
    u = philox.uniforms(seed, rows, major=0, minor=KERNEL_STREAM, count=UNIFORMS)
    u[:, 0] = 0  # always applied, not with probability 0.5
    drawn = draw_random_convolution(u, u[:, :2].astype(int))
    size, weights = torch.from_numpy(drawn["size"]), torch.from_numpy(drawn["weights"])
    return convolution.filter_and_mix(images, size, weights, 1 - share)


def _corrupt(name: str, images: Tensor, severity: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    """Apply a corruption, which is defined on uint8 images, at each image's severity; 0 leaves it unchanged."""
    out = images.mul(255).round().byte()
    for level in sorted({int(value) for value in severity.tolist()} - {0}):
        chosen = (severity == level).nonzero().flatten()
        places = [rows[position] for position in chosen.tolist()]
        out[chosen] = catalog.corrupt_images(out[chosen], name, level, seed=seed, rows=places)
    return out.float().div_(255)


OPERATIONS: dict[str, Operation] = {
    "hue": _shift_hue,
    "saturation": _without_seed(color.saturation),
    "brightness": _without_seed(color.brightness),
    "contrast": _without_seed(color.contrast),
    "rotation": _rotate,
    "flip": _flip,
    "zoom": _zoom,
    "blur": _blur,
    "texture": _convolve,
    **{f"{CORRUPTION}{name}": partial(_corrupt, name) for name in AVAILABLE},
}
