"""How a run is kept and watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from loocbench.data.prepared import DeviceImages, PreparedImages
from loocbench.types import Dataset

Hold = Literal["disk", "memory", "device"]  # where the decoded images stay while the network trains
HOLD: dict[Hold, Callable[[PreparedImages, torch.device], PreparedImages | DeviceImages]] = {
    "disk": lambda images, on: images,
    "memory": lambda images, on: images.in_memory(),
    "device": lambda images, on: images.on_device(on),
}


@dataclass(frozen=True)
class RunSettings:
    """How a run is kept and watched. save_minutes: the longest time between two states. knn_every: epochs between two
    looks at held-out images; 0 for none. stylised: the data set's copy in other textures, if the recipe uses one.
    compiled: whether torch.compile makes the networks. tensorboard: whether the log is kept in that form too. again:
    what to tell who stopped it."""

    hold: Hold = "disk"
    save_minutes: float = 10.0
    keep: int = 2
    knn_every: int = 10
    stylised: Dataset | None = None
    compiled: bool = False
    tensorboard: bool = False
    again: str = "Run the command with --resume to go on."
