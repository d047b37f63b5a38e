"""A task opened on a checkpoint: the ``TaskData`` that its kind evaluates, from an encoder and data sets."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor

from loocbench.cache import feature_files
from loocbench.cards.tasks import TaskCard
from loocbench.data import preparing
from loocbench.data.prepared import PreparedImages, center_square
from loocbench.features import augmented, extraction
from loocbench.features.encoder import Encoder
from loocbench.progress import Reporter
from loocbench.solvers.blocks import Blocks
from loocbench.types import UNCHANGED, Change, Dataset, Mask, Pixels

if TYPE_CHECKING:
    from loocbench.evaluators.task_data import Rows

T = TypeVar("T")


@dataclass
class Clock:
    """Accumulates the seconds spent in blocks of code."""

    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Add the time of the block."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - begin

    def time_items(self, made: Iterator[T]) -> Iterator[T]:
        """Yield the items, adding only the time that producing them takes."""
        while True:
            with self.running():
                one = next(made, None)
            if one is None:
                return
            yield one


@dataclass
class Measurement:
    """A task opened on one checkpoint's features, not yet measured; the ``TaskData`` of its kind.

    other: the card's ``elsewhere``. clock: time spent on features.
    """

    card: TaskCard
    encoder: Encoder
    dataset: Dataset
    features_name: str
    seed: int
    cache: Path
    reporter: Reporter
    other: Dataset | None = None
    clock: Clock = field(default_factory=Clock)
    _prepared: dict[str, PreparedImages] = field(default_factory=dict)

    def features(self, split: str, *, change: Change = UNCHANGED, rows: Rows | None = None) -> Tensor:
        """Return features float32 [N, D] of a split on the encoder's device, cached or extracted now."""
        parts = self._parts(split, change, rows)
        return torch.from_numpy(np.concatenate(parts, axis=1)).to(self.device)

    def blocks(self, split: str, *, change: Change = UNCHANGED) -> Blocks:
        """Return the same features as blocks of the cache's memory-mapped files."""
        return Blocks.from_arrays(self._parts(split, change, None), self.device)

    def augmented(self, splits: Sequence[str], *, epoch: int, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield features of random crops of the images of some splits, shuffled for ``epoch``."""
        parts = [self._images(split) for split in splits]
        return self.clock.time_items(
            augmented.iterate_epoch(
                self.reader,
                parts,
                self.features_name,
                seed=self.seed,
                epoch=epoch,
                batch_size=batch_size,
                info=self.reporter.info,
            )
        )

    @property
    def reader(self) -> Encoder:
        """The encoder that computes what these features need inside the network, too."""
        return self.encoder.reading([self.features_name])

    @property
    def dataset_name(self) -> str:
        """The data set's name."""
        return self.dataset.name

    @property
    def device(self) -> torch.device:
        """The encoder's device."""
        return self.encoder.device

    def _parts(self, split: str, change: Change, rows: Rows | None) -> list[feature_files.Matrix]:
        """Return the memory-mapped spaces that the features concatenate, extracting them if they are not cached."""
        with self.clock.running():
            every = extraction.extract(
                self.reader,
                self.dataset,
                self.dataset.splits[split],
                change=change,
                rows=rows,
                cache=self.cache,
                reporter=self.reporter,
            )
        return [every[part] for part in self.encoder.parse(self.features_name)]

    def labels(self, split: str, factor: str) -> Tensor:
        """Return labels int64 [N] of a split."""
        return torch.from_numpy(self.dataset.splits[split].labels[factor]).to(self.encoder.device)

    def factors(self, split: str) -> Sequence[str]:
        """Return the names of a split's label columns."""
        return list(self.dataset.splits[split].labels)

    def names(self, split: str, factor: str) -> Sequence[str]:
        """Return the class names of a label column, by label value."""
        return self.dataset.splits[split].class_names[factor]

    def items(self, split: str) -> Sequence[str]:
        """Return the images' names."""
        return self.dataset.splits[split].items

    def crops(self, split: str, rows: Sequence[int]) -> Pixels:
        """Return the network's input crops of some images of a split: uint8 [len(rows), 3, S, S]."""
        return self._images(split).center_crops(rows, self.encoder.preprocessing.image_size).numpy()

    @property
    def foreground(self) -> str:
        """Source of the foreground masks: "segmentation", "bounding box", or "" if there are none."""
        return self.dataset.foreground.kind if self.dataset.foreground else ""

    def masks(self, split: str, rows: Sequence[int]) -> Mask:
        """Return foreground masks of the crops of some images: bool [len(rows), S, S]. Raises ValueError without."""
        if self.dataset.foreground is None:
            raise ValueError(f"{self.dataset.name} ships neither masks nor boxes")
        items, size = self.items(split), self.encoder.preprocessing.image_size
        masks = self.dataset.foreground.masks([items[row] for row in rows], self._images(split).sizes(rows))
        return np.stack([center_square(mask, size) for mask in masks])

    def elsewhere(self) -> Measurement:
        """Return the same features on the card's other data set. Raises ValueError if it names none."""
        if self.other is None:
            raise ValueError(f"{self.card.task} names no other data set")
        return replace(self, dataset=self.other, other=None, _prepared={})

    def _images(self, split: str) -> PreparedImages:
        if split not in self._prepared:
            images, values = self.dataset.splits[split], self.encoder.preprocessing
            self._prepared[split] = preparing.prepare(
                self.dataset,
                images,
                values.resize,
                cache=self.cache,
                reporter=self.reporter,
                interpolation=values.interpolation,
            )
        return self._prepared[split]

    def info(self, message: str) -> None:
        """Show the user one line."""
        self.reporter.info(message)
