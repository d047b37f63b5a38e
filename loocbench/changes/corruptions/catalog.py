"""All corruptions that can be made here, by name.

Source: Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
ICLR 2019; definitions and constants are those of the code that made ImageNet-C (hendrycks/robustness). Three things
differ from its files:

- Random numbers are this project's, so an image is corrupted in the same manner, but not by the same noise.
- ImageNet-C was stored as JPEG of quality 85, after the corruption. Here nothing comes after it.
- Frost is missing: it blends in photographs that are not ours to ship.

For images of other sizes than 224 px, lengths (radii, standard deviations, displacements) scale with the size. The
smaller the image, the less of a blur is left: below about 64 px the weakest severities may change little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loocbench import philox
from loocbench.changes.corruptions import blur, digital, noise, weather
from loocbench.changes.corruptions.pixels import Bytes, Floats
from loocbench.changes.names import CORRUPTIONS, MADE
from loocbench.errors import UserError, unknown

SEVERITIES = range(1, 6)
SMALLEST = 16  # pixels of a side; a smaller image has no room for a corruption's shape

_MAJOR = 0x434F5252  # far from any epoch, so that no view's random numbers are met again


@dataclass(frozen=True)
class _Corruption:
    """stream: its own line of random numbers, never reused. uniforms: how many numbers an image takes, by size and
    severity. change(image uint8 [3, S, S], severity, u [uniforms]) -> image."""

    stream: int
    uniforms: Callable[[int, int], int]
    change: Callable[[Bytes, int, Floats], Bytes]


def _every_value(size: int, severity: int) -> int:
    return 3 * size**2


def _constant(count: int) -> Callable[[int, int], int]:
    return lambda size, severity: count


_BY_NAME = {
    "gaussian_noise": _Corruption(0, _every_value, noise.gaussian_noise),
    "shot_noise": _Corruption(1, _every_value, noise.shot_noise),
    "impulse_noise": _Corruption(2, _every_value, noise.impulse_noise),
    "defocus_blur": _Corruption(3, _constant(0), blur.defocus_blur),
    "glass_blur": _Corruption(4, blur.glass_uniforms, blur.glass_blur),
    "motion_blur": _Corruption(5, _constant(1), blur.motion_blur),
    "zoom_blur": _Corruption(6, _constant(0), blur.zoom_blur),
    "snow": _Corruption(7, _constant(weather.SNOW_UNIFORMS), weather.snow),
    "fog": _Corruption(9, _constant(weather.FOG_UNIFORMS), weather.fog),
    "brightness": _Corruption(10, _constant(0), weather.brightness),
    "contrast": _Corruption(11, _constant(0), digital.contrast),
    "elastic_transform": _Corruption(12, digital.elastic_uniforms, digital.elastic_transform),
    "pixelate": _Corruption(13, _constant(0), digital.pixelate),
    "jpeg_compression": _Corruption(14, _constant(0), digital.jpeg_compression),
}


def corrupt(images: Tensor, name: str, severity: int, *, seed: int, rows: Sequence[int]) -> Tensor:
    """The images after one corruption: uint8 [B, 3, S, S] on their device, square, S >= 16.

    An image's random numbers depend on (seed, its row, name, severity, S) alone. rows: the images' positions in their
    data set [B], 0 .. 2^32 - 1; seed: 0 .. 2^64 - 1. One image is in work at a time.

    Raises UserError: no such corruption or severity, or the images are too small. ValueError: images of another shape
    or dtype, or another number of rows.
    """
    corruption = _named(name)
    if severity not in SEVERITIES:
        raise UserError(f"severity {severity} of '{name}' does not exist. Available: 1, 2, 3, 4, 5.")
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3]:
        raise ValueError(f"images must be uint8 [B, 3, S, S], not {images.dtype} {list(images.shape)}")
    if len(rows) != len(images):
        raise ValueError(f"{len(images)} images have {len(rows)} rows")
    size = images.shape[-1]
    if size < SMALLEST:
        raise UserError(f"images of {size} px are too small for '{name}'. Take {SMALLEST} px or more.")
    before, after = images.cpu().numpy(), np.empty(tuple(images.shape), dtype=np.uint8)
    count, minor = corruption.uniforms(size, severity), corruption.stream << 8 | severity
    for position, row in enumerate(rows):
        u = philox.uniforms(seed, [row], major=_MAJOR, minor=minor, count=count)[0]
        after[position] = corruption.change(before[position], severity, u)
    return torch.from_numpy(after).to(images.device)


def _named(name: str) -> _Corruption:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if any(name in names for names in CORRUPTIONS.values()):
        raise UserError(f"'{name}' needs photographs that are not part of loocbench. Available: {', '.join(MADE)}.")
    raise unknown("corruption", name, MADE)
