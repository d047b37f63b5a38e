"""The paper's linear probe: a classifier trained by SGD, with several learning rates at once.

Features are neither centred nor scaled, so that a learning rate means the same as in the paper.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from loocbench import philox
from loocbench.errors import UserError
from loocbench.evaluators.linear import LinearProtocol, ProbeResult
from loocbench.evaluators.probing import require_finite
from loocbench.evaluators.task_data import TaskData
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.sgd import Batches, train_with_sgd
from loocbench.wording import count_of

_SHUFFLE = 2  # stream of random numbers
_REPORT_SECONDS = 60.0

_EpochBatches = Callable[[int], Iterator[tuple[Tensor, Tensor]]]  # epoch -> (rows [B], features [B, D]) by batch


@dataclass(frozen=True)
class SgdProbe:
    """A trained probe. scores: test logits [N, K]; curve: val accuracy by learning rate, empty for a single one."""

    scores: Tensor
    learning_rate: float
    curve: list[dict[str, float]]


@dataclass(frozen=True)
class SgdClassifiers:
    """Linear classifiers, one per learning rate that did not diverge. weights [L, K, D]; intercepts [L, K]."""

    learning_rates: tuple[float, ...]
    weights: Tensor
    intercepts: Tensor

    def scores(self, features: Tensor) -> Tensor:
        """Return logits [L, N, K] of features [N, D]."""
        return torch.einsum("nd,lkd->lnk", features, self.weights) + self.intercepts[:, None]


def solve_by_sgd(protocol: LinearProtocol, data: TaskData, label: str) -> ProbeResult:
    """Train by SGD as the paper does; see :func:`train_sgd_probe`."""
    trained = train_sgd_probe(protocol, data, label)
    return ProbeResult(trained.scores, {"learning_rate": trained.learning_rate}, trained.curve)


def train_sgd_probe(protocol: LinearProtocol, data: TaskData, factor: str) -> SgdProbe:
    """Choose a learning rate on val (ties: the smallest), train anew on train + val, and score test once.

    A single learning rate is trained on train + val at once. Raises UserError if training diverges at every learning
    rate, and for features that are not finite.
    """
    test = data.features("test")
    require_finite(Blocks.from_tensor(test))
    rates = sorted(protocol.learning_rates)
    curve: list[dict[str, float]] = []
    if len(rates) > 1:
        trained = _train_classifiers(protocol, data, factor, ("train",), rates)
        accuracy = _measure_accuracy(trained, data.features("val"), data.labels("val", factor))
        measured = zip(trained.learning_rates, accuracy, strict=True)
        curve = [{"learning_rate": rate, "val_top1": value} for rate, value in measured]
        rates = [trained.learning_rates[int(np.argmax(accuracy))]]
    final = _train_classifiers(protocol, data, factor, ("train", "val"), rates)
    scores = torch.cat([final.scores(block)[0] for _, block in Blocks.from_tensor(test)])
    return SgdProbe(scores, rates[0], curve)


def _train_classifiers(
    protocol: LinearProtocol, data: TaskData, factor: str, splits: Sequence[str], learning_rates: Sequence[float]
) -> SgdClassifiers:
    """Train on some splits with every learning rate; reports and drops those that diverge."""
    labels = torch.cat([data.labels(split, factor) for split in splits])
    batches = (
        _iterate_augmented(protocol, data, splits) if protocol.augment else _iterate_cached(protocol, data, splits)
    )
    data.info(
        f"training a linear probe by SGD on {count_of(len(labels), 'image')} ({' + '.join(splits)}) for "
        f"{count_of(protocol.epochs, 'epoch')}, learning rate {_format_rates(learning_rates)}"
        f"{', augmented' if protocol.augment else ''}"
    )

    def epochs(epoch: int) -> Batches:
        for rows, features in batches(epoch):
            yield features, labels[rows.to(labels.device)]

    weights, intercepts = train_with_sgd(
        epochs,
        dim=data.blocks("test").shape[1],
        classes=int(labels.max()) + 1,
        learning_rates=learning_rates,
        epoch_count=protocol.epochs,
        seed=data.seed,
        watch=_EpochReporter(data.info, protocol.epochs),
    )
    finite = (weights.isfinite().all(dim=2) & intercepts.isfinite()).all(dim=1)
    kept = [rate for rate, good in zip(learning_rates, finite.tolist(), strict=True) if good]
    if not kept:
        raise UserError(
            f"SGD diverged at learning rate {_format_rates(learning_rates)}; are the features of a sensible scale? If "
            "so, lower the card's learning_rates."
        )
    if lost := [rate for rate in learning_rates if rate not in kept]:
        data.info(f"diverged and left out: learning rate {_format_rates(lost)}")
    return SgdClassifiers(tuple(kept), weights[finite], intercepts[finite])


def _iterate_augmented(protocol: LinearProtocol, data: TaskData, splits: Sequence[str]) -> _EpochBatches:
    """Return batches of features of random crops and flips, drawn anew in every epoch."""
    return lambda epoch: data.augmented(splits, epoch=epoch, batch_size=protocol.batch_size)


def _iterate_cached(protocol: LinearProtocol, data: TaskData, splits: Sequence[str]) -> _EpochBatches:
    """Return batches of the cached features, shuffled as a function of (seed, epoch)."""
    features = torch.cat([data.features(split) for split in splits])
    require_finite(Blocks.from_tensor(features))

    def batches(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        draws = philox.uniforms(data.seed, np.arange(len(features)), major=epoch, minor=_SHUFFLE, count=1)[:, 0]
        order = torch.from_numpy(draws.argsort(kind="stable")).to(features.device)
        for begin in range(0, len(order), protocol.batch_size):
            rows = order[begin : begin + protocol.batch_size]
            yield rows, features[rows]

    return batches


@dataclass
class _EpochReporter:
    """Reports the epoch, at most once every ``_REPORT_SECONDS``."""

    info: Callable[[str], None]
    epochs: int
    last: float = field(default_factory=time.monotonic)

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now - self.last > _REPORT_SECONDS and done < self.epochs:
            self.info(f"epoch {done} of {self.epochs}")
            self.last = now


def _measure_accuracy(trained: SgdClassifiers, features: Tensor, labels: Tensor) -> list[float]:
    """Return top-1 of every learning rate, [L]."""
    require_finite(Blocks.from_tensor(features))
    right = [
        (trained.scores(block).argmax(dim=2) == labels[rows]).sum(dim=1) for rows, block in Blocks.from_tensor(features)
    ]
    return [int(count) / len(labels) for count in torch.stack(right).sum(dim=0)]


def _format_rates(rates: Sequence[float]) -> str:
    return ", ".join(f"{rate:g}" for rate in rates)
