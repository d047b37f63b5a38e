"""The augmentations of MoCo v2 and LooC: each draws its parameters first, then changes pixels as a pure function.

A draw turns uniform numbers into parameters, one row an image, on the CPU. An application takes float images
[B, 3, H, W] in [0, 1] on any device (the crop uint8 ones too) and the parameters. So "this view shares rotation with
that one" is a statement about rows of parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from loocbench.views import color, geometry
from loocbench.views.texture import UNIFORMS, draw_random_convolution, draw_stylised, random_convolution

Array = npt.NDArray[np.float64]
Parameters = dict[str, Tensor]

CROP_ATTEMPTS = 10


@dataclass(frozen=True)
class Augmentation:
    """One augmentation as a unit that can be shared between views.

    stream: its own line of random numbers, never reused. uniforms: how many numbers a draw takes.
    draw(u [B, uniforms], sizes [B, 2]) -> parameters. apply(images [B, 3, H, W], parameters) -> images.
    """

    name: str
    stream: int
    uniforms: int
    draw: Callable[[Array, npt.NDArray[np.int64]], Parameters]
    apply: Callable[[Tensor, Parameters], Tensor]


def draw_crop(u: Array, sizes: npt.NDArray[np.int64], smallest: float = 0.2) -> Parameters:
    """Random resized crop: area in (smallest, 1) of the image, aspect ratio log-uniform in (3/4, 4/3), whole pixels.

    As torchvision's ``RandomResizedCrop.get_params``: the first of ten attempts that fits, else the largest central
    crop within the ratios. Returns box int64 [B, 4]: top, left, height, width. The default area is MoCo v2's.
    """
    height, width = sizes[:, 0], sizes[:, 1]
    area = (height * width)[:, None] * (smallest + (1 - smallest) * u[:, :CROP_ATTEMPTS])
    ratio = np.exp(math.log(3 / 4) + (math.log(4 / 3) - math.log(3 / 4)) * u[:, CROP_ATTEMPTS : 2 * CROP_ATTEMPTS])
    widths, heights = np.rint(np.sqrt(area * ratio)).astype(int), np.rint(np.sqrt(area / ratio)).astype(int)
    fits = (widths > 0) & (widths <= width[:, None]) & (heights > 0) & (heights <= height[:, None])
    rows, first = np.arange(len(u)), fits.argmax(axis=1)
    fallback_w = np.where(width > 4 / 3 * height, np.rint(height * 4 / 3).astype(int), width)
    fallback_h = np.where(width < 3 / 4 * height, np.rint(width / (3 / 4)).astype(int), height)
    found = fits.any(axis=1)
    w = np.where(found, widths[rows, first], fallback_w)
    h = np.where(found, heights[rows, first], fallback_h)
    top = np.where(found, np.floor(u[:, -2] * (height - h + 1)), (height - h) // 2).astype(np.int64)
    left = np.where(found, np.floor(u[:, -1] * (width - w + 1)), (width - w) // 2).astype(np.int64)
    return {"box": torch.from_numpy(np.stack([top, left, h, w], axis=1).astype(np.int64))}


def draw_flip(u: Array, sizes: npt.NDArray[np.int64]) -> Parameters:
    """Horizontal flip with p 0.5. Returns flip bool [B]."""
    return {"flip": torch.from_numpy(u[:, 0] < 0.5)}


def draw_rotation(u: Array, sizes: npt.NDArray[np.int64]) -> Parameters:
    """With p 0.5 one of 90, 180, 270 degrees, else none. Returns turns int64 [B]: anticlockwise, 0 .. 3."""
    turns = np.where(u[:, 0] < 0.5, 1 + np.floor(u[:, 1] * 3), 0)
    return {"turns": torch.from_numpy(turns.astype(np.int64))}


def draw_color(u: Array, sizes: npt.NDArray[np.int64]) -> Parameters:
    """Color jitter (0.4, 0.4, 0.4, 0.1) with p 0.8 and random grayscale with p 0.2, as one unit.

    Returns jitter bool [B]; factors float [B, 4]: brightness, contrast, saturation in (0.6, 1.4) and hue in
    (-0.1, 0.1) turns; order int64 [B, 4], the order in which the four are applied; gray bool [B].
    """
    factors = np.concatenate([0.6 + 0.8 * u[:, 1:4], -0.1 + 0.2 * u[:, 4:5]], axis=1)
    return {
        "jitter": torch.from_numpy(u[:, 0] < 0.8),
        "factors": torch.from_numpy(factors.astype(np.float32)),
        "order": torch.from_numpy(u[:, 5:9].argsort(axis=1)),
        "gray": torch.from_numpy(u[:, 9] < 0.2),
    }


def draw_blur(u: Array, sizes: npt.NDArray[np.int64]) -> Parameters:
    """Gaussian blur with p 0.5. Returns sigma float [B] in (0.1, 2) pixels of a 224 px view; 0 is no blur."""
    sigma = np.where(u[:, 0] < 0.5, 0.1 + 1.9 * u[:, 1], 0.0)
    return {"sigma": torch.from_numpy(sigma.astype(np.float32))}


def augmentations(image_size: int, texture: str = "") -> tuple[Augmentation, ...]:
    """All augmentations in the order in which they are applied, for views of ``image_size`` pixels.

    The order is MoCo v2's (crop, jitter, grayscale, blur, flip) up to operations that commute; rotation follows the
    square crop, so that no corner needs filling. texture: which randomisation of texture there is, if any; the choice
    of a stylised copy comes before everything (see ``making``), random convolutions before color.
    """
    scale = image_size / 224
    stylised = Augmentation("texture", 6, 1, draw_stylised, lambda x, p: x)
    convolved = Augmentation("texture", 5, UNIFORMS, draw_random_convolution, lambda x, p: random_convolution(x, p))
    return (
        *([stylised] if texture == "stylised" else []),
        Augmentation(
            "crop", 0, 2 * CROP_ATTEMPTS + 2, draw_crop, lambda x, p: geometry.crop_resize(x, p["box"], image_size)
        ),
        Augmentation("flip", 1, 1, draw_flip, lambda x, p: geometry.flip(x, p["flip"])),
        Augmentation("rotation", 2, 2, draw_rotation, lambda x, p: geometry.quarter_turns(x, p["turns"])),
        *([convolved] if texture == "random-convolution" else []),
        Augmentation("color", 3, 10, draw_color, color.jitter_and_gray),
        # Sigma is given for 224 px and scaled with the view, so that a recipe means the same at any resolution
        # (this project's choice; the paper trained at 224 px only). The kernel reaches three of the widest sigmas.
        Augmentation("blur", 4, 2, draw_blur, lambda x, p: color.blur(x, p["sigma"] * scale, math.ceil(6 * scale))),
    )
