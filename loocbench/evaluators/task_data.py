"""What an evaluator sees: features, labels and crops of a data set's splits. It knows neither networks nor files."""

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
    """One checkpoint's features on one data set. ``seed`` is for whatever an evaluator draws."""

    @property
    def seed(self) -> int:
        """The command's seed."""

    @property
    def dataset_name(self) -> str:
        """The data set's name, for messages."""

    def features(self, split: str, *, change: Change = UNCHANGED, rows: Rows | None = None) -> Tensor:
        """Features float32 [N, D] of the split's square crops after ``change``; of some ``rows`` alone if asked."""

    def blocks(self, split: str, *, change: Change = UNCHANGED) -> Blocks:
        """The same features, read a block at a time: they need not fit into memory."""

    def augmented(self, splits: Sequence[str], *, epoch: int, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Features of random crops, mirrored or not, of all images of some splits in an order drawn for ``epoch``.

        Gives (rows, features): int64 [B], places in the splits laid end to end, and float32 [B, D].
        """

    @property
    def device(self) -> torch.device:
        """Where features and labels are."""

    def labels(self, split: str, factor: str) -> Tensor:
        """Labels int64 [N] of the split, on the features' device."""

    def factors(self, split: str) -> Sequence[str]:
        """Which labels the split has."""

    def names(self, split: str, factor: str) -> Sequence[str]:
        """The names of the factor's labels, in their order."""

    def items(self, split: str) -> Sequence[str]:
        """The images' names, in the split's order."""

    def crops(self, split: str, rows: Sequence[int]) -> Pixels:
        """What the network sees of some images: uint8 [len(rows), 3, S, S]."""

    @property
    def foreground(self) -> str:
        """What the thing itself is known from in these images: "segmentation", "bounding box", or nothing."""

    def masks(self, split: str, rows: Sequence[int]) -> Mask:
        """Where the thing itself is in those crops: bool [len(rows), S, S]. ValueError without ``foreground``."""

    def elsewhere(self) -> TaskData:
        """The same features on the card's other data set. Raises ValueError where it names none."""

    def info(self, message: str) -> None:
        """One line for the user."""
