"""What an evaluator sees: features, labels and crops of a data set's splits. It knows neither networks nor files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from loocbench.solvers.blocks import Blocks
from loocbench.types import Pixels


class Subject(Protocol):
    """One checkpoint's features on one data set. ``seed`` is for whatever an evaluator draws."""

    @property
    def seed(self) -> int:
        """The command's seed."""

    def features(self, split: str, *, turns: int = 0) -> Tensor:
        """Features float32 [N, D] of the split's square crops after ``turns`` exact quarter turns."""

    def blocks(self, split: str, *, turns: int = 0) -> Blocks:
        """The same features, read a block at a time: they need not fit into memory."""

    @property
    def device(self) -> torch.device:
        """Where features and labels are."""

    def labels(self, split: str, factor: str) -> Tensor:
        """Labels int64 [N] of the split, on the features' device."""

    def crops(self, split: str, rows: Sequence[int]) -> Pixels:
        """What the network sees of some images: uint8 [len(rows), 3, S, S]."""

    def say(self, message: str) -> None:
        """One line for the user."""
