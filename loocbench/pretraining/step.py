"""What training a method consists of: its networks, its optimiser, and one step on a batch of views."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from loocbench.models.network import Network
from loocbench.pretraining.grouped_optimizer import GroupedOptimizer
from loocbench.pretraining.layout import Layout, Share
from loocbench.pretraining.recipes import find_method
from loocbench.ranks import Ranks
from loocbench.types import Recipe

_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Training(Protocol):
    """The state of a run, and how a batch changes it.

    losses: what each entry of a step's result is the loss of. chance_losses: theirs if nothing was learned.
    """

    network: Network
    optimizer: GroupedOptimizer
    layout: Layout
    losses: tuple[str, ...]
    chance_losses: tuple[float, ...]

    def step(self, share: Share, queries: Tensor, keys: Tensor, labels: Tensor) -> Tensor:
        """Learn from one batch, of which this process has a share of b queries and b keys.

        queries: normalised views q [b, 3, H, W] at ``share.query_rows``. keys: k_0 ... k_n [V - 1, b, 3, H, W] at
        ``share.key_rows``. labels: int64 [b] of the queries. Returns the batch's losses, detached.
        """

    def compile(self) -> None:
        """Compile the networks with torch.compile."""

    def modules(self) -> dict[str, nn.Module]:
        """Everything that has a state besides the optimiser, by name."""

    def diagnostics(self) -> dict[str, dict[str, float]]:
        """Signs of collapse after a step: alignment and uniformity, each by space."""


def start_training(recipe: Recipe, device: torch.device, *, classes: int = 0, ranks: Ranks | None = None) -> Training:
    """The recipe's method at the beginning of a run. classes: of the labels, where it needs them. ranks: the run's
    processes, if there are several."""
    return find_method(recipe.method).start_training(recipe, device, classes=classes, ranks=ranks or Ranks())


def autocast(recipe: Recipe, device: torch.device) -> torch.autocast:
    """The recipe's precision for what the networks compute; losses and queues stay in float32."""
    return torch.autocast(device.type, _PRECISIONS[recipe.precision], enabled=recipe.precision != "float32")
