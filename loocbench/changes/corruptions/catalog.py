"""The corruptions by name, and applying one to a batch of images.

Source: Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
ICLR 2019; definitions and constants are those of the code that made ImageNet-C (hendrycks/robustness). Three things
differ from its files:

- Random numbers are this project's: an image is corrupted in the same way, but not with the same noise.
- ImageNet-C was stored as JPEG of quality 85 after the corruption. Here nothing follows it.
- Frost is missing: it blends in photographs that this project may not distribute.

For images of other sizes than 224 px, lengths (radii, standard deviations, displacements) scale with the size. The
smaller the image, the weaker a blur: below about 64 px the weakest severities may change little.
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
from loocbench.changes.names import AVAILABLE, CORRUPTIONS
from loocbench.errors import UserError, unknown

SEVERITIES = range(1, 6)
SMALLEST = 16  # pixels per side; smaller images cannot hold the shapes of some corruptions

_MAJOR = 0x434F5252  # far from any epoch, so that no view uses the same random numbers


@dataclass(frozen=True)
class _Corruption:
    """One corruption.

    stream: of its random numbers; never reused. uniforms(size, severity): how many random numbers one image takes.
    change(image uint8 [3, S, S], severity, u [uniforms]): the corrupted image.
    """

    stream: int
    uniforms: Callable[[int, int], int]
    change: Callable[[Bytes, int, Floats], Bytes]


def _count_values(size: int, severity: int) -> int:
    return 3 * size**2


def _always(count: int) -> Callable[[int, int], int]:
    return lambda size, severity: count


_BY_NAME = {
    "gaussian_noise": _Corruption(0, _count_values, noise.gaussian_noise),
    "shot_noise": _Corruption(1, _count_values, noise.shot_noise),
    "impulse_noise": _Corruption(2, _count_values, noise.impulse_noise),
    "defocus_blur": _Corruption(3, _always(0), blur.defocus_blur),
    "glass_blur": _Corruption(4, blur.count_glass_uniforms, blur.glass_blur),
    "motion_blur": _Corruption(5, _always(1), blur.motion_blur),
    "zoom_blur": _Corruption(6, _always(0), blur.zoom_blur),
    "snow": _Corruption(7, _always(weather.SNOW_UNIFORMS), weather.snow),
    "fog": _Corruption(9, _always(weather.FOG_UNIFORMS), weather.fog),
    "brightness": _Corruption(10, _always(0), weather.brightness),
    "contrast": _Corruption(11, _always(0), digital.contrast),
    "elastic_transform": _Corruption(12, digital.count_elastic_uniforms, digital.elastic_transform),
    "pixelate": _Corruption(13, _always(0), digital.pixelate),
    "jpeg_compression": _Corruption(14, _always(0), digital.jpeg_compression),
}


def corrupt_images(images: Tensor, name: str, severity: int, *, seed: int, rows: Sequence[int]) -> Tensor:
    """Apply one corruption to square images uint8 [B, 3, S, S], S >= 16. Returns the same shape, dtype and device.

    rows: the images' positions in their data set [B], 0 .. 2^32 - 1. seed: 0 .. 2^64 - 1. An image's random numbers
    depend on (seed, its row, name, severity, S) alone. Images are processed one by one, on the CPU.

    Raises UserError for an unknown corruption or severity and for images that are too small; ValueError for another
    shape or dtype, or another number of rows.
    """
    corruption = _find_corruption(name)
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


def _find_corruption(name: str) -> _Corruption:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if any(name in names for names in CORRUPTIONS.values()):
        raise UserError(
            f"'{name}' needs photographs that are not part of loocbench. Available: {', '.join(AVAILABLE)}."
        )
    raise unknown("corruption", name, AVAILABLE)
