"""The loop over epochs and batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from loocbench.data.prepared import DeviceImages, PreparedImages
from loocbench.errors import UserError
from loocbench.models.network import Network
from loocbench.pretraining import recipes, schedule
from loocbench.pretraining.step import Pretraining
from loocbench.types import ImageBatch, Recipe
from loocbench.views.making import ViewMaker


@dataclass(frozen=True)
class Progress:
    """What is known after a step. loss: the mean over spaces, averaged over the epoch so far; losses: each space's."""

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


class Run:
    """A pretraining run: iterate over :meth:`steps`; ``network`` is the query encoder so far."""

    def __init__(self, recipe: Recipe, images: PreparedImages | DeviceImages, device: torch.device) -> None:
        if len(images) < recipe.batch_size:
            raise UserError(
                f"{len(images)} training images do not fill one batch; use --batch-size {max(2, len(images))} or less."
            )
        self.recipe = recipe
        self.images = images
        self.device = device
        self.state = Pretraining(recipe, device)
        self.views = ViewMaker(recipe.image_size, recipes.view_sources(recipe))
        card = recipes.preprocessing(recipe.image_size)
        self.mean = torch.tensor(card.mean, device=device)[:, None, None]
        self.std = torch.tensor(card.std, device=device)[:, None, None]

    @property
    def network(self) -> Network:
        """The query encoder."""
        return self.state.network

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch; the last, smaller one is dropped, as in MoCo."""
        return len(self.images) // self.recipe.batch_size

    def steps(self) -> Iterator[Progress]:
        """Train, yielding after every step. Raises UserError when the loss is no longer finite."""
        recipe = self.recipe
        for epoch in range(recipe.epochs):
            rate = self._learning_rate(epoch)
            for group in self.state.optimizer.param_groups:
                group["lr"] = rate
            order = np.random.default_rng([recipe.seed, epoch]).permutation(len(self.images))
            total = np.zeros(len(self.network.spaces))
            begin = time.perf_counter()
            for step in range(self.steps_per_epoch):
                indices = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
                losses = self.step(epoch, indices)
                if not np.isfinite(losses).all():
                    raise UserError(
                        f"the loss is not finite at epoch {epoch + 1}, step {step + 1}; lower --learning-rate "
                        f"(now {recipe.learning_rate:g})."
                    )
                total += losses
                means = dict(zip(self.network.spaces, (total / (step + 1)).tolist(), strict=True))
                speed = (step + 1) * recipe.batch_size / (time.perf_counter() - begin)
                yield Progress(epoch + 1, step + 1, self.steps_per_epoch, means, rate, speed)

    def step(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        """One step on the images at ``indices``. Returns each space's loss [S]."""
        pixels, sizes = self.images.batch(indices)
        batch = ImageBatch(pixels.to(self.device), sizes)
        views = self.views.apply(batch, self.views.draw(self.recipe.seed, epoch, indices, sizes))
        views = (views - self.mean) / self.std
        losses: np.ndarray = self.state.step(views).cpu().numpy()
        return losses

    def _learning_rate(self, epoch: int) -> float:
        recipe = self.recipe
        if recipe.schedule == "cosine":
            return schedule.cosine(recipe.learning_rate, epoch, recipe.epochs)
        return schedule.step(recipe.learning_rate, epoch, recipe.milestones)
