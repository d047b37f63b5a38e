"""The loop over epochs and batches. It can begin at any step, and continues identically from there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loocbench.errors import UserError
from loocbench.models.network import Network
from loocbench.pretraining import schedule, step
from loocbench.pretraining.batches import Batch, Batches, Images
from loocbench.pretraining.layout import Rows
from loocbench.ranks import Ranks
from loocbench.types import Labels, Recipe


@dataclass(frozen=True)
class Progress:
    """Progress after a step. losses: each space's, averaged over the epoch so far; loss: their mean."""

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
    """A loss or its gradient was not finite; no weight was changed. indices: the batch's rows."""

    def __init__(self, epoch: int, step: int, indices: np.ndarray) -> None:
        super().__init__(f"the loss or its gradient is not finite at epoch {epoch}, step {step}")
        self.epoch, self.step, self.indices = epoch, step, indices


@dataclass
class Position:
    """How far a run has come: whole epochs, steps of the next one, and the sum of that one's losses so far."""

    epoch: int
    step: int
    total: np.ndarray


class Run:
    """A pretraining run: iterate over :meth:`steps`; ``network`` is the query encoder so far.

    labels: the images' int64 [N], for supervised training. stylised: copies of the images in other textures, row for
    row, where the recipe uses them. ranks: the run's processes, each of which holds all images. compiled: whether
    the networks are compiled with torch.compile. Raises UserError when the images do not fill one batch.
    """

    def __init__(
        self,
        recipe: Recipe,
        images: Images,
        device: torch.device,
        *,
        labels: Labels | None = None,
        stylised: Images | None = None,
        ranks: Ranks | None = None,
        compiled: bool = False,
    ) -> None:
        if len(images) < recipe.batch_size:
            raise UserError(
                f"{len(images)} training images do not fill one batch; use --batch-size {max(2, len(images))} or less."
            )
        self.recipe = recipe
        self.device = device
        self.labels = torch.from_numpy(np.zeros(len(images), np.int64) if labels is None else labels)
        self.training = step.start_training(recipe, device, classes=int(self.labels.max()) + 1, ranks=ranks)
        if compiled:
            self.training.compile()
        self.batches = Batches(recipe, images, stylised, device)
        self.position = Position(0, 0, np.zeros(len(self.training.losses)))

    def begin_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begin with other weights than those drawn from the seed: names of the network's tensors -> values.

        The key encoder, which begins as a copy, gets them too.
        """
        self.network.load_state_dict({**self.network.state_dict(), **weights})
        if key_encoder := self.training.modules().get("key_encoder"):
            key_encoder.load_state_dict(self.network.state_dict())

    @property
    def network(self) -> Network:
        """The query encoder."""
        return self.training.network

    @property
    def steps_per_epoch(self) -> int:
        """Batches per epoch. The last, smaller one is dropped, as in MoCo, unless the recipe keeps it; then it is
        dropped if its groups would not have two images each, which batch norm needs."""
        whole, tail = divmod(len(self.labels), self.recipe.batch_size)
        return whole + (self.recipe.keep_last and tail >= 2 * self.recipe.groups)

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
            rate = schedule.learning_rate(recipe, position.epoch)
            for group in self.training.optimizer.sgd.param_groups:
                group["lr"] = rate
            begin, done = time.perf_counter(), 0
            for batch in self.batches.iterate_epoch(position.epoch, self._batches_left(), self.training.layout):
                losses = self._step(batch)
                if not np.isfinite(losses).all():
                    raise NotFiniteError(position.epoch + 1, position.step + 1, batch.indices)
                position.total += losses * len(batch.indices)
                position.step += 1
                done += len(batch.indices)
                seen = min(position.step * recipe.batch_size, len(self.labels))
                means = dict(zip(self.training.losses, (position.total / seen).tolist(), strict=True))
                speed = done / (time.perf_counter() - begin)
                progress = Progress(position.epoch + 1, position.step, self.steps_per_epoch, means, rate, speed)
                if progress.ends_epoch:
                    position.epoch, position.step, position.total = position.epoch + 1, 0, np.zeros_like(position.total)
                yield progress

    def _batches_left(self) -> list[Rows]:
        """The images of each remaining batch of this epoch."""
        recipe, position = self.recipe, self.position
        order = np.random.default_rng([recipe.seed, position.epoch]).permutation(len(self.labels))
        return [
            order[number * recipe.batch_size : (number + 1) * recipe.batch_size]
            for number in range(position.step, self.steps_per_epoch)
        ]

    def _step(self, batch: Batch) -> np.ndarray:
        """One step. Returns each space's loss [S]."""
        labels = self.labels[batch.indices[batch.share.query_rows]].to(self.device)
        losses: np.ndarray = self.training.step(batch.share, batch.queries, batch.keys, labels).double().cpu().numpy()
        return losses
