"""What each change does: pure, batched operations, pretraining's own where there is one.

All take images float [B, 3, S, S] in [0, 1], a strength an image float [B], and a seed and the images' places in their
split for what is random besides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from loocbench import philox
from loocbench.changes.corruptions import catalog
from loocbench.changes.names import MADE
from loocbench.changes.ranges import AUGMENTATIONS, CORRUPTION
from loocbench.views import color, convolution, geometry
from loocbench.views.augmentations.random_convolution import UNIFORMS, draw_random_convolution

Operation = Callable[[Tensor, Tensor, int, Sequence[int]], Tensor]

KERNEL_STREAM = 1  # of random numbers; the others are ``applying``'s
_BLUR_REACH = 3  # sigmas


def _with_factor(operation: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    return lambda images, factor, seed, rows: operation(images, factor)


def _hue(images: Tensor, degrees: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    return color.hue(images, degrees / 360)


def _turn(images: Tensor, degrees: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    return geometry.quarter_turns(images, (degrees / 90).round().long())


def _flip(images: Tensor, mirrored: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    return geometry.flip(images, mirrored > 0)


def _zoom(images: Tensor, share: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    """The central square whose side is ``share`` of the image's, resized to the image's size."""
    side = images.shape[-1]
    kept = (side * share).round().clamp(1, side).long()
    start = (side - kept) // 2
    return geometry.crop_resize(images, torch.stack([start, start, kept, kept], dim=1), side)


def _blur(images: Tensor, sigma: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    # Given for 224 px and scaled with the image, as in pretraining's views.
    scale = images.shape[-1] / 224
    return color.blur(images, sigma * scale, math.ceil(_BLUR_REACH * AUGMENTATIONS["blur"].high * scale))


def _texture(images: Tensor, share: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    """Random convolution with a kernel an image (see ``views.convolution``), of which ``share`` is mixed in."""
    u = philox.uniforms(seed, rows, major=0, minor=KERNEL_STREAM, count=UNIFORMS)
    u[:, 0] = 0  # that is: always, not with p 0.5
    drawn = draw_random_convolution(u, u[:, :2].astype(int))
    size, weights = torch.from_numpy(drawn["size"]), torch.from_numpy(drawn["weights"])
    return convolution.filter_and_mix(images, size, weights, 1 - share)


def _corrupt(name: str, images: Tensor, severity: Tensor, seed: int, rows: Sequence[int]) -> Tensor:
    """The benchmark's corruptions are of bytes; severity 0 is none."""
    out = images.mul(255).round().byte()
    for level in sorted({int(value) for value in severity.tolist()} - {0}):
        chosen = (severity == level).nonzero().flatten()
        places = [rows[position] for position in chosen.tolist()]
        out[chosen] = catalog.corrupt(out[chosen], name, level, seed=seed, rows=places)
    return out.float().div_(255)


OPERATIONS: dict[str, Operation] = {
    "hue": _hue,
    "saturation": _with_factor(color.saturation),
    "brightness": _with_factor(color.brightness),
    "contrast": _with_factor(color.contrast),
    "rotation": _turn,
    "flip": _flip,
    "zoom": _zoom,
    "blur": _blur,
    "texture": _texture,
    **{f"{CORRUPTION}{name}": partial(_corrupt, name) for name in MADE},
}
