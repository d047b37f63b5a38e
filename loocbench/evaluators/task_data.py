"""Interface that evaluators read: features, labels and crops of a data set's splits, without networks or files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from loocbench.solvers.blocks import Blocks
from loocbench.types import UNCHANGED, Change, Mask, Pixels

Rows = npt.NDArray[np.int64]


class TaskData(Protocol):
    """One checkpoint's features on one data set. seed: of all random draws of an evaluator."""

    @property
    def seed(self) -> int:
        """The command's seed."""

    @property
    def dataset_name(self) -> str:
        """The data set's name, for messages."""

    def features(self, split: str, *, change: Change = UNCHANGED, rows: Rows | None = None) -> Tensor:
        """Return features float32 [N, D] of the split's square crops after ``change``. rows: default all."""

    def blocks(self, split: str, *, change: Change = UNCHANGED) -> Blocks:
        """Return the same features as blocks: they need not fit into memory."""

    def augmented(self, splits: Sequence[str], *, epoch: int, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield features of random crops and flips of all images of some splits, shuffled for ``epoch``.

        Batches are (rows, features): int64 [B], row indices in the concatenated splits, and float32 [B, D].
        """

    @property
    def device(self) -> torch.device:
        """The device of features and labels."""

    def labels(self, split: str, factor: str) -> Tensor:
        """Return labels int64 [N] of the split, on the features' device."""

    def factors(self, split: str) -> Sequence[str]:
        """Return the names of the split's label columns."""

    def names(self, split: str, factor: str) -> Sequence[str]:
        """Return the class names of a label column, by label value."""

    def items(self, split: str) -> Sequence[str]:
        """Return the images' names, in the split's order."""

    def crops(self, split: str, rows: Sequence[int]) -> Pixels:
        """Return the network's input crops of some images: uint8 [len(rows), 3, S, S]."""

    @property
    def foreground(self) -> str:
        """Source of the foreground masks: "segmentation", "bounding box", or "" if there are none."""

    def masks(self, split: str, rows: Sequence[int]) -> Mask:
        """Return foreground masks of those crops: bool [len(rows), S, S]. Raises ValueError without ``foreground``."""

    def elsewhere(self) -> TaskData:
        """Return the task data of the card's other data set. Raises ValueError if the card names none."""

    def info(self, message: str) -> None:
        """Show the user one line."""
