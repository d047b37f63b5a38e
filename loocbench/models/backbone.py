"""What a backbone of a plug-in declares. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import nn


class BackboneParts(NamedTuple):
    """A backbone in two parts.

    trunk: images [N, 3, H, W] -> feature maps. build_last_stage() returns a freshly initialised last stage: feature
    maps -> [N, dim, h, w], or [N, dim] if it pools them itself. trunk_stages: names of the trunk's children, which run
    one after another, that end a stage; none where stages are not to be read.
    """

    trunk: nn.Module
    build_last_stage: Callable[[], nn.Module]
    dim: int
    trunk_stages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Backbone:
    """A backbone by name. build() returns its parts, freshly initialised from torch's global generator.

    image_size: in pixels, where the user names none.
    """

    name: str
    build: Callable[[], BackboneParts]
    image_size: int = 224


ADDED: dict[str, Backbone] = {}  # those of plug-ins
