"""What an augmentation says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Uniforms = npt.NDArray[np.float64]
Sizes = npt.NDArray[np.int64]
Drawn = dict[str, npt.NDArray[Any]]  # parameters as they are drawn, one row per image
Parameters = dict[str, "Tensor"]  # the same as tensors, as they are applied


class Context(NamedTuple):
    """What an application may need besides images and parameters.

    image_size: of the views, in pixels. stylised: stylised copies of the images, uint8 [B, 3, H, W], if there are any.
    """

    image_size: int
    stylised: Tensor | None = None


@dataclass(frozen=True)
class Augmentation:
    """One augmentation, as a unit that views can share.

    name: in recipes and on the command line. title: in the names of models ("MoCo + Rotation"). stream: number of its
    own stream of random numbers, 0 .. 255, never reused. uniforms: how many numbers a draw takes.

    draw(u [B, uniforms] in (0, 1), sizes int64 [B, 2]) -> parameters, one row per image.
    apply(images [B, 3, H, W], parameters, context) -> images [B, 3, h, w]; float in [0, 1], on any device.

    always: part of every view, not listed in recipes. usual: listed in a recipe unless it says otherwise; a model's
    name then says where it is missing. has_space: it can be left out, with an embedding space of its own.
    variant: where several augmentations have one name, the value of ``Recipe.texture`` that chooses this one.
    takes_bytes: ``apply`` takes uint8 images; all others get floats.
    """

    name: str
    title: str
    stream: int
    uniforms: int
    draw: Callable[[Uniforms, Sizes], Drawn]
    apply: Callable[[Tensor, Parameters, Context], Tensor]
    always: bool = False
    usual: bool = False
    has_space: bool = False
    variant: str = ""
    takes_bytes: bool = False
