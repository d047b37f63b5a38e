"""The loop over epochs and batches. It can begin at any step, and then does what it would have done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loocbench.data.prepared import DeviceImages, PreparedImages
from loocbench.errors import UserError
from loocbench.models.network import Network
from loocbench.pretraining import recipes, schedule, step
from loocbench.types import ImageBatch, Labels, Recipe
from loocbench.views.making import ViewMaker


@dataclass(frozen=True)
class Progress:
    """What is known after a step. losses: each space's, averaged over the epoch so far; loss: their mean."""

    epoch: int
    step: int
    steps: int
    losses: dict[str, float]
    learning_rate: float
    images_per_second: float

    @property
    def loss(self) -> float:
        """The objective."""
        return sum(self.losses.values()) / len(self.losses)

    @property
    def ends_epoch(self) -> bool:
        """Whether this was the last step of its epoch."""
        return self.step == self.steps


class NotFiniteError(Exception):
    """A loss was not finite; no weight was changed. indices: the batch's rows."""

    def __init__(self, epoch: int, step: int, indices: np.ndarray) -> None:
        super().__init__(f"the loss is not finite at epoch {epoch}, step {step}")
        self.epoch, self.step, self.indices = epoch, step, indices


@dataclass
class Position:
    """Where a run stands: whole epochs done, steps done of the next, and the sum of that epoch's losses so far."""

    epoch: int
    step: int
    total: np.ndarray


class Run:
    """A pretraining run: iterate over :meth:`steps`; ``network`` is the query encoder so far.

    labels: the images' int64 [N], for supervised training. stylised: copies of the images in other textures, row for
    row, where the recipe uses them. Raises UserError when the images do not fill one batch.
    """

    def __init__(
        self,
        recipe: Recipe,
        images: PreparedImages | DeviceImages,
        device: torch.device,
        *,
        labels: Labels | None = None,
        stylised: PreparedImages | DeviceImages | None = None,
    ) -> None:
        if len(images) < recipe.batch_size:
            raise UserError(
                f"{len(images)} training images do not fill one batch; use --batch-size {max(2, len(images))} or less."
            )
        self.recipe = recipe
        self.images = images
        self.stylised = stylised
        self.device = device
        self.labels = None if labels is None else torch.from_numpy(labels)
        classes = 0 if self.labels is None else int(self.labels.max()) + 1
        self.training = step.start(recipe, device, classes=classes)
        size = recipes.preprocessing(recipe.image_size)
        self.views = ViewMaker(
            recipe.image_size, recipes.view_sources(recipe), recipe.texture, mean=size.mean, std=size.std
        )
        self._views: Tensor | None = None  # overwritten at every step
        self.position = Position(0, 0, np.zeros(len(self.training.losses)))

    @property
    def network(self) -> Network:
        """The query encoder."""
        return self.training.network

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch; the last, smaller one is dropped, as in MoCo."""
        return len(self.images) // self.recipe.batch_size

    @property
    def steps_done(self) -> int:
        """Steps since the beginning."""
        return self.position.epoch * self.steps_per_epoch + self.position.step

    def steps(self) -> Iterator[Progress]:
        """Train from ``position`` on, yielding after every step, when ``position`` has moved past it.

        Raises NotFiniteError when a loss is not finite.
        """
        recipe, position = self.recipe, self.position
        while position.epoch < recipe.epochs:
            rate = self._learning_rate(position.epoch)
            for group in self.training.optimizer.param_groups:
                group["lr"] = rate
            order = np.random.default_rng([recipe.seed, position.epoch]).permutation(len(self.images))
            begin, first = time.perf_counter(), position.step
            while position.step < self.steps_per_epoch:
                indices = order[position.step * recipe.batch_size : (position.step + 1) * recipe.batch_size]
                losses = self.step(position.epoch, indices)
                if not np.isfinite(losses).all():
                    raise NotFiniteError(position.epoch + 1, position.step + 1, indices)
                position.total += losses
                position.step += 1
                means = dict(zip(self.training.losses, (position.total / position.step).tolist(), strict=True))
                speed = (position.step - first) * recipe.batch_size / (time.perf_counter() - begin)
                progress = Progress(position.epoch + 1, position.step, self.steps_per_epoch, means, rate, speed)
                if progress.ends_epoch:
                    position.epoch, position.step, position.total = position.epoch + 1, 0, np.zeros_like(position.total)
                yield progress
                if progress.ends_epoch:
                    break

    def step(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        """One step on the images at ``indices``. Returns each space's loss [S]."""
        batch = self.images.batch(indices)
        pixels = batch.pixels.to(self.device)
        stylised = None if self.stylised is None else self.stylised.batch(indices).pixels.to(self.device)
        drawn = self.views.draw(self.recipe.seed, epoch, indices, batch.sizes)
        self._views = self.views.apply(ImageBatch(pixels, batch.sizes, stylised), drawn, out=self._views)
        labels = None if self.labels is None else self.labels[indices].to(self.device)
        losses: np.ndarray = self.training.step(self._views, labels).double().cpu().numpy()
        return losses

    def _learning_rate(self, epoch: int) -> float:
        recipe = self.recipe
        if recipe.schedule == "cosine":
            return schedule.cosine(recipe.learning_rate, epoch, recipe.epochs)
        return schedule.step(recipe.learning_rate, epoch, recipe.milestones)
